//! What a new line takes over from one that is there.

use rust_decimal::Decimal;
use tallyline_core::model::Quantity;
use tallyline_core::plan::Change;
use tallyline_core::{ErrorKind, Result};

use super::ConnectWiseSink;
use super::marker::MarkerPlacement;
use super::write::refusal;
use crate::models::{Addition, BillCustomer, NewAddition, RecordRef};

/// A line whose terms another takes over.
pub(super) struct Terms(Addition);

impl Terms {
    /// Reads them.
    pub(super) async fn read(
        sink: &ConnectWiseSink,
        change: &Change,
        agreement: i64,
        id: i64,
    ) -> Result<Self> {
        let addition = sink.client().addition(agreement, id).await?;
        let product = addition.product.as_ref().and_then(|product| product.id);
        if product.is_none_or(|product| product.to_string() != change.product.as_str()) {
            return Err(refusal(
                ErrorKind::Conflict,
                format!("line {id} is not of product {}", change.product),
            ));
        }
        Ok(Self(addition))
    }

    /// Refuses to replace a line of which something would get lost.
    pub(super) fn check_replaceable(&self, marker: &MarkerPlacement) -> Result<()> {
        let lost = |what: String| {
            Err(refusal(
                ErrorKind::Unsupported,
                format!(
                    "line {} cannot be replaced by a new one: {what}",
                    self.0.id.unwrap_or_default()
                ),
            ))
        };
        if let (MarkerPlacement::SerialNumber, Some(serial)) = (marker, &self.0.serial_number)
            && marker.read(&self.0).is_none()
        {
            return lost(format!(
                "its serial number {serial:?} would give way to the marker; keep markers in a \
                 custom field"
            ));
        }
        let unnamed = self
            .0
            .custom_fields
            .iter()
            .find(|field| field.id.is_none() && field.text().is_some() && !marker.is_in(field));
        if let Some(field) = unnamed {
            let caption = field.caption.as_deref().unwrap_or("without a name");
            return lost(format!(
                "its custom field {caption} comes without an id and cannot be carried over"
            ));
        }
        Ok(())
    }

    /// Refuses a catch-up that would charge, or give back, units that are free of charge.
    pub(super) fn check_catch_up(&self, step: Quantity) -> Result<()> {
        let included = self.0.less_included.unwrap_or_default();
        if included <= Decimal::ZERO {
            return Ok(());
        }
        let now = self.0.quantity.unwrap_or_default();
        let before = now.saturating_sub(step.value());
        if included <= now.min(before) {
            return Ok(());
        }
        Err(refusal(
            ErrorKind::Unsupported,
            format!(
                "line {} includes {} units free of charge, and bills {} of {} instead of {}: a \
                 catch-up of {step} would not tell them apart; enter it by hand",
                self.0.id.unwrap_or_default(),
                included.normalize(),
                now.saturating_sub(included).max(Decimal::ZERO).normalize(),
                now.normalize(),
                before.normalize()
            ),
        ))
    }

    /// Puts the terms on a new addition.
    pub(super) fn put(&self, replaces: bool, marker: &MarkerPlacement, new: &mut NewAddition) {
        put(&self.0, replaces, marker, new);
    }
}

/// Puts the terms of an addition on a new one: all of them where it takes the line's place, and those
/// that say whether and how it is billed where it stands beside it.
fn put(old: &Addition, replaces: bool, marker: &MarkerPlacement, new: &mut NewAddition) {
    if let Some(bill) = &old.bill_customer {
        new.bill_customer = Some(bill.clone());
    }
    new.taxable_flag = old.taxable_flag;
    new.invoice_description.clone_from(&old.invoice_description);
    if !replaces {
        return;
    }
    // A mark of ours from another placement is not the new line's.
    if MarkerPlacement::SerialNumber.read(old).is_none() {
        new.serial_number.clone_from(&old.serial_number);
    }
    new.less_included = old.less_included;
    new.sequence_number = old.sequence_number;
    let grouping = old.invoice_grouping.as_ref().and_then(|group| group.id);
    new.invoice_grouping = grouping.map(RecordRef::by_id);
    let kept = old
        .custom_fields
        .iter()
        .filter(|field| field.value.is_some() && !marker.is_in(field))
        .filter_map(|field| field.echo());
    new.custom_fields.extend(kept);
}

/// Whether an addition bills by the terms of another that it was to take over.
pub(super) fn are_taken_over(
    old: &Addition,
    new: &Addition,
    replaces: bool,
    marker: &MarkerPlacement,
) -> bool {
    let mut sent = NewAddition::default();
    put(old, replaces, marker, &mut sent);
    shows_terms(&sent, new)
}

/// Whether the terms that were sent show in the answer.
pub(super) fn shows_terms(sent: &NewAddition, answer: &Addition) -> bool {
    let included = |amount: Option<Decimal>| amount.unwrap_or_default();
    let billed = |bill: &Option<BillCustomer>| bill.clone().unwrap_or(BillCustomer::Billable);
    included(sent.less_included) == included(answer.less_included)
        && (answer.bill_customer.is_none()
            || billed(&sent.bill_customer) == billed(&answer.bill_customer))
}
