//! The client as the tables of hostile answers need it, its valid answers, and the tables of what a sync reads.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use tallyline_core::Result;
use tallyline_core::http::{Limits, RetryPolicy, Timeouts};
use tallyline_dandh::DandhClient;
use tallyline_testkit::hostile::{Field, HostileClient, Probe};
use tallyline_testkit::raw::Route;

use crate::common::{OWN, PARENT, PASSWORD, SESSION, SIGN_IN, USERNAME, at, quick};

pub(crate) const MAX_BODY: usize = 1 << 20;

pub(crate) const COMPANIES: &str = r#"[{"AccountId":410977,"CompanyName":"Maple Dental LLC","BillingStartDate":"2023-05-02T08:14:07.31"},
  {"AccountId":410988,"CompanyName":"Oak Legal","AccountState":"Active"},{"AccountId":410999,"CompanyName":"Birch Gym"}]"#;

/// A charge of seats in March 2026.
pub(crate) fn charge(subscription: i64, units: i64) -> String {
    format!(
        r#"{{"AccountId":{subscription},"ServiceId":"MAIL","ServiceName":"Mail","PriceableItemId":90211,"PriceableItemType":"Monthly",
        "UDRCValue":{units},"ActualChargeInterval":"01.03.2026 - 01.04.2026","Costs":{units},"CostsOfUnit":1,"Currency":"USD"}}"#
    )
}

pub(crate) fn preview() -> String {
    let invoice = |company: i64, charges: String| {
        format!(
            r#"{{"BillingInterval":"03/2026","CompanyAccountId":{company},"CompanyName":"C","Charges":[{charges}]}}"#
        )
    };
    format!(
        "[{},{}]",
        invoice(410_977, charge(733_105, 14)),
        invoice(
            410_999,
            format!("{},{}", charge(733_305, 3), charge(733_306, 4))
        )
    )
}

/// One that the preview shows, and one that it does not.
pub(crate) fn subscriptions(company: i64, first: i64) -> String {
    let own = |id: i64, units: i64| {
        format!(
            r#"{{"AccountId":{id},"AccountState":"Active","CompanyAccountId":{company},"ServiceName":"MAIL","ServiceDisplayName":"Mail",
            "ContractEndDate":"2027-02-10T00:00:00","Fields":[{{"Name":"Quantity","Value":{units}}}],
            "PriceableItems":[{{"PriceableItemId":90211,"PriceableItemType":"Monthly","FieldName":"Quantity","IsUDRCField":true,
            "PurchasePrice":18.7,"Currency":"USD","CommitementPeriodInMonths":12}}]}}"#
        )
    };
    format!("[{},{}]", own(first, 14), own(first + 50, 5))
}

pub(crate) fn connect(base: &str) -> Result<DandhClient> {
    DandhClient::builder()
        .username(USERNAME)
        .password(PASSWORD.into())
        .parent_account_id(PARENT)
        .base_url(format!("{base}{}", at("")))
        .retry(RetryPolicy {
            max_attempts: 2,
            ..quick()
        })
        .timeouts(Timeouts {
            attempt: Some(Duration::from_millis(400)),
            ..Timeouts::default()
        })
        .limits(Limits {
            max_body: MAX_BODY,
            ..Limits::default()
        })
        .jitter_seed(1)
        .build()
}

pub(crate) fn session() -> Route {
    Route::post(&at(SIGN_IN), format!("\"{SESSION}\""))
}

pub(crate) fn companies() -> Route {
    Route::post(&at("GetCompanies"), COMPANIES)
}

pub(crate) fn of_company(company: i64, first: i64) -> Route {
    Route::post(&at("GetSubscriptions"), subscriptions(company, first))
        .body_contains(&company.to_string())
}

/// What a sync reads.
pub(crate) fn main_table() -> HostileClient<DandhClient> {
    HostileClient::new("dandh", connect)
        .max_body(MAX_BODY)
        .route(session())
        .probe(
            Probe::new("companies", companies(), |client: DandhClient| async move {
                let found = client.companies(PARENT).await?;
                Ok(format!("{found:?}"))
            })
            .field(Field::whole_id("/1/AccountId"))
            .field(Field::name("/1/CompanyName"))
            .field(Field::name("/0/BillingStartDate")),
        )
        .probe(
            Probe::new(
                "company",
                Route::post(&at("GetCompany"), OWN),
                |client: DandhClient| async move {
                    let found = client.company(None).await?;
                    Ok(format!("{found:?}"))
                },
            )
            .field(Field::whole_id("/AccountId"))
            .field(Field::name("/CompanyName")),
        )
        .probe(
            Probe::new(
                "preview",
                Route::post(&at("GetPreviewInvoices"), preview()),
                |client: DandhClient| async move {
                    let found = client.preview_invoices(None).await?;
                    let charges = found.iter().flat_map(|invoice| &invoice.charges);
                    let units = charges.map(|charge| charge.udrc_value.map(|it| it.normalize()));
                    Ok(format!("{:?}", units.collect::<Vec<_>>()))
                },
            )
            .field(Field::quantity("/1/Charges/1/UDRCValue").optional())
            .field(Field::quantity("/0/Charges/0/Costs").optional())
            .field(Field::whole_id("/1/CompanyAccountId"))
            .field(Field::whole_id("/0/Charges/0/AccountId").optional())
            .field(Field::name("/0/Charges/0/ServiceId"))
            .field(Field::name("/0/Charges/0/ActualChargeInterval")),
        )
        .probe(
            Probe::new(
                "subscriptions",
                of_company(410_977, 733_105),
                |client: DandhClient| async move {
                    let found = client.subscriptions(410_977, None).await?;
                    let units = found.iter().map(|own| {
                        let item = own.priceable_items.first();
                        (own.account_id, item.and_then(|item| own.units_of(item)))
                    });
                    Ok(format!("{:?}", units.collect::<Vec<_>>()))
                },
            )
            .field(Field::whole_id("/1/AccountId"))
            .field(Field::whole_id("/0/CompanyAccountId").optional())
            .field(Field::quantity("/0/PriceableItems/0/PurchasePrice").optional())
            .field(Field::name("/0/ContractEndDate"))
            .field(Field::name("/0/AccountState")),
        )
        .probe(
            Probe::new(
                "a report",
                Route::post(
                    &at("ExecuteReport"),
                    r#"{"Columns":[{"CellIndex":0,"Name":"Id"}],"Rows":[{"Cells":[7]}]}"#,
                ),
                |client: DandhClient| async move {
                    let none = std::collections::BTreeMap::<String, String>::new();
                    let found = client.execute_report("R", &none, &[]).await?;
                    Ok(format!("{found:?}"))
                },
            )
            .field(Field::whole_id("/Columns/0/CellIndex").optional())
            .field(Field::name("/Columns/0/Name")),
        )
}

/// The answer to a sign-in.
pub(crate) fn session_table() -> HostileClient<String> {
    // A client for each case: a session is kept.
    HostileClient::new("dandh", |base| Ok(base.to_owned()))
        .max_body(MAX_BODY)
        .route(companies())
        .probe(Probe::new(
            "session",
            session(),
            |base: String| async move {
                let companies = connect(&base)?.companies(PARENT).await?;
                Ok(companies.len().to_string())
            },
        ))
}
