//! What was made beside the services in the simulator of Autotask PSA: contracts and charges.

use jiff::civil::Date;
use rust_decimal::Decimal;
use tallyline_core::model::{AgreementId, AgreementKey, CivilDate, Timestamp};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::MadeRecord;

use super::bundle::{Bundle, Standing, last_day_alone};
use super::draft::{Ids, effective};
use super::over_http::number;
use super::world::{Cause, Making, charge_place};
use crate::autotask::{AutotaskState, Entity, Record};

/// Where contracts and charges are made, and where they are looked up.
pub(super) const CONTRACTS: &str = "/Contracts";
pub(super) const CHARGES: &str = "/Charges";
pub(super) const FIND_CONTRACTS: &str = "/Contracts/query";
pub(super) const FIND_CHARGES: &str = "/ContractCharges/query";

const NUMBER: &str = "contractNumber";
const MARKER: &str = "internalPurchaseOrderNumber";

/// Where what a change makes is made.
pub(super) fn makes(change: &Change) -> &'static str {
    if change.action.creates_agreement() {
        CONTRACTS
    } else {
        CHARGES
    }
}

/// Where what a change makes is looked up.
pub(super) fn finds(change: &Change) -> &'static str {
    if change.action.creates_agreement() {
        FIND_CONTRACTS
    } else {
        FIND_CHARGES
    }
}

fn date(day: CivilDate) -> Date {
    Date::new(day.year(), day.month(), day.day()).unwrap_or_default()
}

/// Fills a state with what an earlier run has made of a bundle.
pub(super) fn makings_before(state: &mut AutotaskState, bundle: &Bundle, ids: &Ids) {
    let company = number(ids.company.as_str());
    for (n, child) in bundle.children.iter().enumerate() {
        let last_day = match child.standing {
            Standing::Nothing => continue,
            Standing::AsWanted => last_day_alone(),
            Standing::Otherwise => last_day_alone().plus_days(-30),
        };
        let (start, end) = (date(effective()), date(last_day));
        let id = state.add_contract_over(company, "Earlier", start, end);
        let key = Bundle::key(n).to_string();
        state.edit(Entity::Contracts, id, |contract| {
            contract.set(NUMBER, key.as_str());
        });
    }
    for (charge, change) in bundle.charges.iter().zip(bundle.add_charges("b", ids)) {
        let Action::AddCharge { unit_price, .. } = &change.action else {
            continue;
        };
        if charge.there {
            let contract = number(change.agreement.as_str());
            let (day, price) = (date(change.effective), unit_price.amount);
            let id = state.add_charge(contract, "Earlier", day, Decimal::ONE, price);
            state.edit(Entity::ContractCharges, id, |row| {
                row.set(MARKER, change.marker.as_str());
            });
        }
    }
}

/// The contracts and charges that are there and not known yet.
pub(super) fn makings(
    state: &AutotaskState,
    known: &[Making],
    ids: &Ids,
    at: Timestamp,
    cause: &Cause,
) -> Vec<Making> {
    let text = |row: &Record, field| row.get(field).text().unwrap_or_default().to_owned();
    let making = |place, record, parent, usable| Making {
        at,
        cause: cause.clone(),
        place,
        record,
        parent,
        usable,
    };
    let contracts = state.list(Entity::Contracts).map(|row| {
        let place = AgreementId::of_key(&AgreementKey::new(text(row, NUMBER)));
        let usable = row.day("endDate") == Some(date(last_day_alone()));
        let id = row.id.to_string().into();
        making(place, MadeRecord::Agreement(id), None, usable)
    });
    let seeded = |it: &Making| {
        ids.agreements
            .iter()
            .any(|id| it.record == MadeRecord::Agreement(id.clone()))
    };
    let charges = state.list(Entity::ContractCharges).map(|row| {
        let place = charge_place(&text(row, MARKER));
        let contract = row.integer("contractID").unwrap_or_default();
        let id = row.id.to_string().into();
        making(
            place,
            MadeRecord::Charge(id),
            Some(contract.to_string().into()),
            true,
        )
    });
    let is_new = |it: &Making| known.iter().all(|other| other.record != it.record);
    let all = contracts.filter(|it| !seeded(it)).chain(charges);
    all.filter(is_new).collect()
}

/// The contract that is named by its id, or by the key that it carries.
pub(super) fn contract_in(makings: &[Making], named: &AgreementId) -> Option<i64> {
    if named.key().is_none() {
        return Some(number(named.as_str()));
    }
    makings.iter().find_map(|it| match &it.record {
        MadeRecord::Agreement(id) if it.place == *named => Some(number(id.as_str())),
        _ => None,
    })
}

/// Gives a contract another name.
pub(super) fn rename(state: &mut AutotaskState, contract: i64) -> bool {
    state.edit(Entity::Contracts, contract, |row| {
        row.set("contractName", "Renamed");
    });
    true
}
