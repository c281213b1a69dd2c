//! Group 7 as well: what is made beside the lines, agreements, products and charges, is made once.

use futures::TryStreamExt as _;
use tallyline_core::PsaSink;
use tallyline_core::apply::ApplyReport;
use tallyline_core::model::{
    AgreementId, AgreementKey, BillKey, BillingCycle, CompanyId, Money, note_block,
};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{AgreementFilter, MadeRecord, Verdict};
use tallyline_core::store::MemoryStore;
use tallyline_core::wire::parse_decimal;

use super::context::{Ctx, Outcome, Started, Stop, ensure, tests};
use super::harness::{SinkUnderTest, World};
use super::sink_writes::{
    apply, change, claims, ensure_only, first_line, missing, standing, writes,
};
use crate::faults::{Fault, Match};

tests! { Sink;
    an_agreement_is_made_once: "an agreement made for a key is found again by it: one after a lost answer, and one after a second run",
    a_child_is_made_once: "an agreement made for a key under another is found again by it, and stands under that one: one after a lost answer, and one after a second run",
    a_product_is_made_once: "a product made for an identifier is found again by it: one after a lost answer, and one after a second run",
    a_charge_is_added_once: "a charge for a bill is found again by its marker: one after a lost answer, and one after a second run",
    a_note_is_written_beside_what_people_wrote: "a block of an agreement's note is written once, in the place of the one it was planned on and of no other; the blocks of others stay",
}

pub(super) const KEY: &str = "conformance-1";

/// The identifier of a product to be made.
const IDENTIFIER: &str = "CONFORMANCE-1";

/// Applies a change whose first answer is lost, then again in a run that knows nothing of the first.
async fn twice(ctx: &Ctx<'_>, started: &Started, request: &Match, change: Change) -> Outcome {
    let it = started.sink()?;
    ctx.strike(started, request.clone().once(), Fault::lose_answer());
    for run in ["lost", "again"] {
        let changes = [change.clone()];
        let report = apply(ctx, &*it.sink, &MemoryStore::new(), run, &changes).await?;
        all_done(run, &report)?;
    }
    let sent = started.count(request);
    ensure!(sent == 1, "it was sent {sent} times");
    Ok(())
}

fn all_done(run: &str, report: &ApplyReport) -> Outcome {
    ensure!(report.is_all_done(), "run {run} gives {report}");
    Ok(())
}

/// What a change made, as it is read back without a receipt.
async fn made(it: &SinkUnderTest, change: &Change) -> std::result::Result<MadeRecord, Stop> {
    match it.sink.verify(change, None).await? {
        Verdict::Made { record, .. } => Ok(record),
        other => Err(Stop::Failed(format!("it is read back as {other:?}"))),
    }
}

async fn agreements(
    sink: &dyn PsaSink,
    company: &CompanyId,
) -> std::result::Result<Vec<AgreementId>, Stop> {
    let filter = AgreementFilter {
        companies: vec![company.clone()],
    };
    let found = sink.agreements(&filter);
    Ok(found.map_ok(|agreement| agreement.id).try_collect().await?)
}

/// An agreement to be made for a key.
pub(super) fn new_agreement(it: &SinkUnderTest, key: &str) -> std::result::Result<Change, Stop> {
    let action = Action::CreateAgreement {
        name: "Conformance".to_owned(),
        billing_cycle: BillingCycle::Monthly,
        last_day: Some(it.effective.plus_days(364)),
        parent: None,
    };
    let mut new = change(it, 0, first_line(it, 0)?.product, action)?;
    new.agreement = AgreementId::of_key(&AgreementKey::new(key));
    Ok(new)
}

/// A child to be made for a key, under the agreement of the first company.
pub(super) fn new_child(it: &SinkUnderTest, key: &str) -> std::result::Result<Change, Stop> {
    let parent = it.agreements.first().ok_or_else(|| missing("agreement"))?;
    let action = Action::CreateAgreement {
        name: "Conformance".to_owned(),
        billing_cycle: BillingCycle::Monthly,
        last_day: None,
        parent: Some(parent.clone()),
    };
    let mut new = change(it, 0, first_line(it, 0)?.product, action)?;
    new.agreement = AgreementId::of_key(&AgreementKey::new(key));
    Ok(new)
}

/// A product to be made for a service.
pub(super) fn new_product(it: &SinkUnderTest) -> std::result::Result<Change, Stop> {
    let action = Action::CreateProduct {
        identifier: IDENTIFIER.to_owned(),
        name: "Conformance".to_owned(),
        service: "conformance".into(),
    };
    let mut new = change(it, 0, IDENTIFIER.into(), action)?;
    new.agreement = AgreementId::of_product(IDENTIFIER);
    Ok(new)
}

/// Whose block of a note is written.
const OWNER: &str = "conformance 1";

/// A block of the note of the first company's agreement, planned on another text of it.
pub(super) fn new_note(
    it: &SinkUnderTest,
    from: Option<&str>,
) -> std::result::Result<Change, Stop> {
    note_of(it, OWNER, from, "3 x Mail\n4 x Backup")
}

fn note_of(
    it: &SinkUnderTest,
    owner: &str,
    from: Option<&str>,
    to: &str,
) -> std::result::Result<Change, Stop> {
    let action = Action::WriteNote {
        owner: owner.to_owned(),
        from: from.map(str::to_owned),
        to: to.to_owned(),
    };
    change(it, 0, owner.into(), action)
}

/// A charge to be added for a bill.
pub(super) fn new_charge(it: &SinkUnderTest) -> std::result::Result<Change, Stop> {
    let line = first_line(it, 0)?;
    let price = parse_decimal("812.44").map_err(|error| missing(&error.to_string()))?;
    let mut unit_price = Money::without_currency(price);
    unit_price.currency = line.state.unit_price.and_then(|price| price.currency);
    let action = Action::AddCharge {
        account: "c-1".into(),
        bill: BillKey::new("conformance", it.effective),
        description: "Consumption of one bill".to_owned(),
        quantity: 1_u32.into(),
        unit_price,
        unit_cost: None,
        period: None,
    };
    let mut charge = change(it, 0, line.product, action)?;
    let key = charge.charge_key().ok_or_else(|| missing("charge"))?;
    charge.marker = key.marker("conformance");
    Ok(charge)
}

async fn an_agreement_is_made_once(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(1)).await?;
    let it = started.sink()?;
    claims(it, "create_agreement", |claimed| claimed.create_agreement)?;
    let request = writes(ctx)?.agreement;
    let request = request.ok_or_else(|| missing("request that creates an agreement"))?;
    let new = new_agreement(it, KEY)?;
    let before = agreements(&*it.sink, &new.company).await?;
    let lines = standing(it);
    twice(ctx, &started, &request, new.clone()).await?;
    let mut after = agreements(&*it.sink, &new.company).await?;
    after.retain(|id| !before.contains(id));
    let MadeRecord::Agreement(read) = made(it, &new).await? else {
        return Err(Stop::Failed("what is read back is no agreement".to_owned()));
    };
    ensure!(
        after == [read.clone()],
        "{after:?} is new, and {read} is read back"
    );
    ensure_only(it, &lines, None)
}

async fn a_child_is_made_once(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(1)).await?;
    let it = started.sink()?;
    claims(it, "child_agreements", |claimed| claimed.child_agreements)?;
    let request = writes(ctx)?.agreement;
    let request = request.ok_or_else(|| missing("request that creates an agreement"))?;
    let new = new_child(it, KEY)?;
    let before = agreements(&*it.sink, &new.company).await?;
    let lines = standing(it);
    twice(ctx, &started, &request, new.clone()).await?;
    let filter = AgreementFilter {
        companies: vec![new.company.clone()],
    };
    let listed: Vec<_> = it.sink.agreements(&filter).try_collect().await?;
    let after = listed.iter().filter(|found| !before.contains(&found.id));
    let after: Vec<_> = after
        .map(|found| (&found.id, found.parent.as_ref()))
        .collect();
    let MadeRecord::Agreement(read) = made(it, &new).await? else {
        return Err(Stop::Failed("what is read back is no agreement".to_owned()));
    };
    ensure!(
        after == [(&read, it.agreements.first())],
        "{after:?} is new, and {read} is read back"
    );
    ensure_only(it, &lines, None)
}

async fn a_product_is_made_once(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(1)).await?;
    let it = started.sink()?;
    claims(it, "create_product", |claimed| claimed.create_product)?;
    let request = writes(ctx)?.product;
    let request = request.ok_or_else(|| missing("request that creates a product"))?;
    let new = new_product(it)?;
    let lines = standing(it);
    twice(ctx, &started, &request, new.clone()).await?;
    let listed: Vec<_> = it.sink.products().try_collect().await?;
    let after = listed.iter().filter(|found| found.identifier == IDENTIFIER);
    let after: Vec<_> = after.map(|found| &found.id).collect();
    let MadeRecord::Product(read) = made(it, &new).await? else {
        return Err(Stop::Failed("what is read back is no product".to_owned()));
    };
    ensure!(
        after == [&read],
        "{after:?} has the identifier, and {read} is read back"
    );
    ensure_only(it, &lines, None)
}

async fn a_charge_is_added_once(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(1)).await?;
    let it = started.sink()?;
    claims(it, "add_charge", |claimed| claimed.add_charge)?;
    let request = writes(ctx)?.charge;
    let request = request.ok_or_else(|| missing("request that adds a charge"))?;
    let charge = new_charge(it)?;
    let lines = standing(it);
    twice(ctx, &started, &request, charge.clone()).await?;
    let record = made(it, &charge).await?;
    ensure!(
        matches!(record, MadeRecord::Charge(_)),
        "{record:?} is read back"
    );
    ensure_only(it, &lines, None)
}

/// The blocks of two owners of the note of the first company's agreement, as the sink lists it.
async fn blocks(it: &SinkUnderTest) -> std::result::Result<[Option<String>; 2], Stop> {
    let first = it.agreements.first().ok_or_else(|| missing("agreement"))?;
    let filter = AgreementFilter::default();
    let listed: Vec<_> = it.sink.agreements(&filter).try_collect().await?;
    let found = listed.into_iter().find(|found| found.id == *first);
    let note = found.and_then(|found| found.note);
    let note =
        note.ok_or_else(|| Stop::Failed("the agreement is listed without a note".to_owned()))?;
    Ok([note_block(&note, OWNER)?, note_block(&note, OTHER)?])
}

const OTHER: &str = "conformance 2";

async fn a_note_is_written_beside_what_people_wrote(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(1)).await?;
    let it = started.sink()?;
    claims(it, "write_note", |claimed| claimed.write_note)?;
    let request = writes(ctx)?.note;
    let request = request.ok_or_else(|| missing("request that writes a note"))?;
    let lines = standing(it);
    let theirs = note_of(it, OTHER, None, "theirs")?;
    let run = apply(ctx, &*it.sink, &MemoryStore::new(), "theirs", &[theirs]).await?;
    all_done("theirs", &run)?;
    let before = started.count(&request);
    let first = new_note(it, None)?;
    ctx.strike(&started, request.clone().once(), Fault::lose_answer());
    for run in ["lost", "again"] {
        let changes = std::slice::from_ref(&first);
        let report = apply(ctx, &*it.sink, &MemoryStore::new(), run, changes).await?;
        all_done(run, &report)?;
    }
    let sent = started.count(&request) - before;
    ensure!(sent == 1, "it was sent {sent} times");
    let record = made(it, &first).await?;
    ensure!(
        matches!(record, MadeRecord::Note(_)),
        "{record:?} is read back"
    );
    let text = "3 x Mail\n4 x Backup";
    let next = note_of(it, OWNER, Some(text), "5 x Mail")?;
    let report = apply(ctx, &*it.sink, &MemoryStore::new(), "next", &[next]).await?;
    all_done("next", &report)?;
    let stale = note_of(it, OWNER, Some(text), "6 x Mail")?;
    let report = apply(ctx, &*it.sink, &MemoryStore::new(), "stale", &[stale]).await?;
    ensure!(
        report.totals.drifted == 1,
        "planned on a block that is gone, it gives {report}"
    );
    let found = blocks(it).await?;
    let wanted = [Some("5 x Mail".to_owned()), Some("theirs".to_owned())];
    ensure!(found == wanted, "the note holds {found:?}");
    ensure_only(it, &lines, None)
}
