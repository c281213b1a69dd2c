//! Writing the catalog.

use super::entities::{Product, Write, WriteKind};
use super::error::{Invalid, invalid_object};
use super::schema::CATALOG_ITEM;
use super::state::ConnectWiseState;
use super::values::{self, Change, as_decimal, as_text, reference_id};
use super::wire;
use crate::http::SimAnswer;
use crate::json::Json;

const COMPUTED: [&str; 5] = [
    "id",
    "calculatedPrice",
    "calculatedCost",
    "connectWiseID",
    "_info",
];

/// `POST /procurement/catalog`.
pub(super) fn create(
    state: &mut ConnectWiseState,
    body: &Json,
    version: (u16, u16),
) -> Result<SimAnswer, SimAnswer> {
    let changes = values::from_object(&CATALOG_ITEM, body, version)?;
    let mut errors = Vec::new();
    let given = |name: &str| {
        let named = changes.iter().find(|change| change.name == name);
        named.is_some_and(|change| !change.value.is_null() && change.value.text() != Some(""))
    };
    for name in [
        "identifier",
        "description",
        "subcategory",
        "type",
        "customerDescription",
    ] {
        if !given(name) {
            errors.push(Invalid::missing(name));
        }
    }
    let mut product = state.blank_product();
    for change in &changes {
        apply(state, &mut product, change, &mut errors);
    }
    let taken = state
        .products
        .values()
        .any(|other| other.identifier.eq_ignore_ascii_case(&product.identifier));
    if taken {
        errors.push(Invalid::exists(
            "identifier",
            format!("The identifier {} is already in use.", product.identifier),
        ));
    }
    if !errors.is_empty() {
        return Err(invalid_object("catalogItem", &errors));
    }
    product.id = state.fresh_id();
    let id = product.id;
    state.products.insert(id, product);
    let created = state
        .products
        .get(&id)
        .map(|product| wire::product(state, product));
    let at = state.clock.now();
    state.writes.push(Write {
        at,
        kind: WriteKind::Created,
        entity: "CatalogItem",
        id,
        agreement_id: 0,
        before: None,
        after: created.clone(),
    });
    Ok(SimAnswer::json(201, &created.unwrap_or(Json::Null)))
}

fn apply(
    state: &ConnectWiseState,
    product: &mut Product,
    change: &Change,
    errors: &mut Vec<Invalid>,
) {
    let Change { name, value } = change;
    if COMPUTED.contains(name) {
        errors.push(Invalid::field(
            name,
            format!("The {name} field is read-only."),
        ));
        return;
    }
    let before = errors.len();
    values::validate(&CATALOG_ITEM, change, errors);
    if errors.len() > before {
        return;
    }
    let mut known = |rows: &std::collections::BTreeMap<i64, super::SetupRow>| {
        let found = reference_id(value).is_some_and(|id| rows.contains_key(&id));
        if !found {
            errors.push(Invalid::field(
                name,
                format!("The {name} could not be found."),
            ));
        }
        found
    };
    match *name {
        "identifier" => product.identifier = as_text(value).unwrap_or_default(),
        "description" => product.description = as_text(value).unwrap_or_default(),
        "productClass" => product.class = as_text(value).unwrap_or_default(),
        "price" => product.price = as_decimal(value),
        "cost" => product.cost = as_decimal(value),
        "vendorSku" => product.vendor_sku = as_text(value),
        "inactiveFlag" => product.inactive = value.flag().unwrap_or(false),
        "taxableFlag" => product.taxable = value.flag().unwrap_or(false),
        "subcategory" => {
            known(&state.product_subcategories);
        }
        "type" => {
            known(&state.product_types);
        }
        "category" if !known(&state.product_categories) => {}
        "customerDescription" => {}
        other => {
            product.extra.insert(other.to_owned(), value.clone());
        }
    }
}
