//! What is found and not changed in this run: prepaid years, and what waits for the vendor's billing
//! date.

use super::{PlanContext, Policy, PrepaidYears};
use crate::model::{BillingCycle, CivilDate};
use crate::reconcile::{Kind, Row};
use crate::source::Trigger;

/// Why a row is not changed in this run although both sides differ: as what it is told, and why.
pub(super) fn held(
    row: Row<'_>,
    policy: &Policy,
    context: &PlanContext<'_>,
) -> Option<(Kind, String)> {
    if !matches!(row.kind(), Kind::NewRevenue | Kind::Change | Kind::NoChange)
        || row.charge().is_some()
    {
        return None;
    }
    if is_prepaid(row) && policy.prepaid_years == PrepaidYears::Leave {
        let reason = "it is prepaid for a year, and the agreement bills monthly: nothing is changed; \
                      the policy's prepaid_years = \"monthly\" bills it by months";
        return Some((Kind::NotEligible, reason.to_owned()));
    }
    if row.kind() == Kind::NoChange {
        return None;
    }
    let due = waits_until(row, policy, context)?;
    let reason = format!(
        "{} shows {}, and it is due on {}, {due}",
        context.source.name,
        row.vendor().unwrap_or_default(),
        Trigger::OnBillingDate,
    );
    Some((Kind::NotDue, reason))
}

/// Whether something in the sum is prepaid for a year on an agreement that bills monthly.
pub(super) fn is_prepaid(row: Row<'_>) -> bool {
    row.has_yearly() && row.agreement().billing_cycle == BillingCycle::Monthly
}

/// Whether all that is in the sum is prepaid for a year.
pub(super) fn is_prepaid_alone(row: Row<'_>) -> bool {
    row.evidence()
        .all(|line| line.billing_cycle == BillingCycle::Yearly)
}

/// The vendor's billing date, where something in the sum waits for it: the last day of the vendor's
/// period. What is on a bill, or names no period, waits for nothing.
fn waits_until(row: Row<'_>, policy: &Policy, context: &PlanContext<'_>) -> Option<CivilDate> {
    let mut by_policy = policy.triggers.values();
    let by_source = context.source.triggers;
    if !by_source.any_waits() && !by_policy.any(|trigger| *trigger == Trigger::OnBillingDate) {
        return None;
    }
    let open = row.evidence().filter(|line| {
        let trigger = policy.triggers.get(row.service_of(line)).copied();
        let trigger = trigger.unwrap_or(by_source.of(row.offer_of(line)));
        trigger == Trigger::OnBillingDate && !line.is_billed
    });
    let last = open.filter_map(|line| line.billed_until).max()?;
    (row.today() < last).then_some(last)
}
