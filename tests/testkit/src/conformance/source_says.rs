//! Group 3 for sources: what a reading says beside its quantities: of what kind, when, at what cost, committed until when.

use std::collections::BTreeMap;

use tallyline_core::model::{AccountReading, ChargeKind, CivilDate, Currency, Money, UsageLine};
use tallyline_core::wire::parse_decimal;

use super::context::{Ctx, Outcome, Stop, ensure, tests};
use super::harness::World;
use super::model::source_of;
use crate::faults::Fault;

tests! { Read;
    nothing_else_is_read: "an account that has recurring quantities alone is read as those, with no line of another kind beside them",
    readings_say_when: "a reading is stamped with the instant that was asked for, and its data are from then or before",
    claimed_unit_costs_are_exact: "where the descriptor claims unit costs, each is read to the last digit and in its currency, and one that cannot be read is none",
    claimed_commitments_are_told: "where the descriptor claims commitments, a committed line says its last day, and no other line says any",
}

/// What a unit costs: with few digits, a fraction of a cent, and more digits than a binary float holds.
const COSTS: [(&str, &str); 3] = [
    ("MAIL-A", "7.35"),
    ("BACKUP-B", "0.0125"),
    ("GUARD", "1234567890123.4567891"),
];

async fn nothing_else_is_read(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(3)).await?;
    for reading in ctx.usage(source_of(&it)?).await? {
        let mut lines = reading.lines().unwrap_or_default().iter();
        let other = lines.find(|line| line.kind != ChargeKind::Recurring);
        ensure!(
            other.is_none(),
            "{} has quantities that recur alone, and there is {other:?}",
            reading.account
        );
    }
    Ok(())
}

async fn readings_say_when(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(2)).await?;
    let now = ctx.profile.now;
    for reading in ctx.usage(source_of(&it)?).await? {
        ensure!(
            reading.read_at == now,
            "it was asked for at {now}, and is stamped {}",
            reading.read_at
        );
        ensure!(
            reading.as_of() <= now,
            "it was read at {now}, and its data are from {}",
            reading.as_of()
        );
    }
    Ok(())
}

/// Skips the test when the source does not claim what it is about.
fn claims(what: &str, claimed: bool) -> Outcome {
    if claimed {
        return Ok(());
    }
    let reason = format!("the descriptor does not claim {what}");
    Err(Stop::Skipped(reason))
}

/// The recurring lines of the readings that are complete, with the names of their services.
fn recurring(ctx: &Ctx<'_>, readings: Vec<AccountReading>) -> Vec<(String, UsageLine)> {
    let lines = readings.iter().filter_map(AccountReading::lines).flatten();
    lines
        .filter(|line| line.kind == ChargeKind::Recurring)
        .map(|line| (ctx.service_of(&line.service), line.clone()))
        .collect()
}

async fn claimed_unit_costs_are_exact(ctx: &Ctx<'_>) -> Outcome {
    let mut world = World::of(2).with(
        "Costly Ltd",
        &COSTS.map(|(service, _)| (service, 3_u32.into())),
    );
    for (service, cost) in COSTS {
        let cost = parse_decimal(cost).map_err(|error| Stop::Failed(error.to_string()))?;
        world = world.with_cost(service, Money::new(cost, Currency::EUR));
    }
    let it = ctx.good(&world).await?;
    let source = source_of(&it)?;
    claims("unit_costs", source.source.descriptor().unit_costs)?;
    let lines = recurring(ctx, ctx.usage(source).await?);
    ensure!(lines.len() == 5, "{} of 5 lines were read", lines.len());
    for (service, line) in lines {
        let wanted = world.unit_costs.get(&service);
        ensure!(
            line.unit_cost.as_ref() == wanted,
            "{service} costs {wanted:?}, and {:?} was read",
            line.unit_cost
        );
    }
    costs_are_right_or_none(ctx, &world).await
}

/// Strikes every request of a reading: what it then says of costs is right, or nothing.
async fn costs_are_right_or_none(ctx: &Ctx<'_>, world: &World) -> Outcome {
    let kinds = ctx.profile.details.iter().chain(&ctx.profile.starts);
    for kind in kinds {
        for fault in [
            Fault::status(403),
            Fault::status(404),
            Fault::text_503(),
            Fault::html_login_200(),
        ] {
            let it = ctx.good(world).await?;
            ctx.strike(&it, kind.clone(), fault.clone());
            let Ok(readings) = ctx.usage(source_of(&it)?).await else {
                continue;
            };
            for (service, line) in recurring(ctx, readings) {
                ensure!(
                    line.unit_cost.is_none()
                        || line.unit_cost.as_ref() == world.unit_costs.get(&service),
                    "{kind:?} met {fault:?}, and {service} is said to cost {:?}",
                    line.unit_cost
                );
            }
        }
    }
    Ok(())
}

async fn claimed_commitments_are_told(ctx: &Ctx<'_>) -> Outcome {
    let last_day = CivilDate::new(2026, 12, 31)?;
    let items = [("MAIL-A", 5_u32.into()), ("BACKUP-B", 7_u32.into())];
    let world = World::default()
        .with("Committed Ltd", &items)
        .with_commitment("MAIL-A", last_day);
    let it = ctx.good(&world).await?;
    let source = source_of(&it)?;
    claims("commitments", source.source.descriptor().commitments)?;
    let lines = recurring(ctx, ctx.usage(source).await?);
    let found: BTreeMap<String, Option<CivilDate>> = lines
        .into_iter()
        .map(|(service, line)| (service, line.commitment.and_then(|term| term.term_end)))
        .collect();
    let wanted = [("BACKUP-B", None), ("MAIL-A", Some(last_day))];
    let wanted: BTreeMap<String, Option<CivilDate>> = wanted
        .into_iter()
        .map(|(service, day)| (service.to_owned(), day))
        .collect();
    ensure!(found == wanted, "{wanted:?} was wanted, {found:?} was read");
    Ok(())
}
