//! The wire types of the vendors' and PSAs' answers.

use serde::de::DeserializeOwned;
use tallyline_autotask::models as autotask;
use tallyline_cloudmore::fields::{BillLine, FieldMap};
use tallyline_cloudmore::models as cloudmore;
use tallyline_connectwise::ExactJson;
use tallyline_connectwise::models as connectwise;
use tallyline_core::wire::{decode_json, parse_decimal};
use tallyline_dandh::models as dandh;
use tallyline_gradient::models as gradient;
use tallyline_hyalto::models as hyalto;
use tallyline_hyalto::vcd::models as vcd;
use tallyline_ingram::models as ingram;
use tallyline_ingram::progress::Entry;
use tallyline_sherweb::models as sherweb;

use super::json::{fields, read, round_trip, round_trip_text, write};

/// Every answer of Sherweb that is accepted is written and read again as it was.
pub fn sherweb_models(data: &[u8]) {
    round_trip::<sherweb::Customers>(data);
    if let Some(found) = round_trip::<sherweb::Subscriptions>(data) {
        for subscription in &found.items {
            let today = "2026-03-01".parse().unwrap();
            let _ = subscription.check_new_quantity(1, today);
        }
    }
    round_trip::<sherweb::PayableCharges>(data);
    if let Some(found) = round_trip::<sherweb::ReceivableCharges>(data) {
        for charge in &found.charges {
            let _ = charge.sub_total();
        }
    }
    if let Some(found) = round_trip_text::<sherweb::CustomerCatalog>(data) {
        for item in &found.catalog_items {
            let name = sherweb::localized(&item.name, "fr-CA");
            assert_eq!(
                name.is_some(),
                item.name.iter().any(|text| text.value.is_some())
            );
        }
    }
    round_trip_text::<sherweb::FreeForm>(data);
    round_trip::<sherweb::Platforms>(data);
    round_trip::<sherweb::PlatformsConfigurations>(data);
    round_trip::<sherweb::MeterUsages>(data);
    round_trip::<sherweb::WriteReceipt>(data);
    if let Ok(found) = decode_json::<sherweb::AmendmentStatus>(data) {
        let again: sherweb::AmendmentStatus = read(&write(&found.status));
        assert_eq!(again, found);
    }
    if let Ok(found) = decode_json::<sherweb::TrackingStatus>(data) {
        let again: sherweb::TrackingStatus = read(&write(&found.status));
        assert_eq!(again, found);
    }
}

/// Every answer of Ingram Micro that is accepted keeps its figures to the digit, and what a read keeps of it is written and
/// read again as it was.
pub fn ingram_models(data: &[u8]) {
    round_trip::<ingram::Subscription>(data);
    if let Some(found) = round_trip_text::<ingram::SubscriptionDetail>(data) {
        for product in &found.products {
            let again: ingram::SubscriptionProduct = read(&write(product));
            assert_eq!(again, *product);
        }
    }
    if let Ok(found) = decode_json::<ingram::Product>(data) {
        figures(
            data,
            &[
                ("minimumQuantity", found.minimum_quantity),
                ("maximumQuantity", found.maximum_quantity),
            ],
        );
        assert!(!found.id.is_empty());
    }
    for id in [
        decode_json::<ingram::Customer>(data).map(|found| found.id),
        decode_json::<ingram::Reseller>(data).map(|found| found.id),
        decode_json::<ingram::Order>(data).map(|found| found.id),
        decode_json::<ingram::OrderDetailed>(data).map(|found| found.id),
        decode_json::<ingram::Plan>(data).map(|found| found.id),
    ] {
        assert!(id.is_err() || id.is_ok_and(|id| !id.trim().is_empty()));
    }
    if let Ok(found) = decode_json::<ingram::OrderEstimate>(data)
        && let Some(total) = found.total
    {
        let again: ingram::Money = read(&write(&total));
        assert_eq!(again, total);
    }
    if let Ok(found) = decode_json::<ingram::Report>(data)
        && let Some(url) = &found.download_url
    {
        assert_eq!(format!("{url:?}"), "DownloadUrl([redacted])");
    }
    let text = String::from_utf8_lossy(data);
    if let Ok(entry) = Entry::from_line(&text) {
        let line = entry.to_line().unwrap();
        assert!(!line.contains('\n'));
        let again = Entry::from_line(&line).unwrap();
        assert_eq!(again.to_line().unwrap(), line);
    }
}

/// Every answer of HyAlto that is accepted is written and read again as it was.
pub fn hyalto_models(data: &[u8]) {
    for id in [
        round_trip::<hyalto::Account>(data).map(|found| found.id),
        round_trip::<hyalto::Service>(data).map(|found| found.id),
    ] {
        assert!(id.is_none_or(|id| !id.trim().is_empty()));
    }
    if let Some(found) = round_trip::<hyalto::RawUsage>(data) {
        for service in &found.services {
            assert!(!service.id.trim().is_empty());
            for change in service.properties.values().flat_map(|own| &own.changes) {
                let label = change.unit_size.as_ref().and_then(hyalto::UnitSize::label);
                assert!(label.is_none_or(|label| parse_decimal(&label).is_err()));
            }
        }
    }
    round_trip::<hyalto::TokenClaims>(data);
}

/// Every answer of VMware Cloud Director that is accepted is written and read again as it was.
pub fn vcd_models(data: &[u8]) {
    for reference in [
        round_trip::<vcd::OrgRecord>(data).map(|found| found.href),
        round_trip::<vcd::OrgVdcRecord>(data).map(|found| found.href),
        round_trip::<vcd::VmRecord>(data).map(|found| found.href),
        round_trip::<vcd::StoragePolicyRecord>(data).map(|found| found.href),
        round_trip::<vcd::EdgeGatewayRecord>(data).map(|found| found.href),
        round_trip::<vcd::CloudOrg>(data).map(|found| found.id),
        round_trip::<vcd::CloudEdgeGateway>(data).map(|found| found.id),
        round_trip::<vcd::Session>(data).map(|found| found.id),
    ]
    .into_iter()
    .flatten()
    {
        assert!(!reference.trim().is_empty());
        if let Some(uuid) = vcd::uuid_of(&reference) {
            assert_eq!(vcd::uuid_of(&uuid), Some(uuid.clone()));
            assert!(reference.to_ascii_lowercase().contains(&uuid));
        }
    }
    round_trip::<vcd::SupportedVersions>(data);
}

/// Every answer of Cloudmore that is accepted is written and read again as it was, and what goes
/// through the field map loses and invents nothing.
pub fn cloudmore_models(data: &[u8]) {
    round_trip::<Vec<cloudmore::Organization>>(data);
    round_trip::<cloudmore::NewManualBillingLine>(data);
    round_trip::<cloudmore::OrganizationBody>(data);
    if let Some(records) = round_trip::<Vec<cloudmore::Record>>(data) {
        cloudmore_records(&records);
    }
    let text = String::from_utf8_lossy(data);
    let _ = cloudmore::TaskId::from_location(&text, "JobsAsync")
        .inspect(|id| assert!(!matches!(id.as_str(), "" | "." | "..")));
    if let Ok(map) = decode_json::<FieldMap>(data) {
        let again: FieldMap = read(&write(&map));
        assert_eq!(again, map);
        let _ = map.validate();
    }
    let Ok(report) = cloudmore::Json::parse(&text) else {
        return;
    };
    let written = report.to_string();
    assert_eq!(cloudmore::Json::parse(&written), Ok(report.clone()));
    let found = FieldMap::default().read(&report);
    assert_eq!(FieldMap::default().read(&report), found);
    for line in &found.lines {
        bill_line(&report, line);
    }
    for unreadable in &found.unreadable {
        assert!(!unreadable.path.is_empty() && !unreadable.why.is_empty());
    }
}

/// Every record is read or named as one that cannot be, and none is both.
fn cloudmore_records(records: &[cloudmore::Record]) {
    let map = FieldMap::default();
    let subscriptions = map.subscriptions(records);
    let history = map.history(records);
    let manual = map.manual_lines(records);
    for (read, unreadable) in [
        (subscriptions.read.len(), subscriptions.unreadable.len()),
        (history.read.len(), history.unreadable.len()),
        (manual.lines.len(), manual.unreadable.len()),
    ] {
        assert_eq!(read + unreadable, records.len());
    }
    assert!(subscriptions.read.iter().all(|it| !it.id.is_empty()));
}

/// A line's quantity is that of its own record, read here by another way.
fn bill_line(report: &cloudmore::Json, line: &BillLine) {
    assert!(!line.organization_id.is_empty());
    assert!(line.service().is_some_and(|service| !service.is_empty()));
    let record: cloudmore::Record = read(&line.raw);
    let quantity = record
        .decimal("quantity")
        .map(|quantity| quantity.to_string());
    assert_eq!(quantity, Some(line.quantity.to_string()), "{}", line.raw);
    assert!(report.to_string().contains(&line.raw), "{}", line.raw);
}

/// Every answer of D&H that is accepted is written and read again as it was, and units are those
/// of a field.
pub fn dandh_models(data: &[u8]) {
    round_trip::<Vec<dandh::Company>>(data);
    round_trip::<dandh::Company>(data);
    round_trip::<Vec<dandh::Department>>(data);
    if let Some(found) = round_trip::<Vec<dandh::Subscription>>(data) {
        found.iter().for_each(units_are_those_of_a_field);
    }
    if let Some(found) = round_trip::<dandh::Subscription>(data) {
        units_are_those_of_a_field(&found);
    }
    if let Some(found) = round_trip::<Vec<dandh::Invoice>>(data) {
        for charge in found.iter().flat_map(|invoice| &invoice.charges) {
            let _ = charge.is_setup();
        }
    }
    round_trip::<Vec<dandh::MarketplaceInfo>>(data);
    round_trip::<Vec<dandh::SimpleProductInfo>>(data);
    round_trip::<Vec<dandh::MarketplaceServiceCharges>>(data);
    round_trip::<dandh::ServiceInformation>(data);
    round_trip::<dandh::ServiceFields>(data);
    round_trip::<Vec<dandh::ReportInfo>>(data);
    if let Some(found) = round_trip::<dandh::Report>(data) {
        for row in &found.rows {
            for column in &found.columns {
                let name = column.name.as_deref().unwrap_or_default();
                let cell = found.cell(row, name);
                assert!(cell.is_none_or(|cell| row.cells.contains(&Some(cell.clone()))));
            }
        }
    }
    round_trip::<dandh::InvoiceAggregation>(data);
    round_trip::<dandh::ProductAccounts>(data);
    let text = String::from_utf8_lossy(data);
    if let Some(date) = dandh::civil_date(&text) {
        assert!(text.trim().starts_with(&date.to_string()), "{text:?}");
    }
}

fn units_are_those_of_a_field(own: &dandh::Subscription) {
    for item in &own.priceable_items {
        let Some(units) = own.units_of(item) else {
            continue;
        };
        let values = own.fields.iter().filter_map(|field| field.value.as_ref());
        let mut quantities = values.filter_map(dandh::FieldValue::quantity);
        assert!(quantities.any(|quantity| quantity == units), "{units}");
    }
}

/// Every answer of ConnectWise that is accepted keeps its figures to the digit and its custom
/// fields to the byte.
pub fn connectwise_models(data: &[u8]) {
    if let Ok(found) = decode_json::<connectwise::Addition>(data) {
        figures(
            data,
            &[
                ("quantity", found.quantity),
                ("lessIncluded", found.less_included),
                ("unitPrice", found.unit_price),
                ("unitCost", found.unit_cost),
                ("prorateCost", found.prorate_cost),
                ("extPrice", found.ext_price),
            ],
        );
        dates(&[&found.effective_date, &found.cancelled_date]);
        custom_fields(&found.custom_fields);
    }
    if let Ok(found) = decode_json::<connectwise::Agreement>(data) {
        figures(
            data,
            &[
                ("billAmount", found.bill_amount),
                ("prorateFirstBill", found.prorate_first_bill),
            ],
        );
        dates(&[&found.start_date, &found.end_date, &found.next_invoice_date]);
        custom_fields(&found.custom_fields);
    }
    if let Ok(found) = decode_json::<connectwise::CatalogItem>(data) {
        figures(
            data,
            &[
                ("price", found.price),
                ("cost", found.cost),
                ("recurringCost", found.recurring_cost),
            ],
        );
        custom_fields(&found.custom_fields);
    }
    if let Ok(found) = decode_json::<connectwise::AgreementType>(data) {
        figures(data, &[("billAmount", found.bill_amount)]);
    }
    if let Ok(found) = decode_json::<connectwise::Company>(data) {
        custom_fields(&found.custom_fields);
    }
    accepted_alone_and_in_a_list::<connectwise::Addition>(data);
    accepted_alone_and_in_a_list::<connectwise::Agreement>(data);
    accepted_alone_and_in_a_list::<connectwise::AgreementType>(data);
    accepted_alone_and_in_a_list::<connectwise::BillingCycle>(data);
    accepted_alone_and_in_a_list::<connectwise::CatalogItem>(data);
    accepted_alone_and_in_a_list::<connectwise::Company>(data);
    accepted_alone_and_in_a_list::<connectwise::CompanyInfoLookup>(data);
    accepted_alone_and_in_a_list::<connectwise::Count>(data);
    accepted_alone_and_in_a_list::<connectwise::SystemInfo>(data);
}

/// Every answer of Autotask that is accepted keeps its figures to the digit, and its dates stay on
/// their day.
pub fn autotask_models(data: &[u8]) {
    if let Ok(found) = decode_json::<autotask::ContractServiceUnit>(data) {
        figures(
            data,
            &[
                ("units", found.units),
                ("price", found.price),
                ("cost", found.cost),
                ("internalCurrencyPrice", found.internal_currency_price),
            ],
        );
        civil_dates(&[&found.start_date, &found.end_date]);
    }
    if let Ok(found) = decode_json::<autotask::ContractService>(data) {
        figures(
            data,
            &[
                ("unitPrice", found.unit_price),
                ("adjustedPrice", found.adjusted_price),
                (
                    "internalCurrencyAdjustedPrice",
                    found.internal_currency_adjusted_price,
                ),
                ("unitCost", found.unit_cost),
            ],
        );
    }
    if let Ok(found) = decode_json::<autotask::ContractCharge>(data) {
        figures(
            data,
            &[
                ("unitQuantity", found.unit_quantity),
                ("unitPrice", found.unit_price),
                ("unitCost", found.unit_cost),
            ],
        );
    }
    autotask_catalog(data);
    autotask_bundles(data);
    if let Ok(found) = decode_json::<autotask::Contract>(data) {
        figures(data, &[("setupFee", found.setup_fee)]);
        civil_dates(&[&found.start_date, &found.end_date]);
        if let Some(kind) = &found.contract_type {
            let again: autotask::PicklistValue = read(&write(kind));
            assert_eq!(again.as_number(), kind.as_number());
        }
        let fields: Vec<autotask::UserDefinedField> = read(&write(&found.user_defined_fields));
        assert_eq!(fields, found.user_defined_fields);
    }
    accepted_alone_and_in_a_list::<autotask::ApiVersions>(data);
    accepted_alone_and_in_a_list::<autotask::BillingCode>(data);
    accepted_alone_and_in_a_list::<autotask::Company>(data);
    accepted_alone_and_in_a_list::<autotask::Contract>(data);
    accepted_alone_and_in_a_list::<autotask::ContractCharge>(data);
    accepted_alone_and_in_a_list::<autotask::ContractService>(data);
    accepted_alone_and_in_a_list::<autotask::ContractServiceBundle>(data);
    accepted_alone_and_in_a_list::<autotask::ContractServiceBundleUnit>(data);
    accepted_alone_and_in_a_list::<autotask::ContractServiceUnit>(data);
    accepted_alone_and_in_a_list::<autotask::EntityInfo>(data);
    accepted_alone_and_in_a_list::<autotask::FieldInfo>(data);
    accepted_alone_and_in_a_list::<autotask::ItemId>(data);
    accepted_alone_and_in_a_list::<autotask::Product>(data);
    accepted_alone_and_in_a_list::<autotask::Service>(data);
    accepted_alone_and_in_a_list::<autotask::ServiceBundle>(data);
    accepted_alone_and_in_a_list::<autotask::ThresholdInformation>(data);
    accepted_alone_and_in_a_list::<autotask::UdfFieldInfo>(data);
    accepted_alone_and_in_a_list::<autotask::UserDefinedFieldDefinition>(data);
    accepted_alone_and_in_a_list::<autotask::ZoneInformation>(data);
}

/// What can be sold: services, bundles of them, and products.
fn autotask_catalog(data: &[u8]) {
    let prices = |unit_price, unit_cost| {
        figures(data, &[("unitPrice", unit_price), ("unitCost", unit_cost)]);
    };
    if let Ok(found) = decode_json::<autotask::Service>(data) {
        prices(found.unit_price, found.unit_cost);
    }
    if let Ok(found) = decode_json::<autotask::ServiceBundle>(data) {
        prices(found.unit_price, found.unit_cost);
    }
    if let Ok(found) = decode_json::<autotask::Product>(data) {
        prices(found.unit_price, found.unit_cost);
    }
}

/// Bundles on contracts, and their units.
fn autotask_bundles(data: &[u8]) {
    if let Ok(found) = decode_json::<autotask::ContractServiceBundle>(data) {
        figures(
            data,
            &[
                ("unitPrice", found.unit_price),
                ("adjustedPrice", found.adjusted_price),
            ],
        );
    }
    if let Ok(found) = decode_json::<autotask::ContractServiceBundleUnit>(data) {
        figures(
            data,
            &[
                ("units", found.units),
                ("price", found.price),
                ("cost", found.cost),
            ],
        );
        civil_dates(&[&found.start_date, &found.end_date]);
    }
}

/// Every answer of Gradient that is accepted alone is accepted in a list, accounts are written and read
/// again as they were, and an id that is there is not empty.
pub fn gradient_models(data: &[u8]) {
    round_trip::<gradient::Account>(data);
    round_trip::<Vec<gradient::Account>>(data);
    if let Ok(found) = decode_json::<gradient::Wrapped<gradient::Vendor>>(data) {
        let mut ids = found.data.skus.iter().map(gradient::Service::any_id);
        assert!(ids.all(|id| id.is_none_or(|id| !id.trim().is_empty())));
    }
    if let Ok(found) = decode_json::<gradient::Clients>(data) {
        for client in &found.clients {
            assert!(String::from_utf8_lossy(data).contains(client.get()));
        }
    }
    accepted_alone_and_in_a_list::<gradient::Wrapped<gradient::Integration>>(data);
    accepted_alone_and_in_a_list::<gradient::Vendor>(data);
    accepted_alone_and_in_a_list::<gradient::Service>(data);
    accepted_alone_and_in_a_list::<gradient::Integration>(data);
    accepted_alone_and_in_a_list::<gradient::Clients>(data);
    accepted_alone_and_in_a_list::<gradient::CountSet>(data);
    accepted_alone_and_in_a_list::<gradient::AlertCreated>(data);
    accepted_alone_and_in_a_list::<gradient::AlertStatus>(data);
}

/// A date is the day that its text begins with.
fn civil_dates(texts: &[&Option<String>]) {
    for text in texts.iter().copied().flatten() {
        if let Ok(date) = autotask::civil_date(text) {
            assert!(text.trim().starts_with(&date.to_string()), "{text:?}");
        }
    }
}

fn accepted_alone_and_in_a_list<T: DeserializeOwned + PartialEq + std::fmt::Debug>(data: &[u8]) {
    let alone = decode_json::<T>(data).ok();
    let list = [b"[", data, b"]"].concat();
    match (alone, decode_json::<Vec<T>>(&list)) {
        (Some(alone), Ok(list)) => assert_eq!(list, [alone]),
        // The bytes hold more than one value, or none.
        (None, _) => {}
        (Some(_), Err(error)) => panic!("accepted alone and not in a list: {error}"),
    }
    let _ = decode_json::<Vec<T>>(data);
}

/// Figures are what their literal texts say, read here by another way.
fn figures(data: &[u8], figures: &[(&str, Option<rust_decimal::Decimal>)]) {
    let Some(fields) = fields(data) else { return };
    for (name, found) in figures {
        let literal = fields.get(*name).map_or("null", |value| value.get());
        let text: Option<String> = serde_json::from_str(literal).unwrap_or(Some(literal.into()));
        let expected = text
            .filter(|text| !text.is_empty())
            .map(|text| parse_decimal(&text).unwrap());
        let shown = |value: Option<rust_decimal::Decimal>| value.map(|value| value.to_string());
        assert_eq!(shown(*found), shown(expected), "{name} {literal}");
    }
}

fn dates(texts: &[&Option<String>]) {
    for text in texts.iter().copied().flatten() {
        if let Ok(date) = connectwise::date_part(text) {
            let again = connectwise::date_part(&connectwise::midnight(date)).unwrap();
            assert_eq!(again, date, "{text:?}");
        }
    }
}

fn custom_fields(values: &[connectwise::CustomFieldValue]) {
    for field in values {
        assert!(field.text().is_none_or(|text| !text.trim().is_empty()));
        let Some(echo) = field.echo() else { continue };
        let written = write(&echo);
        let sent = fields(written.as_bytes()).unwrap();
        let value: Option<ExactJson> = sent.get("value").and_then(|value| {
            let value = value.get();
            (value != "null").then(|| read(value))
        });
        assert_eq!(value, field.value, "{written}");
    }
}
