//! Bills, reports and jobs of the simulated Cloudmore over a raw socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use jiff::civil::date;
use rust_decimal::Decimal;
use support::cloudmore::{Reseller, reseller, shown};
use tallyline_testkit::cloudmore::{Location, NotReady, ServiceKind};
use tallyline_testkit::effects::Cause;
use tallyline_testkit::json::Json;

const JOBS: &str = "/billing/reports/MonthlyBillingPerOrganizationAsync";
const LINE: [&str; 6] = [
    "chargeKind",
    "quantity",
    "totalCostPrice",
    "totalSalesPrice",
    "startDate",
    "endDate",
];

/// Lines of a subscription on the bills of a day.
async fn lines(reseller: &Reseller, subscription: &str, day: &str) -> Vec<String> {
    let lines = reseller.lines(day, day).await;
    let own = lines
        .iter()
        .filter(|line| line.get("subscriptionId").and_then(Json::text) == Some(subscription));
    own.map(|line| shown(line, &LINE).join(" ").replace("T00:00:00", ""))
        .collect()
}

fn use_azure(reseller: &Reseller, days: &[(i8, i8)], meter: &str, units: Decimal, unit: Decimal) {
    reseller.sim.with_state(|state| {
        for (month, day) in days {
            let on = date(2026, *month, *day);
            state.add_usage(
                &reseller.azure,
                on,
                meter,
                units,
                (unit, unit * Decimal::TWO),
            );
        }
    });
}

#[tokio::test]
async fn a_quantity_is_billed_in_advance() {
    let reseller = reseller().await;
    reseller
        .sim
        .with_state(|state| state.generate_bills(date(2026, 1, 25)));
    assert_eq!(
        lines(&reseller, &reseller.seats, "2026-01-25").await,
        ["CycleFee 10 150.00 200.00 2026-01-25 2026-02-24"]
    );
}

#[tokio::test]
async fn a_change_inside_a_period_is_a_prorated_line_of_its_own() {
    let reseller = reseller().await;
    reseller.sim.with_state(|state| {
        state.change_quantity(&reseller.seats, date(2026, 2, 10), 13.into());
        state.change_quantity(&reseller.seats, date(2026, 2, 20), 12.into());
        state.generate_bills(date(2026, 2, 25));
    });
    // 15 and 5 of 31 days are left.
    assert_eq!(
        lines(&reseller, &reseller.seats, "2026-02-25").await,
        [
            "ProRate 3 21.77 29.03 2026-02-10 2026-02-24",
            "ProRate -1 -2.42 -3.23 2026-02-20 2026-02-24",
            "CycleFee 12 180.00 240.00 2026-02-25 2026-03-24",
        ]
    );
    reseller
        .sim
        .with_state(|state| state.generate_bills(date(2026, 3, 25)));
    assert_eq!(
        lines(&reseller, &reseller.seats, "2026-03-25").await,
        ["CycleFee 12 180.00 240.00 2026-03-25 2026-04-24"]
    );
}

#[tokio::test]
async fn a_change_on_the_day_of_the_bill_is_in_its_fee_alone() {
    let reseller = reseller().await;
    reseller.sim.with_state(|state| {
        state.change_quantity(&reseller.seats, date(2026, 1, 25), 11.into());
        state.generate_bills(date(2026, 1, 25));
        state.generate_bills(date(2026, 2, 25));
    });
    for (day, line) in [
        (
            "2026-01-25",
            "CycleFee 11 165.00 220.00 2026-01-25 2026-02-24",
        ),
        (
            "2026-02-25",
            "CycleFee 11 165.00 220.00 2026-02-25 2026-03-24",
        ),
    ] {
        assert_eq!(lines(&reseller, &reseller.seats, day).await, [line]);
    }
}

#[tokio::test]
async fn a_cancelled_subscription_is_on_no_later_bill() {
    let reseller = reseller().await;
    reseller.sim.with_state(|state| {
        state.cancel(&reseller.seats, date(2026, 2, 1));
        state.generate_bills(date(2026, 2, 25));
    });
    assert!(
        lines(&reseller, &reseller.seats, "2026-02-25")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_year_is_billed_with_the_first_bill_on_or_after_its_first_day() {
    let reseller = reseller().await;
    let yearly = reseller.sim.with_state(|state| {
        let own = state.subscribe(
            &reseller.organization,
            &reseller.product,
            Decimal::ONE,
            date(2026, 1, 10),
        );
        if let Some(own) = state.subscriptions.get_mut(&own) {
            own.yearly = true;
        }
        state.change_quantity(&own, date(2026, 2, 1), 2.into());
        for month in 1..=3 {
            state.generate_bills(date(2026, month, 25));
        }
        own
    });
    assert_eq!(
        lines(&reseller, &yearly, "2026-01-25").await,
        ["CycleFee 1 15.00 20.00 2026-01-10 2027-01-09"]
    );
    // 343 of 365 days are left.
    assert_eq!(
        lines(&reseller, &yearly, "2026-02-25").await,
        ["ProRate 1 14.10 18.79 2026-02-01 2027-01-09"]
    );
    assert!(lines(&reseller, &yearly, "2026-03-25").await.is_empty());
}

#[tokio::test]
async fn consumption_is_billed_in_arrears_and_first_when_it_is_a_month_old() {
    let reseller = reseller().await;
    let (units, unit) = (Decimal::new(15, 1), Decimal::new(1234, 4));
    use_azure(
        &reseller,
        &[(1, 20), (2, 25), (2, 26)],
        "Hours",
        units,
        unit,
    );
    reseller.sim.with_state(|state| {
        for month in 1..=3 {
            state.generate_bills(date(2026, month, 25));
        }
    });
    assert!(
        lines(&reseller, &reseller.azure, "2026-01-25")
            .await
            .is_empty()
    );
    // Totals of consumption are exact.
    assert_eq!(
        lines(&reseller, &reseller.azure, "2026-02-25").await,
        ["Usage 3.0 0.37020 0.74040 2026-01-10 2026-02-25"]
    );
    assert_eq!(
        lines(&reseller, &reseller.azure, "2026-03-25").await,
        ["Usage 1.5 0.18510 0.37020 2026-02-26 2026-03-25"]
    );
}

#[tokio::test]
async fn consumption_is_grouped_by_meter_or_by_entitlement_and_may_hide_a_full_discount() {
    let reseller = reseller().await;
    use_azure(&reseller, &[(2, 20)], "Hours", 2.into(), Decimal::ONE);
    use_azure(&reseller, &[(2, 21)], "Gigabytes", 5.into(), Decimal::ONE);
    let bill = |change: fn(&mut tallyline_testkit::cloudmore::CloudmoreState)| {
        reseller.sim.with_state(|state| {
            change(state);
            state.generate_bills(date(2026, 2, 25));
        });
    };
    bill(|_| {});
    let own = lines(&reseller, &reseller.azure, "2026-02-25").await;
    assert_eq!(own.len(), 2);
    bill(|state| state.options.by_entitlement = true);
    assert_eq!(
        lines(&reseller, &reseller.azure, "2026-02-25").await,
        ["Usage 1 7 14 2026-01-10 2026-02-25"]
    );
    bill(|state| state.usage[0].free = true);
    assert_eq!(
        lines(&reseller, &reseller.azure, "2026-02-25").await,
        ["Usage 1 5 10 2026-01-10 2026-02-25"]
    );
    bill(|state| state.options.pass_discounts = false);
    assert_eq!(
        lines(&reseller, &reseller.azure, "2026-02-25").await,
        ["Usage 1 7 14 2026-01-10 2026-02-25"]
    );
}

#[tokio::test]
async fn a_manual_line_is_on_the_first_bill_on_or_after_its_date() {
    let reseller = reseller().await;
    reseller.sim.with_state(|state| {
        let prices = (Decimal::ZERO, Decimal::new(-500, 2));
        state.add_manual_line(&reseller.seats, date(2026, 2, 3), 2.into(), prices);
        for month in 1..=3 {
            state.generate_bills(date(2026, month, 25));
        }
    });
    let manual = "Manual 2 0 -10.00 2026-02-03 2026-02-03";
    for (day, there) in [
        ("2026-01-25", false),
        ("2026-02-25", true),
        ("2026-03-25", false),
    ] {
        let own = lines(&reseller, &reseller.seats, day).await;
        let found = own.iter().any(|line| line.starts_with("Manual"));
        assert_eq!(found, there, "{day} {own:?}");
        assert!(!there || own.contains(&manual.to_owned()), "{own:?}");
    }
}

#[tokio::test]
async fn a_report_takes_bills_by_their_date_both_ends_included() {
    let reseller = reseller().await;
    reseller.sim.with_state(|state| {
        state.generate_bills(date(2026, 1, 25));
        state.generate_bills(date(2026, 2, 25));
    });
    for (from, to, count) in [
        ("2026-01-25", "2026-02-25", 2),
        ("2026-01-26", "2026-02-24", 0),
        ("2026-01-25", "2026-01-25", 1),
    ] {
        assert_eq!(reseller.lines(from, to).await.len(), count, "{from} {to}");
    }
}

#[tokio::test]
async fn a_report_nests_by_date_organization_and_service_or_service_first() {
    let reseller = reseller().await;
    reseller
        .sim
        .with_state(|state| state.generate_bills(date(2026, 1, 25)));
    let days = "startDate=2026-01-01&endDate=2026-01-31";
    let first = |json: &Json, name: &str| json.get(name).unwrap().items().unwrap()[0].clone();
    let path = format!("/billing/reports/MonthlyBillingPerOrganization?{days}");
    let bill = reseller.get(&path).await.json().items().unwrap()[0].clone();
    assert_eq!(
        shown(&bill, &["billingDate", "currencyCode"]),
        ["2026-01-25T00:00:00", "USD"]
    );
    let organization = first(&bill, "organizations");
    assert_eq!(
        shown(&organization, &["organizationId", "organizationName"]),
        [reseller.organization.as_str(), "Northwind"]
    );
    let service = first(&organization, "services");
    assert_eq!(
        shown(&service, &["serviceId", "serviceName"]),
        [reseller.nce.as_str(), "Microsoft CSP"]
    );
    let item = first(&service, "items");
    assert_eq!(
        shown(
            &item,
            &[
                "productName",
                "sku",
                "costPrice",
                "salesPrice",
                "currencyCode"
            ]
        ),
        ["Mail Plan A", "CFQ-1", "15.00", "20.00", "USD"]
    );
    assert_ne!(
        item.get("externalSubscriptionId"),
        item.get("subscriptionId")
    );
    let path = format!("/billing/reports/MonthlyBillingPerService?{days}");
    let bill = reseller.get(&path).await.json().items().unwrap()[0].clone();
    let service = first(&bill, "services");
    assert_eq!(first(&first(&service, "organizations"), "items"), item);
}

#[tokio::test]
async fn a_large_report_is_not_answered_at_once() {
    let reseller = reseller().await;
    reseller.sim.with_state(|state| {
        state.generate_bills(date(2026, 1, 25));
        state.options.most_lines = Some(0);
    });
    let path =
        "/billing/reports/MonthlyBillingPerOrganization?startDate=2026-01-01&endDate=2026-01-31";
    assert_eq!(reseller.get(path).await.status, 500);
}

#[tokio::test]
async fn the_report_of_legacy_licences_keeps_three_kinds_of_lines_apart() {
    let reseller = reseller().await;
    reseller.sim.with_state(|state| {
        let service = state.add_service("Office 365", ServiceKind::Csp);
        let product = state.add_product(&service, "O365", "Plan", 4.into(), 5.into());
        let start = date(2025, 6, 1);
        let own = state.subscribe(&reseller.organization, &product, 5.into(), start);
        state.change_quantity(&own, date(2026, 1, 20), 6.into());
        let prices = (Decimal::ONE, Decimal::ONE);
        state.add_manual_line(&own, date(2026, 1, 21), Decimal::ONE, prices);
        state.generate_bills(date(2026, 1, 25));
    });
    let path =
        "/billing/cspreports/MonthlyBillingPerOrganization?startDate=2026-01-01&endDate=2026-01-31";
    let report = reseller.get(path).await.json();
    let [organization] = report.items().unwrap() else {
        panic!("one organization: {report}")
    };
    let subscription = &organization.get("subscriptions").unwrap().items().unwrap()[0];
    for name in ["billingCycleFees", "proRateItems", "otherItems"] {
        let lines = subscription.get(name).unwrap().items().unwrap();
        assert_eq!(lines.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_job_is_named_by_the_location_and_takes_several_polls() {
    let reseller = reseller().await;
    reseller.sim.with_state(|state| {
        state.generate_bills(date(2026, 1, 25));
        state.options.polls = 5;
        state.options.not_ready = vec![
            NotReady::Accepted,
            NotReady::NoContent,
            NotReady::NotFound,
            NotReady::EmptyBody,
            NotReady::Status,
        ];
    });
    let body = r#"{"startDate":"2026-01-01","endDate":"2026-01-31"}"#;
    let started = reseller.call("POST", JOBS, body).await;
    assert_eq!((started.status, started.body.as_str()), (201, ""));
    let location = started.header("location").unwrap();
    let own = format!(
        "{}{}",
        reseller.sim.base_url().as_str().trim_end_matches('/'),
        reseller.root
    );
    let path = location.strip_prefix(&own).unwrap();
    assert!(path.starts_with(JOBS), "{path}");
    for (status, body) in [
        (202, Some("")),
        (204, Some("")),
        (404, None),
        (200, Some("")),
        (200, Some(r#"{"status":"Running"}"#)),
    ] {
        let poll = reseller.get(path).await;
        assert_eq!(poll.status, status);
        assert!(body.is_none_or(|body| poll.body == body), "{}", poll.body);
    }
    let done = reseller.get(path).await;
    let at_once =
        "/billing/reports/MonthlyBillingPerOrganization?startDate=2026-01-01&endDate=2026-01-31";
    assert_eq!(done.body, reseller.get(at_once).await.body);
    let other = path.replace(JOBS, "/billing/azurereports/AzureOneTimeInvoice");
    assert_eq!(reseller.get(&other).await.status, 404);
    let unknown = format!("{JOBS}/00000000-0000-4000-8000-0000000fffff");
    assert_eq!(reseller.get(&unknown).await.status, 404);
}

#[tokio::test]
async fn a_job_needs_both_dates_and_is_started_again_by_every_post() {
    let reseller = reseller().await;
    for body in ["{}", r#"{"startDate":"2026-01-01"}"#, "nothing"] {
        assert_eq!(
            reseller.call("POST", JOBS, body).await.status,
            400,
            "{body}"
        );
    }
    let body = r#"{"startDate":"2026-01-01T00:00:00","endDate":"2026-01-31T00:00:00"}"#;
    reseller.call("POST", JOBS, body).await;
    reseller.call("POST", JOBS, body).await;
    assert_eq!(reseller.sim.state().jobs.len(), 2);
    assert_eq!(reseller.sim.effects().len(), 2);
}

#[tokio::test]
async fn a_location_can_be_relative_foreign_or_missing_and_a_job_can_fail() {
    let reseller = reseller().await;
    let body = r#"{"startDate":"2026-01-01","endDate":"2026-01-31"}"#;
    let start = async |location: Location| {
        reseller
            .sim
            .with_state(|state| state.options.location = location);
        let started = reseller.call("POST", JOBS, body).await;
        started.header("location").map(str::to_owned)
    };
    let relative = start(Location::Relative).await.unwrap();
    assert!(relative.starts_with("/api/resellers/"), "{relative}");
    let foreign = Location::Foreign("https://evil.example.com".to_owned());
    let foreign = start(foreign).await.unwrap();
    assert!(
        foreign.starts_with("https://evil.example.com/api/"),
        "{foreign}"
    );
    assert_eq!(start(Location::Missing).await, None);
    reseller.sim.with_state(|state| {
        state.options.polls = 0;
        state.options.jobs_fail = true;
    });
    let path = relative.strip_prefix(&reseller.root).unwrap();
    assert_eq!(reseller.get(path).await.body, r#"{"status":"Failed"}"#);
}

#[tokio::test]
async fn microsofts_invoice_is_listed_and_made_by_a_job() {
    let reseller = reseller().await;
    use_azure(&reseller, &[(2, 20)], "Hours", 2.into(), Decimal::ONE);
    reseller.sim.with_state(|state| {
        state.generate_bills(date(2026, 2, 25));
        state.options.polls = 0;
    });
    let list = "/billing/azurereports/AzureOneTimeInvoiceList";
    let listed = reseller.get(list).await.json();
    let [invoice] = listed.items().unwrap() else {
        panic!("one invoice: {listed}")
    };
    assert_eq!(
        shown(
            invoice,
            &["invoiceNumber", "totalCostPrice", "totalSalesPrice"]
        ),
        ["G20260225", "152.00", "204.00"]
    );
    let start = "/billing/azurereports/AzureOneTimeInvoice/generateReport";
    assert_eq!(reseller.call("POST", start, "{}").await.status, 400);
    let start = format!("{start}?storeToBlob=false&invoiceNumber=G20260225");
    let started = reseller.call("POST", &start, "").await;
    let location = started.header("location").unwrap();
    let (_, path) = location.split_once(&reseller.root).unwrap();
    let lines = reseller.get(path).await.json();
    let kinds: Vec<_> = lines
        .items()
        .unwrap()
        .iter()
        .flat_map(|line| shown(line, &["chargeKind"]))
        .collect();
    assert_eq!(kinds, ["CycleFee", "Usage"]);
}

#[tokio::test]
async fn billed_usage_comes_in_pages() {
    let reseller = reseller().await;
    for meter in ["A", "B", "C"] {
        use_azure(&reseller, &[(2, 20)], meter, 2.into(), Decimal::ONE);
    }
    reseller
        .sim
        .with_state(|state| state.generate_bills(date(2026, 2, 25)));
    let path = "/billing/azureonetimeusage/report/billed/invoice/G20260225";
    let page = async |query: &str| reseller.get(&format!("{path}?{query}")).await;
    for (number, count) in [(1, 2), (2, 1), (3, 0)] {
        let json = page(&format!("pageNumber={number}&pageSize=2"))
            .await
            .json();
        assert_eq!(json.get("items").unwrap().items().unwrap().len(), count);
        assert_eq!(json.get("totalCount").and_then(Json::integer), Some(3));
    }
    for query in [
        "pageNumber=0&pageSize=2",
        "pageSize=2",
        "pageNumber=x&pageSize=2",
    ] {
        assert_eq!(page(query).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn unbilled_usage_is_exported_by_a_job_with_a_status() {
    let reseller = reseller().await;
    use_azure(
        &reseller,
        &[(2, 20), (2, 26)],
        "Hours",
        2.into(),
        Decimal::ONE,
    );
    reseller.sim.with_state(|state| {
        state.generate_bills(date(2026, 2, 25));
        state.options.polls = 1;
        state.options.not_ready = vec![NotReady::Status];
    });
    let start = "/billing/azureonetimeusage/report/unbilled/period/current/export";
    let started = reseller.call("POST", start, "").await;
    let location = started.header("location").unwrap();
    let (_, operation) = location.split_once(&reseller.root).unwrap();
    let result = format!("{operation}/result?pageNumber=1&pageSize=10");
    let status = format!("{operation}/status");
    assert_eq!(reseller.get(&result).await.status, 404);
    assert_eq!(reseller.get(&status).await.text("status"), "Running");
    assert_eq!(reseller.get(&status).await.text("status"), "Completed");
    let json = reseller.get(&result).await.json();
    let items = json.get("items").unwrap().items().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(shown(&items[0], &["startDate"]), ["2026-02-26T00:00:00"]);
    let ongoing = "/billing/azureonetimeusage/AzureOneTimeOngoingPeriod";
    assert_eq!(reseller.get(ongoing).await.json().items().unwrap().len(), 1);
}

#[tokio::test]
async fn legacy_azure_has_invoices_of_its_own() {
    let reseller = reseller().await;
    reseller.sim.with_state(|state| {
        let service = state.add_service("Azure legacy", ServiceKind::Azure);
        let one = Decimal::ONE;
        let product = state.add_product(&service, "AZ", "Azure", one, one);
        let own = state.subscribe(&reseller.organization, &product, one, date(2025, 1, 1));
        state.add_usage(&own, date(2026, 2, 20), "Hours", 2.into(), (one, one));
        state.add_usage(&own, date(2026, 3, 1), "Hours", 3.into(), (one, one));
        state.generate_bills(date(2026, 2, 25));
    });
    let days = "startDate=2026-02-01&endDate=2026-02-28";
    for (path, count) in [
        ("InvoiceList".to_owned(), 1),
        ("InvoiceOverview".to_owned(), 1),
        ("Invoice?invoiceId=G20260225".to_owned(), 1),
        (format!("InvoicesByCustomDates?{days}"), 1),
        (format!("MonthlyBillingPerOrganization?{days}"), 1),
        ("OngoingPeriod".to_owned(), 1),
    ] {
        let answer = reseller.get(&format!("/billing/azurereports/{path}")).await;
        assert_eq!(answer.json().items().unwrap().len(), count, "{path}");
        assert!(answer.body.contains("totalCostPrice"), "{path}");
    }
    let none = "/billing/azurereports/Invoice?invoiceId=G1";
    assert_eq!(reseller.get(none).await.status, 404);
}

#[tokio::test]
async fn a_bill_made_again_replaces_the_one_before_and_is_remembered() {
    let reseller = reseller().await;
    reseller.sim.with_state(|state| {
        assert_eq!(state.generate_bills(date(2026, 1, 25)), 1);
        assert_eq!(state.generate_bills(date(2026, 1, 25)), 1);
    });
    assert_eq!(reseller.sim.state().bills.len(), 1);
    let effects = reseller.sim.effects();
    assert_eq!(effects.len(), 2);
    assert_eq!(effects[0].cause, Cause::Handle("billing run".to_owned()));
    let centers = reseller.of("/costcenters/reports/2026/1");
    let centers = reseller.get(&centers).await.json();
    let items = centers.items().unwrap()[0].get("items").unwrap();
    assert_eq!(items.items().unwrap().len(), 1);
    assert_eq!(reseller.plan.len(), 36);
}
