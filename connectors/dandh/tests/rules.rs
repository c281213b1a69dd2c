//! The rules of modelling the Friday preview, each against the simulated marketplace.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use common::*;
use futures::StreamExt as _;
use jiff::civil::{Date, date};
use rust_decimal::Decimal;
use tallyline_core::model::{
    AccountReading, Basis, BillingCycle, ChargeKind, ReadFailure, ReadingOutcome, Timestamp,
    UsageLine,
};
use tallyline_core::source::{SourceDescriptor, UsageRequest};
use tallyline_core::{ErrorKind, VendorSource as _};
use tallyline_dandh::{DandhClient, QuantityPolicy};
use tallyline_testkit::dandh::{
    BeforeFirstPreview, Charging, DandhSimulator, DandhState, IntervalForm, Splits,
};
use tallyline_testkit::faults::{Fault, Match};

const MAIL: &str = "555001_MailPlanA_20417";
const AZURE: &str = "555002_Azure_1";

/// A provider with one client, who has 14 units of a product since 11 February.
struct Provider {
    state: DandhState,
    company: i64,
    item: i64,
    seats: i64,
}

impl Provider {
    fn on(today: Date) -> Self {
        let mut state = DandhState::on(today);
        let company = state.add_company("Maple Dental LLC");
        let item = state.add_product(MAIL, "Mail Plan A", 10.into(), 12.into());
        let seats = state.subscribe(company, MAIL, 14.into(), date(2026, 2, 11));
        Self {
            state,
            company,
            item,
            seats,
        }
    }

    /// The clock stands at noon of 18 March 2026, a Wednesday.
    fn new() -> Self {
        Self::on(date(2026, 3, 18))
    }

    fn key(&self) -> String {
        format!("{MAIL}/{}", self.item)
    }

    async fn start(self) -> DandhSimulator {
        DandhSimulator::start(self.state).await.unwrap()
    }

    /// The reading of the client.
    async fn read(self) -> AccountReading {
        let company = self.company;
        let sim = self.start().await;
        reading_of(&sim, &of(&sim), company).await
    }
}

fn now(sim: &DandhSimulator) -> Timestamp {
    sim.clock().now().to_string().parse().unwrap()
}

async fn readings(sim: &DandhSimulator, client: &DandhClient) -> Vec<AccountReading> {
    let request = UsageRequest::new(now(sim));
    let readings: Vec<_> = client.usage(&request).collect().await;
    readings.into_iter().map(Result::unwrap).collect()
}

async fn reading_of(sim: &DandhSimulator, client: &DandhClient, company: i64) -> AccountReading {
    let id = company.to_string();
    let mut readings = readings(sim, client).await.into_iter();
    readings
        .find(|reading| reading.account.as_str() == id)
        .unwrap()
}

fn attribute<'a>(line: &'a UsageLine, name: &str) -> Option<&'a str> {
    let found = line.attributes.iter().find(|(key, _)| &**key == name);
    found.map(|(_, value)| &**value)
}

/// Key, kind, quantity and flags of every line.
fn lines(reading: &AccountReading) -> Vec<String> {
    let lines = reading.lines().unwrap_or_else(|| panic!("{reading:?}"));
    let shown = lines.iter().map(|line| {
        let flags = ["flat", "metered", "not_in_preview"];
        let flags: String = flags
            .into_iter()
            .filter(|flag| attribute(line, flag) == Some("true"))
            .map(|flag| format!(" {flag}"))
            .collect();
        format!("{} {} {}{flags}", line.key, line.kind, line.quantity)
    });
    shown.collect()
}

fn failure(reading: &AccountReading) -> &ReadFailure {
    match &reading.outcome {
        ReadingOutcome::Failed(failure) => failure,
        ReadingOutcome::Complete(lines) => panic!("it was read as {lines:?}"),
    }
}

fn unobserved(reading: &AccountReading) -> Vec<String> {
    let services = reading.unobserved.iter();
    services
        .map(|(key, reason)| format!("{key}: {reason}"))
        .collect()
}

#[tokio::test]
async fn rule_1_a_count_is_a_projected_full_month_as_of_the_latest_friday() {
    let mut provider = Provider::new();
    let (company, item) = (provider.company, provider.item);
    // Charged from 11 March on, for a part of the month: the quantity is not prorated.
    let late = provider
        .state
        .subscribe(company, MAIL, 3.into(), date(2026, 3, 11));
    let seats = provider.seats;
    let reading = provider.read().await;
    assert_eq!(
        lines(&reading),
        [
            format!("sub:{seats}:{item} recurring 14"),
            format!("sub:{late}:{item} recurring 3"),
        ]
    );
    assert_eq!(reading.basis, Basis::ProjectedInvoice);
    assert_eq!(reading.read_at.to_string(), "2026-03-18T12:00:00Z");
    assert_eq!(
        reading.data_as_of.unwrap().to_string(),
        "2026-03-13T00:00:00Z"
    );
    assert!(reading.unobserved.is_empty());
    let line = &reading.lines().unwrap()[1];
    assert_eq!(attribute(line, "data_as_of"), None);
    assert_eq!(
        line.period.unwrap().to_string(),
        "2026-03-11 to 2026-03-31",
        "the days charged are said beside it"
    );
}

#[tokio::test]
async fn rule_1_on_a_friday_the_age_is_uncertain_and_the_rhythm_is_a_week() {
    let provider = Provider::on(date(2026, 3, 20));
    let sim = provider.start().await;
    let client = of(&sim);
    let read = readings(&sim, &client).await;
    assert_eq!(
        read[0].data_as_of.unwrap().to_string(),
        "2026-03-20T00:00:00Z"
    );
    let line = &read[0].lines().unwrap()[0];
    assert!(attribute(line, "data_as_of").unwrap().contains("uncertain"));
    let descriptor: &SourceDescriptor = client.descriptor();
    assert_eq!(descriptor.basis, Basis::ProjectedInvoice);
    assert_eq!(descriptor.fresh_for.as_secs(), 7 * 24 * 3600);
    assert_eq!(descriptor.name, "D&H");
}

#[tokio::test]
async fn rule_2_a_month_whose_preview_is_not_generated_yet_is_stale_for_everyone() {
    // The first Friday of April is the third.
    for form in [BeforeFirstPreview::LastMonth, BeforeFirstPreview::Nothing] {
        let mut provider = Provider::on(date(2026, 4, 2));
        provider.state.add_company("Oak Legal");
        provider.state.options.before_first_preview = form;
        let sim = provider.start().await;
        let client = of(&sim);
        let read = readings(&sim, &client).await;
        assert_eq!(read.len(), 2);
        for reading in &read {
            let failure = failure(reading);
            assert_eq!(failure.kind, ErrorKind::Unavailable);
            assert!(
                failure.message.contains("04/2026 are not generated yet"),
                "{}",
                failure.message
            );
        }
        let asked = sim.requests();
        assert!(
            !asked.iter().any(|it| it.path.contains("GetSubscriptions")),
            "nobody was asked about in vain"
        );
        sim.clock().set_day(date(2026, 4, 3));
        assert!(readings(&sim, &client).await[0].lines().is_some());
    }
}

#[tokio::test]
async fn rule_2_one_company_whose_invoice_is_older_is_stale_alone() {
    let mut provider = Provider::new();
    let other = provider.state.add_company("Oak Legal");
    provider
        .state
        .subscribe(other, MAIL, 2.into(), date(2026, 1, 1));
    let company = provider.company;
    let sim = provider.start().await;
    sim.faults().on(
        Match::post("/GetPreviewInvoices"),
        Fault::rewrite(|mut answer| {
            answer.body = answer.body.replacen("03/2026", "02/2026", 1);
            answer
        }),
    );
    let client = of(&sim);
    let stale = reading_of(&sim, &client, company).await;
    assert!(failure(&stale).message.contains("newest is of 02/2026"));
    assert!(reading_of(&sim, &client, other).await.lines().is_some());
}

#[tokio::test]
async fn rule_2_an_invoice_whose_month_cannot_be_read_fails_its_company() {
    let provider = Provider::new();
    let company = provider.company;
    let sim = provider.start().await;
    sim.faults().on(
        Match::post("/GetPreviewInvoices"),
        Fault::rewrite(|mut answer| {
            let two = answer.body.replace("03/2026", "March");
            // Another company's invoice keeps the preview itself fresh.
            answer.body = two.replacen(
                '[',
                r#"[{"BillingInterval":"03/2026","CompanyAccountId":1,"Charges":[]},"#,
                1,
            );
            answer
        }),
    );
    let read = reading_of(&sim, &of(&sim), company).await;
    assert_eq!(failure(&read).kind, ErrorKind::Protocol);
    assert!(failure(&read).message.contains("March"));
}

#[tokio::test]
async fn rule_3_an_active_subscription_missing_from_the_preview_keeps_its_live_seats_flagged() {
    let mut provider = Provider::new();
    let (company, item, seats) = (provider.company, provider.item, provider.seats);
    // Made on Monday 16 March, after the preview of Friday.
    let new = provider
        .state
        .subscribe(company, MAIL, 3.into(), date(2026, 3, 16));
    // Prepaid for a year in February: charged again next February.
    provider
        .state
        .add_product("555003_Backup_1", "Backup", 5.into(), 6.into());
    let yearly = provider.state.products["555003_Backup_1"].items[0].id;
    provider
        .state
        .edit_item(yearly, |item| item.prepaid_months = 12);
    let prepaid = provider
        .state
        .subscribe(company, "555003_Backup_1", 7.into(), date(2026, 2, 1));
    let reading = provider.read().await;
    assert_eq!(
        lines(&reading),
        [
            format!("sub:{seats}:{item} recurring 14"),
            format!("sub:{new}:{item} recurring 3 not_in_preview"),
            format!("sub:{prepaid}:{yearly} recurring 7 not_in_preview"),
        ]
    );
    let yearly_line = &reading.lines().unwrap()[2];
    assert_eq!(yearly_line.billing_cycle, BillingCycle::Yearly);
    assert_eq!(yearly_line.unit_cost.unwrap().to_string(), "5.00 USD");
    assert!(reading.unobserved.is_empty());
}

#[tokio::test]
async fn rule_3_a_company_missing_from_the_preview_is_decided_by_its_subscriptions() {
    let mut provider = Provider::new();
    let quiet = provider.state.add_company("Quiet Inc");
    let fresh = provider.state.add_company("Fresh Inc");
    let new = provider
        .state
        .subscribe(fresh, MAIL, 5.into(), date(2026, 3, 17));
    let item = provider.item;
    let sim = provider.start().await;
    let client = of(&sim);
    let nothing = reading_of(&sim, &client, quiet).await;
    assert_eq!(
        nothing.lines(),
        Some(&[][..]),
        "read whole: it has no subscription"
    );
    assert_eq!(
        lines(&reading_of(&sim, &client, fresh).await),
        [format!("sub:{new}:{item} recurring 5 not_in_preview")]
    );
}

#[tokio::test]
async fn rule_3_a_terminated_subscription_missing_from_the_preview_is_a_stated_zero() {
    let mut provider = Provider::new();
    let seats = provider.seats;
    provider.state.terminate(seats, date(2026, 2, 27));
    let other = provider
        .state
        .subscribe(provider.company, MAIL, 2.into(), date(2026, 1, 1));
    let item = provider.item;
    let reading = provider.read().await;
    assert_eq!(
        lines(&reading),
        [
            format!("sub:{seats}:{item} recurring 0"),
            format!("sub:{other}:{item} recurring 2"),
        ]
    );
}

#[tokio::test]
async fn rule_3_there_is_no_zero_when_the_subscriptions_cannot_be_read() {
    let mut provider = Provider::new();
    provider.state.terminate(provider.seats, date(2026, 2, 27));
    let other = provider.state.add_company("Oak Legal");
    provider
        .state
        .subscribe(other, MAIL, 2.into(), date(2026, 1, 1));
    provider.state.failing_accounts.insert(provider.company);
    let (company, item) = (provider.company, provider.item);
    let sim = provider.start().await;
    let client = of(&sim);
    let failed = reading_of(&sim, &client, company).await;
    let why = failure(&failed);
    assert_eq!(why.kind, ErrorKind::Unavailable);
    for words in ["Maple Dental LLC", "not a valid parent", "500"] {
        assert!(why.message.contains(words), "{}", why.message);
    }
    let read = reading_of(&sim, &client, other).await;
    assert_eq!(
        read.lines().unwrap().len(),
        1,
        "the others are read: {item}"
    );
}

#[tokio::test]
async fn rule_3_what_is_terminated_after_the_preview_stays_as_it_is_projected() {
    let mut provider = Provider::new();
    let seats = provider.seats;
    provider.state.terminate(seats, date(2026, 3, 17));
    let item = provider.item;
    let reading = provider.read().await;
    assert_eq!(
        lines(&reading),
        [format!("sub:{seats}:{item} recurring 14")]
    );
    let line = &reading.lines().unwrap()[0];
    assert_eq!(attribute(line, "liveQuantity"), Some("terminated"));
}

#[tokio::test]
async fn rule_3_what_is_missing_and_cannot_be_decided_is_not_observed() {
    let key = Provider::new().key();
    let first = || {
        let mut provider = Provider::new();
        let company = provider.company;
        let new = provider
            .state
            .subscribe(company, MAIL, 3.into(), date(2026, 3, 16));
        (provider, new)
    };
    // A state that nobody knows.
    let (mut provider, new) = first();
    provider
        .state
        .edit_subscription(new, |own| own.state = Some("Suspended".to_owned()));
    let reading = provider.read().await;
    let found = unobserved(&reading);
    assert!(
        found[0].starts_with(&key) && found[0].contains("Suspended"),
        "{found:?}"
    );
    assert_eq!(reading.lines().unwrap().len(), 1);
    // A field whose value is no number.
    let (provider, _) = first();
    let sim = provider.start().await;
    sim.faults().on(
        Match::post("/GetSubscriptions"),
        Fault::rewrite(|mut answer| {
            answer.body = answer.body.replace(r#""Value":3"#, r#""Value":"some""#);
            answer
        }),
    );
    let reading = readings(&sim, &of(&sim)).await.remove(0);
    assert!(unobserved(&reading)[0].contains("units cannot be told"));
    // Two prices per unit, one as good as the other.
    let (mut provider, _) = first();
    provider
        .state
        .add_item(MAIL, Charging::PerUnit, 1.into(), 2.into());
    provider.state.products.get_mut(MAIL).unwrap().items[1].prepaid_months = 24;
    let reading = provider.read().await;
    let found = unobserved(&reading);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("which of its prices"), "{found:?}");
}

#[tokio::test]
async fn rule_4_a_split_within_the_month_leaves_what_is_carried_on_in_either_form_of_split() {
    for (splits, interval) in [
        (Splits::Consecutive, IntervalForm::Dotted),
        (Splits::Consecutive, IntervalForm::Slashed),
        (Splits::Differences, IntervalForm::Dotted),
    ] {
        let mut provider = Provider::new();
        provider.state.options.splits = splits;
        provider.state.options.interval = interval;
        provider
            .state
            .set_seats(provider.seats, date(2026, 3, 6), 18.into());
        provider
            .state
            .set_seats(provider.seats, date(2026, 3, 11), 20.into());
        let (seats, item) = (provider.seats, provider.item);
        let reading = provider.read().await;
        assert_eq!(
            lines(&reading),
            [format!("sub:{seats}:{item} recurring 20")],
            "{splits:?}"
        );
        let line = &reading.lines().unwrap()[0];
        assert_eq!(line.unit_cost.unwrap().to_string(), "10.00 USD");
        assert_eq!(line.period.unwrap().to_string(), "2026-03-01 to 2026-03-31");
        let intervals = line
            .attributes
            .iter()
            .filter(|(name, _)| &**name == "ActualChargeInterval");
        assert_eq!(intervals.count(), 3, "every piece can be traced");
    }
}

#[tokio::test]
async fn rule_4_the_policy_for_splits_is_selectable() {
    for (policy, units) in [
        (QuantityPolicy::EndOfPeriod, "17"),
        (QuantityPolicy::Max, "20"),
        (QuantityPolicy::Sum, "51"),
    ] {
        let mut provider = Provider::new();
        provider
            .state
            .set_seats(provider.seats, date(2026, 3, 6), 20.into());
        provider
            .state
            .set_seats(provider.seats, date(2026, 3, 11), 17.into());
        let sim = provider.start().await;
        let read = readings(&sim, &with_policy(&sim, policy)).await;
        let line = &read[0].lines().unwrap()[0];
        assert_eq!(line.quantity.to_string(), units, "{policy:?}");
    }
}

#[tokio::test]
async fn rule_4_the_key_is_service_and_price_and_set_up_fees_make_no_quantity() {
    let mut provider = Provider::new();
    let (company, item, seats) = (provider.company, provider.item, provider.seats);
    let fee = provider
        .state
        .add_item(MAIL, Charging::Setup, 5.into(), 6.into());
    let new = provider
        .state
        .subscribe(company, MAIL, 2.into(), date(2026, 3, 11));
    let reading = provider.read().await;
    assert_eq!(
        lines(&reading),
        [
            format!("setup:{new}:{fee} setup 2"),
            format!("sub:{seats}:{item} recurring 14"),
            format!("sub:{new}:{item} recurring 2"),
        ]
    );
    let found = reading.lines().unwrap();
    assert_eq!(found[0].service.as_str(), format!("{MAIL}/{fee}"));
    assert_eq!(found[0].total_cost.unwrap().to_string(), "10.00 USD");
    assert_eq!(found[1].service.as_str(), format!("{MAIL}/{item}"));
    assert_eq!(attribute(&found[1], "ServiceName"), Some("Mail Plan A"));
    assert!(attribute(&found[1], "ProductNumber").is_some());
}

#[tokio::test]
async fn rule_4_a_split_whose_intervals_cannot_be_read_is_not_observed() {
    let mut provider = Provider::new();
    provider.state.options.interval = IntervalForm::Words;
    let whole = lines(&provider_read(&provider).await);
    assert_eq!(whole.len(), 1, "one interval is the whole month: {whole:?}");
    provider
        .state
        .set_seats(provider.seats, date(2026, 3, 6), 20.into());
    let key = provider.key();
    let reading = provider.read().await;
    assert!(lines(&reading).is_empty());
    let found = unobserved(&reading);
    assert!(
        found[0].starts_with(&key) && found[0].contains("intervals"),
        "{found:?}"
    );
}

/// Reads a copy of a provider.
async fn provider_read(provider: &Provider) -> AccountReading {
    let sim = DandhSimulator::start(provider.state.clone()).await.unwrap();
    reading_of(&sim, &of(&sim), provider.company).await
}

/// A provider whose client has a flat fee beside its seats, and consumption.
fn with_fee_and_consumption() -> (Provider, i64, i64, i64) {
    let mut provider = Provider::new();
    let fee = provider
        .state
        .add_item(MAIL, Charging::Flat, 31.into(), 40.into());
    provider
        .state
        .add_product(AZURE, "Azure", 0.into(), 0.into());
    provider
        .state
        .products
        .get_mut(AZURE)
        .unwrap()
        .items
        .clear();
    let meter = provider
        .state
        .add_item(AZURE, Charging::Metered, 0.into(), 0.into());
    let azure = provider
        .state
        .subscribe(provider.company, AZURE, 0.into(), date(2026, 2, 1));
    let cents = |cents: i64| Decimal::new(cents, 2);
    provider
        .state
        .consume(azure, date(2026, 3, 2), cents(1234), cents(1500));
    (provider, fee, meter, azure)
}

#[tokio::test]
async fn rule_5_a_flat_fee_is_one_per_subscription_and_consumption_is_an_amount() {
    let (provider, fee, meter, azure) = with_fee_and_consumption();
    let (item, seats) = (provider.item, provider.seats);
    let reading = provider.read().await;
    assert_eq!(
        lines(&reading),
        [
            format!("sub:{seats}:{item} recurring 14"),
            format!("sub:{seats}:{fee} recurring 1 flat"),
            format!("usage:{azure}:{meter} usage 1 metered"),
        ]
    );
    let consumption = &reading.lines().unwrap()[2];
    assert_eq!(consumption.total_cost.unwrap().to_string(), "12.34 USD");
    assert_eq!(consumption.total_price.unwrap().to_string(), "15.00 USD");
    assert_eq!(consumption.unit.as_deref(), Some("charge"));
    assert_eq!(consumption.unit_cost, None);
    let flat = &reading.lines().unwrap()[1];
    assert_eq!(flat.unit_cost.unwrap().to_string(), "31.00 USD");
}

#[tokio::test]
async fn rule_5_what_may_be_flat_or_metered_is_left_for_review() {
    let (provider, fee, meter, _) = with_fee_and_consumption();
    let sim = provider.start().await;
    sim.faults().on(
        Match::post("/GetSubscriptions"),
        Fault::rewrite(|mut answer| {
            answer.body = answer.body.replace(r#""IsUDRCField":false,"#, "");
            answer
        }),
    );
    let reading = readings(&sim, &of(&sim)).await.remove(0);
    let found = unobserved(&reading);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with(&format!("{MAIL}/{fee}")), "{found:?}");
    assert!(
        found[1].starts_with(&format!("{AZURE}/{meter}")),
        "{found:?}"
    );
    assert!(found.iter().all(|it| it.contains("flat or metered")));
    assert_eq!(reading.lines().unwrap().len(), 1);
}

#[tokio::test]
async fn rule_6_live_seats_stand_beside_the_preview_which_is_planned_from() {
    let mut provider = Provider::new();
    provider
        .state
        .set_seats(provider.seats, date(2026, 3, 16), 20.into());
    let reading = provider.read().await;
    let line = &reading.lines().unwrap()[0];
    assert_eq!(line.quantity.to_string(), "14");
    assert_eq!(attribute(line, "liveQuantity"), Some("20"));
}

#[tokio::test]
async fn rule_6_a_closed_month_is_read_from_its_invoices() {
    let mut provider = Provider::new();
    let (company, item, seats) = (provider.company, provider.item, provider.seats);
    provider
        .state
        .set_seats(seats, date(2026, 2, 20), 16.into());
    let new = provider
        .state
        .subscribe(company, MAIL, 3.into(), date(2026, 3, 2));
    let key = provider.key();
    let sim = provider.start().await;
    let client = of(&sim);
    let mut request = UsageRequest::new(now(&sim));
    request.period_of = "2026-02-05".parse().unwrap();
    let reading = client.usage(&request).next().await.unwrap().unwrap();
    assert_eq!(
        lines(&reading),
        [format!("sub:{seats}:{item} recurring 16")]
    );
    assert_eq!(reading.basis, Basis::Invoiced);
    assert_eq!(
        reading.data_as_of.unwrap().to_string(),
        "2026-02-28T00:00:00Z"
    );
    // Today's seats of what was not invoiced are not those of February.
    let found = unobserved(&reading);
    assert!(
        found[0].starts_with(&key) && found[0].contains(&new.to_string()),
        "{found:?}"
    );
    let asked = sim.requests();
    let asked = asked.iter().find(|it| it.path.ends_with("ForPeriod"));
    assert_eq!(asked.unwrap().body, r#"{"year":2026,"month":2}"#);
    request.period_of = "2026-01-05".parse().unwrap();
    let none = client.usage(&request).next().await.unwrap().unwrap();
    assert!(failure(&none).message.contains("no invoices of 01/2026"));
}

#[tokio::test]
async fn rule_7_credits_keep_the_sign_of_their_money_and_make_no_quantity() {
    let mut provider = Provider::new();
    let (item, seats) = (provider.item, provider.seats);
    provider.state.options.splits = Splits::Differences;
    provider
        .state
        .set_seats(seats, date(2026, 3, 11), 11.into());
    let key = provider.key();
    let reading = provider.read().await;
    // 14 for the whole month and -3 from 11 March on: the seats of now, 11, do not confirm 14.
    assert_eq!(
        lines(&reading),
        [format!("credit:{seats}:{item} credit -3")]
    );
    let credit = &reading.lines().unwrap()[0];
    assert_eq!(credit.kind, ChargeKind::Credit);
    assert_eq!(credit.total_cost.unwrap().to_string(), "-20.32 USD");
    let found = unobserved(&reading);
    assert!(
        found[0].starts_with(&key) && found[0].contains("given back"),
        "{found:?}"
    );
}

#[tokio::test]
async fn the_commitment_of_a_subscription_is_the_end_of_its_term() {
    let mut provider = Provider::new();
    provider.state.edit_subscription(provider.seats, |own| {
        own.contract_end = Some(date(2027, 2, 10));
    });
    let item = provider.item;
    let committed = provider_read(&provider).await;
    let commitment = committed.lines().unwrap()[0].commitment.clone().unwrap();
    assert_eq!(commitment.term_end.unwrap().to_string(), "2027-02-10");
    assert!(commitment.floors.is_empty());
    provider
        .state
        .edit_item(item, |item| item.commitment_months = 0);
    let free = provider.read().await;
    assert_eq!(free.lines().unwrap()[0].commitment, None);
}
