//! Quantities over time in the simulated Autotask: adjustments, quantity rows, posting, the window of a contract.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use jiff::civil::date;
use rust_decimal::Decimal;
use support::autotask::{Tenant, tenant};
use tallyline_testkit::autotask::{Entity, InPostedPeriod, RowPrice};
use tallyline_testkit::json::Json;

fn row(start: &str, end: &str, units: i64, price: &str) -> (String, String, i64, String) {
    (start.to_owned(), end.to_owned(), units, price.to_owned())
}

async fn pair(tenant: &Tenant, effective: &str, change: i64, more: &str) -> support::Answer {
    let (contract, service) = (tenant.contract, tenant.service);
    let body = format!(
        r#"{{"contractID":{contract},"serviceID":{service},"effectiveDate":"{effective}","unitChange":{change}{more}}}"#
    );
    tenant
        .post(&format!("/Contracts/{contract}/ServiceAdjustments"), &body)
        .await
}

/// The line's amounts as posted, in order.
fn posted(tenant: &Tenant, through: jiff::civil::Date) -> Vec<String> {
    tenant.sim.with_state(|state| {
        let items = state.approve_and_post(tenant.contract, through);
        let amount = |id: &i64| {
            let item = state.record(Entity::BillingItems, *id).unwrap();
            item.get("totalAmount").to_string()
        };
        items.iter().map(amount).collect()
    })
}

#[tokio::test]
async fn every_billing_period_past_and_future_has_a_row() {
    let tenant = tenant().await;
    let rows = tenant.units(tenant.line).await;
    assert_eq!(rows.len(), 24);
    assert_eq!(rows[0], row("2026-01-01", "2026-01-31", 10, "200.0000"));
    assert_eq!(rows[23], row("2027-12-01", "2027-12-31", 10, "200.0000"));
}

#[tokio::test]
async fn an_adjustment_on_the_first_day_of_a_period_changes_it_and_all_later_ones() {
    let tenant = tenant().await;
    let answer = tenant.adjust("2026-04-01", 3).await;
    assert_eq!(answer.body, format!(r#"{{"itemId":{}}}"#, answer.item_id()));
    let rows = tenant.units(tenant.line).await;
    assert_eq!(rows.len(), 24);
    assert_eq!(rows[2], row("2026-03-01", "2026-03-31", 10, "200.0000"));
    assert_eq!(rows[3], row("2026-04-01", "2026-04-30", 13, "260.0000"));
    assert_eq!(rows[23].2, 13);
}

#[tokio::test]
async fn an_adjustment_inside_a_period_splits_its_row_at_the_effective_date() {
    let tenant = tenant().await;
    tenant.adjust("2026-10-15", 3).await.item_id();
    let rows = tenant.units(tenant.line).await;
    assert_eq!(rows.len(), 25);
    // The earlier row shows the day of the adjustment as its end, and is billed up to the day before.
    assert_eq!(rows[9], row("2026-10-01", "2026-10-15", 10, "90.3226"));
    assert_eq!(rows[10], row("2026-10-15", "2026-10-31", 13, "142.5806"));
    assert_eq!(rows[11].2, 13);
    tenant
        .sim
        .with_state(|state| state.options.row_ends_on_next = false);
    assert_eq!(tenant.units(tenant.line).await[9].1, "2026-10-14");
    tenant
        .sim
        .with_state(|state| state.options.row_price = RowPrice::Unit);
    assert_eq!(tenant.units(tenant.line).await[9].3, "20.0000");
}

#[tokio::test]
async fn posting_rounds_each_row_to_cents_and_pins_it() {
    let tenant = tenant().await;
    tenant.adjust("2026-10-15", 3).await.item_id();
    let before = posted(&tenant, date(2026, 9, 30));
    assert_eq!(before.len(), 9);
    assert_eq!(posted(&tenant, date(2026, 10, 31)), ["90.3200", "142.5800"]);
    assert!(posted(&tenant, date(2026, 10, 31)).is_empty());
    let filter = format!(
        r#"{{"op":"eq","field":"contractServiceID","value":{}}},{{"op":"exist","field":"approveAndPostDate"}}"#,
        tenant.line
    );
    assert_eq!(
        tenant.found("ContractServiceUnits", &filter).await.len(),
        11
    );
    let items = format!(
        r#"{{"op":"eq","field":"contractServiceID","value":{}}}"#,
        tenant.line
    );
    let items = tenant.query("BillingItems", &items).await.items();
    assert_eq!(items.len(), 11);
    let prorated = items
        .iter()
        .filter(|item| item.get("contractServiceAdjustmentID") != Some(&Json::Null));
    assert_eq!(prorated.count(), 1);
}

#[tokio::test]
async fn a_first_calendar_period_is_charged_by_its_days() {
    let tenant = tenant().await;
    let line = tenant.sim.with_state(|state| {
        state.options.calendar_periods = true;
        let (start, end) = (date(2026, 1, 17), date(2026, 12, 31));
        let contract = state.add_contract_over(tenant.company, "Part", start, end);
        state.add_line(contract, tenant.service, 10)
    });
    let rows = tenant.units(line).await;
    assert_eq!(rows[0], row("2026-01-17", "2026-01-31", 10, "96.7742"));
    assert_eq!(rows[1], row("2026-02-01", "2026-02-28", 10, "200.0000"));
}

#[tokio::test]
async fn periods_run_from_the_contracts_first_day_without_drifting() {
    let tenant = tenant().await;
    let (line, monthly) = tenant.sim.with_state(|state| {
        let contract = state.add_contract_over(
            tenant.company,
            "Seventeenth",
            date(2026, 1, 17),
            date(2026, 12, 31),
        );
        let line = state.add_line(contract, tenant.service, 0);
        state.adjust(line, date(2026, 1, 25), 2).unwrap();
        let last = state.add_contract_over(
            tenant.company,
            "Last day",
            date(2026, 1, 31),
            date(2026, 5, 15),
        );
        (line, state.add_line(last, tenant.service, 1))
    });
    let rows = tenant.units(line).await;
    assert_eq!(rows[1], row("2026-01-25", "2026-02-16", 2, "29.6774"));
    assert_eq!(rows[2], row("2026-02-17", "2026-03-16", 2, "40.0000"));
    let rows = tenant.units(monthly).await;
    let starts: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(
        starts,
        ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
    );
    // The last one is cut by the contract's end.
    assert_eq!(rows[3].1, "2026-05-15");
}

#[tokio::test]
async fn a_second_adjustment_of_a_line_on_a_day_is_duplicate_data() {
    let tenant = tenant().await;
    tenant.adjust("2026-04-10", 3).await.item_id();
    let refused = tenant.adjust("2026-04-10", -3).await;
    assert_eq!(
        refused.refusal(),
        (
            500,
            "Attempt to insert duplicate data into contract_service_period".to_owned()
        )
    );
    tenant.adjust("2026-04-11", -3).await.item_id();
    tenant
        .sim
        .with_state(|state| state.options.same_day_adjustments = true);
    tenant.adjust("2026-04-10", 1).await.item_id();
}

#[tokio::test]
async fn an_adjustment_outside_the_contracts_window_is_refused() {
    let tenant = tenant().await;
    for day in ["2025-12-31", "2028-01-01"] {
        assert_eq!(
            tenant.adjust(day, 1).await.refusal(),
            (
                500,
                "ContractServiceAdjustment effectiveDate must be between the start date and end date of the Contract referenced by contractID.".to_owned()
            )
        );
    }
    tenant.adjust("2027-12-31", 1).await.item_id();
}

#[tokio::test]
async fn units_cannot_become_negative_on_any_later_day() {
    let tenant = tenant().await;
    tenant.adjust("2026-06-01", -8).await.item_id();
    let refused = tenant.adjust("2026-05-01", -3).await;
    let (status, text) = refused.refusal();
    assert!(status == 500 && text.contains("negative"), "{text}");
    tenant.adjust("2026-05-01", -2).await.item_id();
    let rows = tenant.units(tenant.line).await;
    assert_eq!((rows[4].2, rows[5].2), (8, 0));
}

#[tokio::test]
async fn units_that_are_no_whole_number_are_refused() {
    let tenant = tenant().await;
    tenant.sim.expect_violations(
        "units that are no whole number",
        &["request body /unitChange"],
    );
    for change in ["1.5", "\"2\"", "1.0"] {
        let body = format!(
            r#"{{"contractServiceID":{},"effectiveDate":"2026-04-01","unitChange":{change}}}"#,
            tenant.line
        );
        let refused = tenant.post("/ContractServiceAdjustments", &body).await;
        assert_eq!(refused.status, 500, "{change}");
    }
    assert_eq!(tenant.sim.effects(), []);
}

#[tokio::test]
async fn an_adjustment_is_taken_flat_too_and_never_seen_again() {
    let tenant = tenant().await;
    let body = format!(
        r#"{{"contractServiceID":{},"effectiveDate":"2026-04-01","unitChange":1}}"#,
        tenant.line
    );
    let id = tenant
        .post("/ContractServiceAdjustments", &body)
        .await
        .item_id();
    tenant.sim.expect_violations(
        "adjustments cannot be read",
        &[
            "operation: the document has no such path",
            "operation: the document has this path, but not with this method",
        ],
    );
    for path in [
        format!("/ContractServiceAdjustments/{id}"),
        "/ContractServiceAdjustments/query".to_owned(),
    ] {
        assert_eq!(tenant.get(&path).await.status, 404);
    }
    let patch = format!(r#"{{"id":{id},"unitChange":2}}"#);
    let path = format!("/Contracts/{}/ServiceAdjustments", tenant.contract);
    assert_eq!(tenant.call("PATCH", &path, &patch).await.status, 405);
    let neither = r#"{"effectiveDate":"2026-04-01","unitChange":1}"#;
    let refused = tenant.post("/ContractServiceAdjustments", neither).await;
    assert!(refused.refusal().1.contains("contractServiceID"));
    let elsewhere = format!(
        r#"{{"contractID":{},"serviceID":1,"effectiveDate":"2026-04-01","unitChange":1}}"#,
        tenant.contract
    );
    let refused = tenant.post("/ContractServiceAdjustments", &elsewhere).await;
    assert!(
        refused
            .refusal()
            .1
            .contains("Reference value on field: serviceID")
    );
}

#[tokio::test]
async fn an_adjustment_makes_the_line_when_the_service_is_not_on_the_contract() {
    let tenant = tenant().await;
    let (contract, service) = tenant.sim.with_state(|state| {
        let contract = state.add_contract(tenant.company, "Empty");
        (contract, tenant.service)
    });
    let body = format!(
        r#"{{"contractID":{contract},"serviceID":{service},"effectiveDate":"2026-03-10","unitChange":4}}"#
    );
    let path = format!("/Contracts/{contract}/ServiceAdjustments");
    let negative = body.replace(":4}", ":-4}");
    assert!(
        tenant
            .post(&path, &negative)
            .await
            .refusal()
            .1
            .contains("negative")
    );
    tenant.post(&path, &body).await.item_id();
    let lines = tenant.get(&format!("/Contracts/{contract}/Services")).await;
    let [line] = lines.item_ids()[..] else {
        panic!("one line: {}", lines.body)
    };
    let rows = tenant.units(line).await;
    assert_eq!(rows[0], row("2026-03-10", "2026-03-31", 4, "56.7742"));
    assert_eq!(rows[1], row("2026-04-01", "2026-04-30", 4, "80.0000"));
    // Rows may be added in front.
    let earlier =
        format!(r#"{{"contractServiceID":{line},"effectiveDate":"2026-02-01","unitChange":1}}"#);
    tenant.post(&path, &earlier).await.item_id();
    let rows = tenant.units(line).await;
    assert_eq!(rows[0], row("2026-02-01", "2026-02-28", 1, "20.0000"));
    assert_eq!(rows[1], row("2026-03-01", "2026-03-10", 1, "5.8065"));
    assert_eq!(rows[2].2, 5);
}

#[tokio::test]
async fn an_adjustment_merges_into_the_line_unless_a_repeat_is_asked_for() {
    let tenant = tenant().await;
    pair(&tenant, "2026-04-01", 1, "").await.item_id();
    assert_eq!(tenant.units(tenant.line).await[3].2, 11);
    pair(&tenant, "2026-04-01", 5, r#","allowRepeatService":true"#)
        .await
        .item_id();
    let lines = tenant
        .get(&format!("/Contracts/{}/Services", tenant.contract))
        .await;
    let [first, second] = lines.item_ids()[..] else {
        panic!("two lines: {}", lines.body)
    };
    assert_eq!(first, tenant.line);
    assert_eq!(tenant.units(second).await[0].2, 5);
    assert_eq!(tenant.units(first).await[3].2, 11);
}

#[tokio::test]
async fn an_adjusted_price_holds_from_its_day_on_and_none_leaves_it() {
    let tenant = tenant().await;
    pair(&tenant, "2026-04-01", 0, r#","adjustedUnitPrice":25.5"#)
        .await
        .item_id();
    pair(&tenant, "2026-05-01", 1, "").await.item_id();
    let rows = tenant.units(tenant.line).await;
    assert_eq!(rows[2].3, "200.0000");
    assert_eq!(rows[3].3, "255.0000");
    assert_eq!(rows[4].3, "280.5000");
    tenant.sim.clock().set_day(date(2026, 4, 2));
    let line = tenant
        .get(&format!("/ContractServices/{}", tenant.line))
        .await;
    let shown = |name: &str| line.item().get(name).unwrap().to_string();
    assert_eq!(shown("unitPrice"), "20.0000");
    assert_eq!(shown("internalCurrencyAdjustedPrice"), "25.5000");
}

#[tokio::test]
async fn a_fresh_line_has_no_rows_or_rows_of_no_units() {
    let tenant = tenant().await;
    let service = tenant
        .sim
        .with_state(|state| state.add_service("Backup", 3.into(), 2.into()));
    let path = format!("/Contracts/{}/Services", tenant.contract);
    let body = format!(r#"{{"serviceID":{service}}}"#);
    let line = tenant.post(&path, &body).await.item_id();
    assert_eq!(tenant.units(line).await, []);
    tenant
        .sim
        .with_state(|state| state.options.zero_rows = true);
    let line = tenant.post(&path, &body).await.item_id();
    let rows = tenant.units(line).await;
    assert_eq!(rows.len(), 24);
    assert_eq!(rows[0], row("2026-01-01", "2026-01-31", 0, "0.0000"));
}

#[tokio::test]
async fn in_a_posted_period_the_posted_row_stays_and_the_difference_is_a_row_of_its_own() {
    let tenant = tenant().await;
    posted(&tenant, date(2026, 10, 1));
    tenant.adjust("2026-10-11", 3).await.item_id();
    let rows = tenant.units(tenant.line).await;
    assert_eq!(rows[9], row("2026-10-01", "2026-10-31", 10, "200.0000"));
    assert_eq!(rows[10], row("2026-10-11", "2026-10-31", 13, "40.6452"));
    assert_eq!(rows[11].2, 13);
    let on = |day| {
        tenant
            .sim
            .with_state(|state| state.units_on(tenant.line, day))
    };
    assert_eq!(on(date(2026, 10, 10)), 10);
    assert_eq!(on(date(2026, 10, 11)), 13);
    assert_eq!(posted(&tenant, date(2026, 10, 31)), ["40.6500"]);
    // And again, over what was posted as a difference.
    tenant.adjust("2026-10-21", -3).await.item_id();
    assert_eq!(posted(&tenant, date(2026, 10, 31)), ["-21.2900"]);
    assert_eq!(on(date(2026, 10, 31)), 10);
}

#[tokio::test]
async fn in_a_posted_period_an_adjustment_may_be_refused() {
    let tenant = tenant().await;
    tenant
        .sim
        .with_state(|state| state.options.in_posted_period = InPostedPeriod::Refused);
    posted(&tenant, date(2026, 3, 31));
    let refused = tenant.adjust("2026-03-11", 3).await;
    assert!(refused.refusal().1.contains("already approved and posted"));
    tenant.adjust("2026-04-01", 3).await.item_id();
    tenant
        .sim
        .with_state(|state| state.unpost(tenant.contract, date(2026, 3, 1)));
    tenant.adjust("2026-03-11", 3).await.item_id();
}

#[tokio::test]
async fn a_back_dated_adjustment_bills_the_difference_of_every_posted_period() {
    let tenant = tenant().await;
    posted(&tenant, date(2026, 3, 31));
    tenant.adjust("2026-02-01", 1).await.item_id();
    assert_eq!(posted(&tenant, date(2026, 3, 31)), ["20.0000", "20.0000"]);
}

#[tokio::test]
async fn an_added_and_taken_unit_on_neighbouring_days_leaves_two_lines_that_net() {
    let tenant = tenant().await;
    posted(&tenant, date(2026, 10, 31));
    tenant
        .sim
        .with_state(|state| state.options.same_day_adjustments = true);
    tenant.adjust("2026-10-11", 3).await.item_id();
    assert_eq!(posted(&tenant, date(2026, 10, 31)), ["40.6500"]);
    tenant.adjust("2026-10-11", -3).await.item_id();
    assert_eq!(posted(&tenant, date(2026, 10, 31)), ["-40.6500"]);
}

async fn end(tenant: &Tenant, day: &str) -> support::Answer {
    let body = format!(r#"{{"id":{},"endDate":"{day}"}}"#, tenant.contract);
    tenant.call("PATCH", "/Contracts", &body).await
}

#[tokio::test]
async fn a_later_end_carries_the_units_on_and_an_earlier_one_drops_what_follows() {
    let tenant = tenant().await;
    tenant.adjust("2027-06-01", 2).await.item_id();
    end(&tenant, "2027-12-10").await.item_id();
    let rows = tenant.units(tenant.line).await;
    assert_eq!(rows[23], row("2027-12-01", "2027-12-10", 12, "77.4194"));
    end(&tenant, "2028-02-29").await.item_id();
    let rows = tenant.units(tenant.line).await;
    assert_eq!(rows.len(), 26);
    assert_eq!(rows[23], row("2027-12-01", "2027-12-31", 12, "240.0000"));
    assert_eq!(rows[25], row("2028-02-01", "2028-02-29", 12, "240.0000"));
    end(&tenant, "2027-05-31").await.item_id();
    end(&tenant, "2027-12-31").await.item_id();
    // What a person had set for later days is gone for good.
    assert_eq!(tenant.units(tenant.line).await[23].2, 10);
}

#[tokio::test]
async fn the_end_of_a_contract_cannot_move_before_a_posted_period() {
    let tenant = tenant().await;
    posted(&tenant, date(2026, 6, 30));
    let before = tenant.units(tenant.line).await;
    let refused = end(&tenant, "2026-06-15").await;
    assert_eq!(
        refused.refusal(),
        (
            500,
            "Unable to make changes as it would result in the deletion/modification of an already approved and posted contract period".to_owned()
        )
    );
    assert_eq!(tenant.units(tenant.line).await, before);
    end(&tenant, "2026-06-30").await.item_id();
    assert_eq!(tenant.units(tenant.line).await.len(), 6);
}

#[tokio::test]
async fn another_first_day_makes_the_rows_anew_unless_one_is_posted() {
    let tenant = tenant().await;
    tenant.adjust("2026-04-01", 2).await.item_id();
    let start = format!(r#"{{"id":{},"startDate":"2026-02-15"}}"#, tenant.contract);
    tenant.call("PATCH", "/Contracts", &start).await.item_id();
    let rows = tenant.units(tenant.line).await;
    assert_eq!(rows[0], row("2026-02-15", "2026-03-14", 10, "200.0000"));
    assert_eq!(rows[2].0, "2026-04-01");
    assert_eq!(rows[2].2, 12);
    posted(&tenant, date(2026, 2, 15));
    let back = start.replace("02-15", "01-01");
    let refused = tenant.call("PATCH", "/Contracts", &back).await;
    assert!(refused.refusal().1.contains("already approved and posted"));
}

#[tokio::test]
async fn an_inactive_contract_goes_on_billing() {
    let tenant = tenant().await;
    let body = format!(r#"{{"id":{},"status":0}}"#, tenant.contract);
    tenant.call("PATCH", "/Contracts", &body).await.item_id();
    assert_eq!(tenant.units(tenant.line).await.len(), 24);
    assert_eq!(posted(&tenant, date(2026, 1, 31)), ["200.0000"]);
}

#[tokio::test]
async fn yearly_periods_are_one_row_a_year() {
    let tenant = tenant().await;
    let line = tenant.sim.with_state(|state| {
        let (start, end) = (date(2025, 3, 10), date(2027, 3, 9));
        let contract = state.add_contract_over(tenant.company, "Annual", start, end);
        state.edit(Entity::Contracts, contract, |contract| {
            contract.set("contractPeriodType", 5);
        });
        let service = state.add_service("Annual seat", 144.into(), Decimal::ONE);
        state.add_line(contract, service, 1)
    });
    let rows = tenant.units(line).await;
    assert_eq!(
        rows,
        [
            row("2025-03-10", "2026-03-09", 1, "144.0000"),
            row("2026-03-10", "2027-03-09", 1, "144.0000"),
        ]
    );
}

#[tokio::test]
async fn the_history_of_an_adjustment_names_it_and_every_row_it_changed() {
    let tenant = tenant().await;
    tenant.adjust("2027-11-15", 3).await.item_id();
    let effects = tenant.sim.effects();
    let kinds: Vec<&str> = effects.iter().map(|effect| effect.entity).collect();
    assert_eq!(
        kinds,
        [
            "ContractServiceUnits",
            "ContractServiceUnits",
            "ContractServiceUnits",
            "ContractServiceAdjustments",
        ]
    );
    assert!(
        effects
            .iter()
            .all(|effect| effect.cause == effects[0].cause)
    );
    assert!(
        effects
            .iter()
            .all(|effect| effect.owner == tenant.contract.to_string())
    );
    let notes = tenant.sim.with_state(|state| state.notes.len());
    assert!(notes > 0);
}
