//! What the simulated D&H charges: the preview of every Friday, and closed months.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use jiff::Timestamp;
use jiff::civil::{Weekday, date};
use rust_decimal::Decimal;
use support::dandh::{MAIL, provider, shown, units};
use tallyline_testkit::dandh::{AccountKind, BeforeFirstPreview, Charging, IntervalForm, Splits};
use tallyline_testkit::json::Json;

fn text<'a>(row: &'a Json, name: &str) -> &'a str {
    row.get(name).and_then(Json::text).unwrap()
}

fn at(instant: &str) -> Timestamp {
    instant.parse().unwrap()
}

#[tokio::test]
async fn the_preview_shows_what_was_known_on_the_last_friday_morning() {
    let provider = provider().await;
    let clock = provider.sim.clock();
    // Made on Monday 16 March: after the preview of Friday 13 March.
    provider.sim.with_state(|state| {
        state.set_seats(provider.seats, date(2026, 3, 16), units(20));
        state.subscribe(provider.company, MAIL, units(3), date(2026, 3, 16));
    });
    let friday = ["14 of 01.03.2026 - 01.04.2026 for 140"];
    assert_eq!(provider.preview().await, friday);
    clock.set(at("2026-03-20T05:59:59Z"));
    assert_eq!(provider.preview().await, friday, "before its hour");
    clock.set(at("2026-03-20T06:00:00Z"));
    assert_eq!(
        provider.preview().await,
        [
            "14 of 01.03.2026 - 16.03.2026 for 67.74",
            "20 of 16.03.2026 - 01.04.2026 for 103.23",
            "3 of 16.03.2026 - 01.04.2026 for 15.48",
        ]
    );
    provider
        .sim
        .with_state(|state| state.options.generation_day = Weekday::Thursday);
    clock.set(at("2026-03-18T12:00:00Z"));
    assert_eq!(provider.preview().await, friday, "of Thursday 12 March");
}

#[tokio::test]
async fn before_the_first_generation_of_a_month_there_is_no_preview_or_the_old_one() {
    let provider = provider().await;
    // Friday is 3 April.
    provider.sim.clock().set(at("2026-04-02T12:00:00Z"));
    assert!(provider.preview().await.is_empty());
    provider.sim.with_state(|state| {
        state.options.before_first_preview = BeforeFirstPreview::LastMonth;
    });
    assert_eq!(
        provider.preview().await,
        ["14 of 01.03.2026 - 01.04.2026 for 140"]
    );
    let invoices = provider.list("GetPreviewInvoices", "{}").await;
    assert_eq!(text(&invoices[0], "BillingInterval"), "03/2026");
    provider.sim.clock().set(at("2026-04-03T12:00:00Z"));
    let invoices = provider.list("GetPreviewInvoices", "{}").await;
    assert_eq!(text(&invoices[0], "BillingInterval"), "04/2026");
    assert_eq!(text(&invoices[0], "InvoiceNumber"), "");
}

#[tokio::test]
async fn a_change_within_the_month_splits_the_charge_in_one_of_two_ways() {
    let provider = provider().await;
    provider.sim.with_state(|state| {
        state.set_seats(provider.seats, date(2026, 3, 6), units(20));
        state.set_seats(provider.seats, date(2026, 3, 11), units(17));
    });
    assert_eq!(
        provider.preview().await,
        [
            "14 of 01.03.2026 - 06.03.2026 for 22.58",
            "20 of 06.03.2026 - 11.03.2026 for 32.26",
            "17 of 11.03.2026 - 01.04.2026 for 115.16",
        ]
    );
    provider
        .sim
        .with_state(|state| state.options.splits = Splits::Differences);
    assert_eq!(
        provider.preview().await,
        [
            "14 of 01.03.2026 - 01.04.2026 for 140",
            "6 of 06.03.2026 - 01.04.2026 for 50.32",
            "-3 of 11.03.2026 - 01.04.2026 for -20.32",
        ]
    );
}

#[tokio::test]
async fn intervals_are_written_in_the_locale_of_the_host() {
    let provider = provider().await;
    for (form, interval) in [
        (IntervalForm::Slashed, "03/01/2026 - 04/01/2026"),
        (IntervalForm::Words, "Mar 1, 2026 to Apr 1, 2026"),
    ] {
        provider
            .sim
            .with_state(|state| state.options.interval = form);
        assert_eq!(
            provider.preview().await,
            [format!("14 of {interval} for 140")]
        );
    }
}

#[tokio::test]
async fn set_up_fees_flat_fees_and_consumption_are_charged_each_in_its_own_way() {
    let provider = provider().await;
    let azure = provider.sim.with_state(|state| {
        state.add_item(MAIL, Charging::Setup, units(5), units(6));
        state.add_item(MAIL, Charging::Flat, units(31), units(40));
        state.subscribe(provider.company, MAIL, units(2), date(2026, 3, 11));
        state.add_product("555002_Azure_1", "Azure", units(1), units(1));
        let product = state.products.get_mut("555002_Azure_1").unwrap();
        product.items.clear();
        state.add_item("555002_Azure_1", Charging::Metered, units(0), units(0));
        let day = date(2026, 3, 1);
        state.subscribe(provider.company, "555002_Azure_1", units(0), day)
    });
    assert_eq!(
        provider.preview().await,
        [
            "14 of 01.03.2026 - 01.04.2026 for 140",
            "null of 01.03.2026 - 01.04.2026 for 31",
            "2 of 11.03.2026 - 01.04.2026 for 13.55",
            "2 of 11.03.2026 - 01.04.2026 for 10",
            "null of 11.03.2026 - 01.04.2026 for 21",
        ]
    );
    provider.sim.with_state(|state| {
        let cents = |cents: i64| Decimal::new(cents, 2);
        state.consume(azure, date(2026, 3, 2), cents(1234), cents(1500));
        state.consume(azure, date(2026, 3, 12), cents(1), cents(2));
        state.consume(azure, date(2026, 3, 14), cents(999), cents(999));
    });
    assert_eq!(
        provider.preview().await.last().unwrap(),
        "null of 01.03.2026 - 01.04.2026 for 12.35",
        "as of Friday 13 March"
    );
}

#[tokio::test]
async fn what_is_prepaid_is_charged_in_the_month_in_which_its_period_starts() {
    let provider = provider().await;
    provider.sim.with_state(|state| {
        state.edit_item(provider.item, |item| item.prepaid_months = 3);
    });
    // Since February, every third month: May is the next.
    assert!(provider.preview().await.is_empty());
    provider.sim.clock().set(at("2026-04-18T12:00:00Z"));
    assert!(provider.preview().await.is_empty());
    provider.sim.clock().set(at("2026-05-16T12:00:00Z"));
    assert_eq!(
        provider.preview().await,
        ["14 of 01.05.2026 - 01.06.2026 for 420"]
    );
}

#[tokio::test]
async fn what_is_terminated_is_charged_to_its_last_day_once_the_preview_knows() {
    let provider = provider().await;
    provider
        .sim
        .with_state(|state| state.terminate(provider.seats, date(2026, 3, 16)));
    assert_eq!(
        provider.preview().await,
        ["14 of 01.03.2026 - 01.04.2026 for 140"]
    );
    provider.sim.clock().set(at("2026-03-20T12:00:00Z"));
    assert_eq!(
        provider.preview().await,
        ["14 of 01.03.2026 - 16.03.2026 for 67.74"]
    );
}

#[tokio::test]
async fn closed_months_show_everything_that_happened_in_them() {
    let provider = provider().await;
    provider.sim.with_state(|state| {
        state.set_seats(provider.seats, date(2026, 2, 27), units(16));
    });
    let expected = [
        "14 of 11.02.2026 - 27.02.2026 for 80",
        "16 of 27.02.2026 - 01.03.2026 for 11.43",
    ];
    let charges = |invoices: Vec<Json>| -> Vec<String> {
        assert_eq!(invoices.len(), 1);
        assert!(!text(&invoices[0], "InvoiceNumber").is_empty());
        let charges = invoices[0].get("Charges").unwrap().items().unwrap();
        charges.iter().map(shown).collect()
    };
    let latest = provider.list("GetLatestInvoices", "{}").await;
    assert_eq!(charges(latest), expected);
    let operation = "GetLatestInvoicesForPeriod";
    let february = provider.list(operation, r#"{"year":2026,"month":2}"#).await;
    assert_eq!(charges(february), expected);
    for nothing in [r#"{"year":2026,"month":1}"#, r#"{"year":2026,"month":3}"#] {
        assert!(provider.list(operation, nothing).await.is_empty());
    }
    for wrong in [
        r#"{"year":2026}"#,
        r#"{"Year":2026,"Month":2}"#,
        r#"{"year":2026,"month":13}"#,
    ] {
        assert_eq!(provider.call(operation, wrong).await.status, 500, "{wrong}");
    }
}

#[tokio::test]
async fn one_call_shows_all_clients_below_a_context_and_can_split_departments() {
    let provider = provider().await;
    let below = provider.sim.with_state(|state| {
        let below = state.add_account(state.reseller_id, AccountKind::Reseller, "Below");
        let far = state.add_account(below, AccountKind::Company, "Far Away Inc");
        state.subscribe(far, MAIL, units(2), date(2026, 1, 1));
        let part = state.add_account(provider.company, AccountKind::Department, "Lab");
        let own = state.subscribe(provider.company, MAIL, units(1), date(2026, 1, 1));
        state.edit_subscription(own, |own| own.department_id = Some(part));
        below
    });
    let names = async |body: &str| -> Vec<String> {
        let invoices = provider.list("GetPreviewInvoices", body).await;
        let name = |invoice: &Json| {
            let department = invoice.get("DepartmentName").and_then(Json::text);
            format!(
                "{}{}",
                text(invoice, "CompanyName"),
                department.map_or_else(String::new, |name| format!(", {name}"))
            )
        };
        invoices.iter().map(name).collect()
    };
    assert_eq!(names("{}").await, ["Maple Dental LLC", "Far Away Inc"]);
    assert_eq!(
        names(r#"{"groupByDepartments":true}"#).await,
        ["Maple Dental LLC", "Maple Dental LLC, Lab", "Far Away Inc"]
    );
    let context = format!(r#"{{"resellerContext":{below}}}"#);
    assert_eq!(names(&context).await, ["Far Away Inc"]);
    let invoices = provider.list("GetPreviewInvoices", &context).await;
    let charges = invoices[0].get("Charges").unwrap().items().unwrap();
    assert_eq!(shown(&charges[0]), "2 of 01.03.2026 - 01.04.2026 for 24");
    let foreign = format!(r#"{{"resellerContext":{}}}"#, provider.company);
    assert_eq!(
        provider.call("GetPreviewInvoices", &foreign).await.status,
        500
    );
}
