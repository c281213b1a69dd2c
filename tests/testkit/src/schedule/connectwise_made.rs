//! What was made beside the additions in the simulator of ConnectWise PSA.

use jiff::civil::Date;
use tallyline_core::model::{AgreementId, AgreementKey, Timestamp};
use tallyline_core::plan::Change;
use tallyline_core::sink::MadeRecord;

use super::bundle::{Bundle, Child, Standing};
use super::draft::{Ids, effective};
use super::over_http::number;
use super::world::{Cause, Making};
use crate::connectwise::{Agreement, ConnectWiseState, Product, Write, WriteKind};

/// Where agreements are made, and where products.
pub(super) const AGREEMENTS: &str = "/finance/agreements";
pub(super) const CATALOG: &str = "/procurement/catalog";

/// What stands before a key in a name.
const MARK: &str = "[TL:";

/// Where what a change makes is made.
pub(super) fn makes(change: &Change) -> &'static str {
    if change.action.creates_product() {
        CATALOG
    } else {
        AGREEMENTS
    }
}

/// Fills a state with what an earlier run has made of a bundle.
pub(super) fn makings_before(
    state: &mut ConnectWiseState,
    bundle: &Bundle,
    ids: &Ids,
    at: Timestamp,
) -> Vec<Making> {
    let mut makings = Vec::new();
    for (n, standing) in bundle.products.iter().enumerate() {
        if *standing == Standing::Nothing {
            continue;
        }
        let id = state.add_product(&Bundle::identifier(n), 20.into(), 10.into());
        if let Some(product) = state.products.get_mut(&id) {
            product.inactive = *standing == Standing::Otherwise;
            makings.push(of_product(product, at, &Cause::Earlier));
        }
    }
    for (n, child) in bundle.children.iter().enumerate() {
        let id = child_before(state, n, child, ids);
        let agreement = id.and_then(|id| state.agreements.get(&id));
        makings.extend(agreement.map(|it| of_agreement(it, at, &Cause::Earlier)));
    }
    makings
}

fn child_before(state: &mut ConnectWiseState, at: usize, child: &Child, ids: &Ids) -> Option<i64> {
    let name = format!("Earlier {MARK}{}]", Bundle::key(at));
    let master = number(ids.agreements[child.master?].as_str());
    let id = match child.standing {
        Standing::Nothing => return None,
        Standing::AsWanted => state.add_child_agreement(master, &name)?,
        Standing::Otherwise => state.add_agreement(number(ids.company.as_str()), &name),
    };
    let day = effective();
    let start = Date::new(day.year(), day.month(), day.day()).ok()?;
    state.edit_agreement(id, |agreement| {
        agreement.start_date = start;
        agreement.bill_start_date = start;
    });
    Some(id)
}

/// The key in a name.
fn place_of(name: &str) -> Option<AgreementId> {
    let (_, after) = name.split_once(MARK)?;
    let (key, _) = after.split_once(']')?;
    Some(AgreementId::of_key(&AgreementKey::new(key)))
}

fn of_agreement(agreement: &Agreement, at: Timestamp, cause: &Cause) -> Making {
    Making {
        at,
        cause: cause.clone(),
        place: place_of(&agreement.name).unwrap_or_else(|| agreement.id.to_string().into()),
        record: MadeRecord::Agreement(agreement.id.to_string().into()),
        parent: agreement.parent_id.map(|id| id.to_string().into()),
        usable: !agreement.cancelled,
    }
}

fn of_product(product: &Product, at: Timestamp, cause: &Cause) -> Making {
    Making {
        at,
        cause: cause.clone(),
        place: AgreementId::of_product(&product.identifier),
        record: MadeRecord::Product(product.id.to_string().into()),
        parent: None,
        usable: !product.inactive,
    }
}

/// What a write has made; nothing where it did anything else.
pub(super) fn making_of(
    write: &Write,
    agreement: Option<&Agreement>,
    product: Option<&Product>,
    at: Timestamp,
    cause: &Cause,
) -> Option<Making> {
    match (write.entity, write.kind) {
        ("Agreement", WriteKind::Created) => agreement.map(|it| of_agreement(it, at, cause)),
        ("CatalogItem", WriteKind::Created) => product.map(|it| of_product(it, at, cause)),
        _ => None,
    }
}

/// A write that no change asks for.
pub(super) fn stray(write: &Write, cause: &Cause) -> String {
    format!(
        "{cause:?}: {:?} of {} {}",
        write.kind, write.entity, write.id
    )
}

/// The agreement that is named by its id, or by the key that it carries.
pub(super) fn agreement_in(makings: &[Making], named: &AgreementId) -> Option<i64> {
    if named.key().is_none() {
        return Some(number(named.as_str()));
    }
    makings.iter().find_map(|it| match &it.record {
        MadeRecord::Agreement(id) if it.place == *named => Some(number(id.as_str())),
        _ => None,
    })
}

/// Gives a record another name, and leaves what it is recognised by.
pub(super) fn rename(state: &mut ConnectWiseState, record: &MadeRecord) -> bool {
    match record {
        MadeRecord::Agreement(id) => state.edit_agreement(number(id.as_str()), |agreement| {
            let key = agreement
                .name
                .find(MARK)
                .map(|at| agreement.name.split_off(at));
            agreement.name = format!("Renamed {}", key.unwrap_or_default());
        }),
        MadeRecord::Product(id) => {
            let product = state.products.get_mut(&number(id.as_str()));
            product
                .map(|it| it.description = "Renamed".to_owned())
                .is_some()
        }
        _ => false,
    }
}
