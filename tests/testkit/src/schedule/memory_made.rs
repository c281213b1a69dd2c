//! What was made beside the lines in the PSA in memory: what stands at first, how it is named, what reading back shows.

use tallyline_core::model::{AgreementId, Timestamp};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{MadeRecord, Receipt, Verdict};

use super::bundle::{Bundle, Standing};
use super::draft::Ids;
use super::memory_verdict::conflict;
use super::world::{Cause, Making, place_of};

/// What an earlier run has made of a bundle.
pub(super) fn made_before(bundle: &Bundle, ids: &Ids, at: Timestamp) -> Vec<Making> {
    let making = |standing, place, record, parent| Making {
        at,
        cause: Cause::Earlier,
        place,
        record,
        parent,
        usable: standing == Standing::AsWanted,
    };
    let is_there = |standing: &Standing| *standing != Standing::Nothing;
    let products = bundle.products.iter().enumerate();
    let products = products.filter(|(_, standing)| is_there(standing));
    let products = products.map(|(n, standing)| {
        let place = AgreementId::of_product(&Bundle::identifier(n));
        let record = MadeRecord::Product(format!("made-p{n}").into());
        making(*standing, place, record, None)
    });
    let children = bundle.children.iter().enumerate();
    let children = children.filter(|(_, child)| is_there(&child.standing));
    let children = children.map(|(n, child)| {
        let place = AgreementId::of_key(&Bundle::key(n));
        let record = MadeRecord::Agreement(format!("made-a{n}").into());
        let master = child.master.map(|master| ids.agreements[master].clone());
        let parent = master.filter(|_| child.standing == Standing::AsWanted);
        making(child.standing, place, record, parent)
    });
    let charges = bundle.charges.iter().zip(bundle.add_charges("b", ids));
    let charges = charges.filter(|(charge, _)| charge.there);
    let charges = charges.enumerate().map(|(n, (_, change))| {
        let record = MadeRecord::Charge(format!("made-b{n}").into());
        let on = Some(change.agreement.clone());
        making(Standing::AsWanted, place_of(&change), record, on)
    });
    products.chain(children).chain(charges).collect()
}

/// The agreement that is named by its id, or by the key that it carries.
pub(super) fn agreement_in(makings: &[Making], named: &AgreementId) -> Option<AgreementId> {
    if named.key().is_none() {
        return Some(named.clone());
    }
    makings.iter().find_map(|it| match &it.record {
        MadeRecord::Agreement(id) if it.place == *named => Some(id.clone()),
        _ => None,
    })
}

/// The verdict on a change that makes an agreement, a product or a charge, from those that were made.
///
/// It is known by its receipt, else by its key, its identifier or its marker. What carries that and is not what was
/// to be made is a conflict, and so are several.
pub(super) fn made(change: &Change, makings: &[Making], receipt: Option<&Receipt>) -> Verdict {
    let place = place_of(change);
    let named = receipt.and_then(|receipt| receipt.made.as_ref());
    let is_it = |it: &&Making| match named {
        Some(record) if change.action.creates_agreement() => it.record == *record,
        // A charge is looked for on its agreement alone.
        _ if change.charge_key().is_some() => {
            it.place == place && it.parent.as_ref() == Some(&change.agreement)
        }
        _ => it.place == place,
    };
    let found: Vec<&Making> = makings.iter().filter(is_it).collect();
    let parent = match &change.action {
        Action::CreateAgreement { parent, .. } => parent.as_ref(),
        Action::AddCharge { .. } => Some(&change.agreement),
        _ => None,
    };
    match found.as_slice() {
        [one] if one.usable && one.place == place && one.parent.as_ref() == parent => {
            Verdict::Made {
                record: one.record.clone(),
                detail: format!("{} is there", one.record),
            }
        }
        [one] => conflict(format!("{} is not what was wanted", one.record), None),
        [] if named.is_some() && change.action.creates_agreement() => {
            conflict("it was created and is gone".to_owned(), None)
        }
        [] => Verdict::NotLanded,
        several => {
            let detail = format!("{} carry one key or one identifier", several.len());
            conflict(detail, None)
        }
    }
}
