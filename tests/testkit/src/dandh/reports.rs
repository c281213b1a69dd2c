//! Reports: columns in one order, cells in another, rows in one of two shapes.

use jiff::civil::{Date, DateTime};

use super::body::Body;
use super::fault::fault;
use super::invoices::context;
use super::state::DandhState;
use super::wire::{date_time, number};
use crate::clock::date_of;
use crate::http::SimAnswer;
use crate::json::Json;

const SEAT_CHANGES: &str = "MSCSPSeatChanges";
const AUDIT_LOG: &str = "Audit Log Object Company";

/// `GetReports`: what this user may run.
pub(super) fn list() -> Json {
    let parameter = |name: &str, kind: &str| Json::object().with("Name", name).with("Type", kind);
    let report = |name: &str, parameters: Vec<Json>| {
        Json::object()
            .with("Name", name)
            .with("Parameters", Json::Array(parameters))
    };
    Json::Array(vec![
        report(
            SEAT_CHANGES,
            vec![
                parameter("startdate", "String"),
                parameter("enddate", "String"),
            ],
        ),
        report(
            AUDIT_LOG,
            vec![
                parameter("targetCompany", "Int32"),
                parameter("startDate", "DateTime"),
            ],
        ),
    ])
}

/// `ExecuteReport`.
pub(super) fn execute(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    let name = body.needed_text("reportName")?;
    let parameters = Body::needed("parameters", body.object("parameters")?)?;
    let parameter = |name: &str| {
        let value = parameters.get(name);
        Body::needed(name, value.filter(|value| !value.is_null()))
    };
    let (columns, rows) = match name {
        SEAT_CHANGES => {
            let day = |name: &str| -> Result<Date, SimAnswer> {
                let text = parameter(name)?.text().filter(|text| text.len() == 10);
                let day = text.and_then(|text| text.parse().ok());
                day.ok_or_else(|| fault(500, &format!("{name} is not a date.")))
            };
            seat_changes(state, day("startdate")?, day("enddate")?)
        }
        AUDIT_LOG => {
            let company = parameter("targetCompany")?.integer();
            let company = Body::needed("targetCompany", company)?;
            let from = parameter("startDate")?.text();
            let from = from.filter(|text| text.len() == 19);
            let from: Option<DateTime> = from.and_then(|text| text.parse().ok());
            let from = from.ok_or_else(|| fault(500, "startDate is not a date-time."))?;
            audit_log(state, company, from.date())
        }
        _ => return Err(fault(500, "The report was not found.")),
    };
    let wanted = body.list("columns")?;
    let wanted = |name: &str| {
        wanted.is_none_or(|wanted| wanted.iter().any(|column| column.text() == Some(name)))
    };
    let kept: Vec<usize> = (0..columns.len())
        .filter(|at| wanted(columns[*at].0))
        .collect();
    let rows = rows.into_iter().map(|row| {
        let cells = kept.iter().filter_map(|at| row.get(*at).cloned()).collect();
        if state.options.rows_as_lists {
            Json::Array(cells)
        } else {
            Json::object().with("Cells", Json::Array(cells))
        }
    });
    let rows: Vec<Json> = rows.collect();
    // The order of the columns is not that of the cells: the index tells.
    let columns = kept.iter().enumerate().rev().map(|(index, at)| {
        let (name, kind) = columns[*at];
        Json::object()
            .with("CellIndex", i64::try_from(index).unwrap_or(0))
            .with("Name", name)
            .with("Type", kind)
    });
    Ok(Json::object()
        .with("Columns", Json::Array(columns.collect()))
        .with("Rows", Json::Array(rows)))
}

type Table = (Vec<(&'static str, &'static str)>, Vec<Vec<Json>>);

fn seat_changes(state: &DandhState, from: Date, to: Date) -> Table {
    let columns = vec![
        ("AccountId", "Int32"),
        ("Date", "DateTime"),
        ("OldQuantity", "Decimal"),
        ("NewQuantity", "Decimal"),
    ];
    let mut rows = Vec::new();
    for own in state.subscriptions.values() {
        for pair in own.changes.windows(2) {
            let [before, after] = pair else { continue };
            if (from..=to).contains(&date_of(after.at)) {
                rows.push(vec![
                    own.id.into(),
                    date_time(after.at).into(),
                    number(&state.options, before.seats),
                    number(&state.options, after.seats),
                ]);
            }
        }
    }
    (columns, rows)
}

fn audit_log(state: &DandhState, company: i64, from: Date) -> Table {
    let columns = vec![
        ("Id", "Int64"),
        ("Date", "DateTime"),
        ("EventType", "String"),
        ("UserUsername", "String"),
        ("TargetAccountId", "Int32"),
        ("TargetAccountType", "String"),
        ("TargetDisplayName", "String"),
    ];
    let own = state
        .subscriptions
        .values()
        .filter(|own| own.company_id == company);
    let made = own.filter(|own| own.start() >= from).map(|own| {
        let product = state.products.get(&own.service_id);
        vec![
            own.id.into(),
            date_time(own.made()).into(),
            "Created".into(),
            state.credentials.username.as_str().into(),
            own.id.into(),
            "Product".into(),
            product.map(|product| product.name.clone()).into(),
        ]
    });
    (columns, made.collect())
}

/// `GetInvoiceAggregationReport`: lines of a closed month, in other words than the invoices'.
pub(super) fn aggregation(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    let invoices = super::invoices::of_period(state, body)?;
    let mut lines = Vec::new();
    for invoice in invoices.items().unwrap_or_default() {
        let company = invoice.get("CompanyName").cloned();
        let id = invoice.get("CompanyAccountId").cloned();
        for charge in invoice
            .get("Charges")
            .and_then(Json::items)
            .unwrap_or_default()
        {
            let of = |name: &str| charge.get(name).cloned();
            lines.push(
                Json::object()
                    .with("AccountId", of("AccountId"))
                    .with("ProductName", of("ServiceId"))
                    .with("UdrcValue", of("UDRCValue"))
                    .with("BillableParameters", of("BillableParameter"))
                    .with("Costs", of("Costs"))
                    .with("SalesPrice", of("SalesPrice"))
                    .with("Currency", of("Currency"))
                    .with("Vendor", of("VendorName"))
                    .with("EndCustomerCompany", company.clone())
                    .with("EndCustomerCompanyId", id.clone()),
            );
        }
    }
    Ok(Json::object().with("InvoiceAggregation", Json::Array(lines)))
}

/// `GetAllProductAccountsWithFieldsReport`: all subscriptions of a product, with their fields by name.
pub(super) fn product_accounts(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    let product = body.needed_text("productName")?;
    let before: Option<Date> = match body.text("createdBefore")? {
        None => None,
        Some(text) => {
            let day = text.get(..10).and_then(|day| day.parse().ok());
            Some(day.ok_or_else(|| fault(500, "createdBefore is not a date."))?)
        }
    };
    let context = context(state, body)?;
    let name = |id: i64| state.accounts.get(&id).map(|account| account.name.clone());
    let own = state.subscriptions.values().filter(|own| {
        own.service_id == product
            && state.is_below(own.company_id, context)
            && before.is_none_or(|before| own.start() < before)
    });
    let rows = own.map(|own| {
        let seats = own.seats_at(state.clock.now()).unwrap_or_default();
        Json::object()
            .with("AccountId", own.id)
            .with("CompanyAccountId", own.company_id)
            .with("ResellerAccountId", context)
            .with("CompanyName", name(own.company_id))
            .with("ResellerName", name(context))
            .with("ResellerCountry", "United States")
            .with("StartDate", date_time(own.made()))
            .with(
                "Fields",
                Json::object().with("Quantity", number(&state.options, seats)),
            )
    });
    Ok(Json::object().with("AllProductAccountsWithFields", Json::Array(rows.collect())))
}
