//! Group 7 still: each capability that a descriptor claims is held to, and none works that is not claimed.

use futures::StreamExt as _;
use tallyline_core::ErrorKind;
use tallyline_core::model::{AgreementLine, LinesOutcome, Money};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{Receipt, SinkCapabilities, Verdict, WriteError};
use tallyline_core::store::MemoryStore;
use tallyline_core::wire::parse_decimal;

use super::context::{Ctx, Outcome, Stop, ensure, tests};
use super::harness::{SinkUnderTest, World};
use super::sink_makes::{KEY, new_agreement, new_charge, new_child, new_note, new_product};
use super::sink_writes::{
    apply, change, claims, create, creates, ensure_only, first_line, missing, set, sets, standing,
    with_new, writes, written,
};

tests! { Sink;
    what_is_claimed_works: "costs, prices and ends of lines land where the descriptor claims them",
    a_dated_quantity_begins_on_its_day: "where quantities are dated, one of a later day lands and leaves the days before it as they are",
    a_line_ends_before_it_starts: "where a line can end before its first day, a new one is taken back whole",
    what_is_not_claimed_is_refused: "what the descriptor does not claim is refused before anything is sent, agreements and charges included",
    a_day_that_is_not_claimed_is_not_kept: "where quantities are not dated, one of a later day counts at once or is refused, and where a line cannot end before its first day, that is refused",
}

type Claim = (&'static str, fn(&SinkCapabilities) -> bool, Action);

/// Every kind of change of a line, with the capability that it needs.
async fn kinds(it: &SinkUnderTest) -> std::result::Result<Vec<Claim>, Stop> {
    let mut readings = it.sink.lines(&it.agreements);
    let untold = it.sink.descriptor().capabilities.set_count;
    let reading = readings.next().await.transpose()?;
    let line = match reading.map(|reading| reading.outcome) {
        Some(LinesOutcome::Complete(lines)) => lines.into_iter().next(),
        _ if untold => Some(first_line(it, 0)?),
        _ => return Err(Stop::Failed("the lines could not be read".to_owned())),
    };
    let line = line.ok_or_else(|| missing("line"))?;
    let money = |text: &str, like: Option<Money>| {
        let amount = parse_decimal(text).map_err(|error| missing(&error.to_string()))?;
        let mut money = Money::without_currency(amount);
        money.currency = like.and_then(|money| money.currency);
        Ok::<_, Stop>(money)
    };
    Ok(vec![
        (
            "set_quantity",
            |claimed| claimed.set_quantity,
            Action::SetQuantity {
                line: line.id.clone(),
                from: line.state.quantity,
                to: 14_u32.into(),
            },
        ),
        (
            "set_unit_cost",
            |claimed| claimed.set_unit_cost,
            Action::SetUnitCost {
                line: line.id.clone(),
                from: line.state.unit_cost,
                to: money("7.35", line.state.unit_cost)?,
            },
        ),
        (
            "set_unit_price",
            |claimed| claimed.set_unit_price,
            Action::SetUnitPrice {
                line: line.id.clone(),
                from: line.state.unit_price,
                to: money("9.95", line.state.unit_price)?,
            },
        ),
        (
            "end_line",
            |claimed| claimed.end_line,
            Action::EndLine {
                line: line.id.clone(),
                from: line.state.quantity,
                last_day: it.effective.plus_days(29),
                replaced_by: None,
            },
        ),
    ])
}

async fn what_is_claimed_works(ctx: &Ctx<'_>) -> Outcome {
    for at in 0..4 {
        let started = ctx.good(&World::of(1)).await?;
        let it = started.sink()?;
        let Some((what, claim, action)) = kinds(it).await?.into_iter().nth(at) else {
            continue;
        };
        if !claim(&it.sink.descriptor().capabilities) {
            continue;
        }
        let mut wanted = first_line(it, 0)?;
        let change = change(it, 0, wanted.product.clone(), action)?;
        let store = MemoryStore::new();
        let report = apply(ctx, &*it.sink, &store, what, std::slice::from_ref(&change)).await?;
        ensure!(
            report.is_all_done() && report.totals.recovered == 0,
            "{what} is claimed, and the report is {report}"
        );
        match &change.action {
            Action::SetQuantity { to, .. } => wanted.state.quantity = *to,
            Action::SetUnitCost { to, .. } => wanted.state.unit_cost = Some(*to),
            Action::SetUnitPrice { to, .. } => wanted.state.unit_price = Some(*to),
            Action::EndLine { last_day, .. } => wanted.state.last_day = Some(*last_day),
            _ => {}
        }
        // Past the client: it may only say that it landed.
        let found = first_line(it, 0)?;
        ensure!(
            told_alike(&found) == told_alike(&wanted),
            "{what} is claimed and said to be done: {wanted:?} was wanted, {found:?} is there"
        );
    }
    Ok(())
}

/// A line without the currency of its amounts, which the simulator need not tell.
pub(super) fn told_alike(line: &AgreementLine) -> AgreementLine {
    let mut line = line.clone();
    let amount = |money: Option<Money>| money.map(|money| Money::without_currency(money.amount));
    line.state.unit_cost = amount(line.state.unit_cost);
    line.state.unit_price = amount(line.state.unit_price);
    line
}

/// Carries a change out, which must succeed, and reads it back, which must show it.
async fn lands(
    it: &SinkUnderTest,
    change: &Change,
    what: &str,
) -> std::result::Result<Receipt, Stop> {
    let receipt = match it.sink.execute(change).await {
        Ok(receipt) => receipt,
        Err(error) => return Err(Stop::Failed(format!("{what}: {error}"))),
    };
    let verdict = it.sink.verify(change, Some(&receipt)).await?;
    if matches!(verdict, Verdict::Landed { .. }) {
        return Ok(receipt);
    }
    Err(Stop::Failed(format!("{what} is read back as {verdict:?}")))
}

async fn not_landed(it: &SinkUnderTest, change: &Change, what: &str) -> Outcome {
    let verdict = it.sink.verify(change, None).await?;
    let landed = matches!(verdict, Verdict::Landed { .. });
    ensure!(!landed, "{what} is read back as {verdict:?}");
    Ok(())
}

async fn a_dated_quantity_begins_on_its_day(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(2)).await?;
    let it = started.sink()?;
    claims(it, "dated_quantities", |claimed| claimed.dated_quantities)?;
    sets(it)?;
    let before = standing(it);
    let mut later = set(it, 0, 14_u32.into())?;
    later.effective = it.effective.plus_days(30);
    let mut another = later.clone();
    if let Action::SetQuantity { to, .. } = &mut another.action {
        *to = 15_u32.into();
    }
    not_landed(it, &later, "a quantity of a later day, before it is sent,").await?;
    lands(it, &later, "a quantity of a later day").await?;
    not_landed(it, &another, "another quantity of that day").await?;
    // What the simulator tells is of the day on which changes may take effect.
    ensure_only(it, &before, None)
}

async fn a_line_ends_before_it_starts(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&with_new()).await?;
    let it = started.sink()?;
    claims(it, "end_before_start", |claimed| claimed.end_before_start)?;
    creates(it)?;
    let new = create(it, 7_u32.into())?;
    let made = lands(it, &new, "a new line").await?;
    let Some(line) = made.line else {
        return Err(Stop::Failed(
            "the receipt of a new line names no line".to_owned(),
        ));
    };
    let action = Action::EndLine {
        line,
        from: 7_u32.into(),
        last_day: it.effective.plus_days(-1),
        replaced_by: None,
    };
    let taken_back = change(it, 0, new.product, action)?;
    lands(it, &taken_back, "its end before its start").await?;
    let before = it.effective;
    let lines = standing(it).into_iter();
    let mut left = lines.filter(|line| line.product == taken_back.product);
    let bills = left.find(|line| line.state.last_day.is_none_or(|last| last >= before));
    ensure!(
        bills.is_none(),
        "it is said to be taken back, and bills: {bills:?}"
    );
    Ok(())
}

/// Every kind of change, with the name of the capability that it needs and whether the sink claims it.
async fn changes(
    it: &SinkUnderTest,
) -> std::result::Result<Vec<(&'static str, bool, Change)>, Stop> {
    let claimed = &it.sink.descriptor().capabilities;
    let line = first_line(it, 0)?;
    let mut changes = Vec::new();
    for (what, claim, action) in kinds(it).await? {
        let change = change(it, 0, line.product.clone(), action)?;
        changes.push((what, claim(claimed), change));
    }
    let new = create(it, 7_u32.into())?;
    changes.push(("create_line", claimed.create_line, new));
    let agreement = new_agreement(it, KEY)?;
    changes.push(("create_agreement", claimed.create_agreement, agreement));
    let child = new_child(it, KEY)?;
    changes.push(("child_agreements", claimed.child_agreements, child));
    changes.push(("create_product", claimed.create_product, new_product(it)?));
    changes.push(("write_note", claimed.write_note, new_note(it, None)?));
    changes.push(("add_charge", claimed.add_charge, new_charge(it)?));
    let count = Action::SetCount {
        from: None,
        to: 14_u32.into(),
    };
    let count = change(it, 0, line.product, count)?;
    changes.push(("set_count", claimed.set_count, count));
    Ok(changes)
}

async fn what_is_not_claimed_is_refused(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&with_new()).await?;
    let it = started.sink()?;
    let unclaimed = changes(it)
        .await?
        .into_iter()
        .filter(|(_, claimed, _)| !claimed);
    let unclaimed: Vec<_> = unclaimed.collect();
    if unclaimed.is_empty() {
        return Err(Stop::Skipped(
            "the descriptor claims every kind of change".to_owned(),
        ));
    }
    let before = standing(it);
    for (what, _, change) in unclaimed {
        match it.sink.execute(&change).await {
            Err(error) => ensure!(
                error.error().kind() == ErrorKind::Unsupported
                    && matches!(error, WriteError::NotSent(_)),
                "{what} is not claimed, and it is {error:?}"
            ),
            Ok(receipt) => ensure!(false, "{what} is not claimed, and gave {receipt:?}"),
        }
    }
    ensure_only(it, &before, None)?;
    let sent = written(&started, &writes(ctx)?);
    ensure!(sent == 0, "{sent} writes were sent");
    Ok(())
}

async fn a_day_that_is_not_claimed_is_not_kept(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(2)).await?;
    let it = started.sink()?;
    let claimed = &it.sink.descriptor().capabilities;
    if claimed.dated_quantities && claimed.end_before_start {
        let both = "the descriptor claims dated_quantities and end_before_start";
        return Err(Stop::Skipped(both.to_owned()));
    }
    if claimed.set_quantity && !claimed.dated_quantities {
        let before = standing(it);
        let mut later = set(it, 0, 14_u32.into())?;
        later.effective = it.effective.plus_days(30);
        // It counts at once for all that is not invoiced, or it is refused.
        let line = match it.sink.execute(&later).await {
            Ok(_) => later.action.line().map(|line| (line, 14_u32.into())),
            Err(error) => {
                ensure!(!matches!(error, WriteError::Unknown(_)), "{error}");
                None
            }
        };
        ensure_only(it, &before, line)?;
    }
    if claimed.end_line && !claimed.end_before_start {
        let before = standing(it);
        let line = first_line(it, 1)?;
        let Some(first_day) = line.state.effective else {
            return Ok(());
        };
        let action = Action::EndLine {
            line: line.id,
            from: line.state.quantity,
            last_day: first_day.plus_days(-1),
            replaced_by: None,
        };
        let ended = it.sink.execute(&change(it, 1, line.product, action)?).await;
        ensure!(
            ended.is_err() && !matches!(ended, Err(WriteError::Unknown(_))),
            "an end before the start is not claimed, and it is {ended:?}"
        );
        ensure_only(it, &before, None)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each capability and the test that holds a sink to it.
    const HELD: [(&str, &str); 14] = [
        ("whole_units_only", "fractions_are_written_exactly"),
        ("dated_quantities", "a_dated_quantity_begins_on_its_day"),
        ("create_line", "a_line_added_twice_is_one_line"),
        ("set_quantity", "what_is_claimed_works"),
        ("set_unit_cost", "what_is_claimed_works"),
        ("set_unit_price", "what_is_claimed_works"),
        ("end_line", "what_is_claimed_works"),
        ("end_before_start", "a_line_ends_before_it_starts"),
        ("create_agreement", "an_agreement_is_made_once"),
        ("child_agreements", "a_child_is_made_once"),
        ("create_product", "a_product_is_made_once"),
        ("add_charge", "a_charge_is_added_once"),
        ("write_note", "a_note_is_written_beside_what_people_wrote"),
        ("set_count", "a_count_is_set_once"),
    ];

    #[test]
    fn every_capability_has_a_test_that_holds_a_sink_to_it() {
        let all = format!("{:?}", SinkCapabilities::default());
        let names: Vec<&str> = all
            .split([' ', ':'])
            .filter(|word| word.contains('_'))
            .collect();
        assert_eq!(names, HELD.map(|(capability, _)| capability));
        let tests = super::super::sink_writes::tests()
            .into_iter()
            .chain(tests())
            .chain(super::super::sink_makes::tests())
            .chain(super::super::sink_counts::tests());
        let tests: Vec<&str> = tests.map(|test| test.name).collect();
        for (capability, test) in HELD {
            assert!(tests.contains(&test), "{capability}: there is no {test}");
        }
    }
}
