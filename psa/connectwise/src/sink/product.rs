//! Products of the catalogue, made once each and found again by their identifier.

use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{MadeRecord, Receipt, Verdict, WriteError};
use tallyline_core::{ErrorKind, Result};

use super::ConnectWiseSink;
use super::make::conflict;
use super::map;
use super::write::{Written, refusal, unclear};
use crate::client::ListOptions;
use crate::conditions::Field;
use crate::models::{CatalogItem, NewCatalogItem, ProductClass, RecordRef};

/// The longest identifier and description that the system takes.
const LONGEST_IDENTIFIER: usize = 75;
const LONGEST_DESCRIPTION: usize = 60;

/// More products of one identifier than this are not looked through.
const MOST: usize = 1_000;

/// What products are created with: ids of the setup tables of procurement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProductSetup {
    /// The subcategory. The system asks for it.
    pub subcategory: i64,
    /// The product type. The system asks for it.
    pub product_type: i64,
    /// The category; the subcategory's own where it is not given.
    pub category: Option<i64>,
    /// The class. A Bundle cannot be an addition.
    pub class: ProductClass,
}

impl ProductSetup {
    /// Products of class Agreement, in a subcategory and of a type.
    #[must_use]
    pub fn new(subcategory: i64, product_type: i64) -> Self {
        Self {
            subcategory,
            product_type,
            category: None,
            class: ProductClass::Agreement,
        }
    }
}

/// Creates the product that a change asks for, unless it is there.
pub(super) async fn execute(sink: &ConnectWiseSink, change: &Change) -> Written {
    let wanted = Wanted::of(change).map_err(WriteError::NotSent)?;
    let setup = sink.0.product_setup.as_ref();
    let setup = setup.ok_or_else(|| {
        WriteError::NotSent(refusal(
            ErrorKind::Unsupported,
            "this sink is not set up to create products: name their subcategory and type",
        ))
    })?;
    let found = sink.find_product(wanted.identifier).await;
    if let Some(found) = found.map_err(WriteError::NotSent)? {
        return match wanted.compare(&found) {
            Ok(Verdict::Made { record, .. }) => Ok(Receipt::made(record)),
            Ok(Verdict::Conflict { detail, .. }) => {
                Err(WriteError::NotSent(refusal(ErrorKind::Conflict, detail)))
            }
            Ok(_) => Err(WriteError::NotSent(refusal(
                ErrorKind::Unexpected,
                "what was found is neither as wanted nor otherwise",
            ))),
            Err(error) => Err(WriteError::NotSent(error)),
        };
    }
    let written = sink.client().post_catalog_item(&wanted.body(setup)).await?;
    let id = written.record.ok().and_then(|answer| answer.id);
    let id = id.ok_or_else(|| unclear("the answer does not name the product that was created"))?;
    let mut receipt = Receipt::made(MadeRecord::Product(id.to_string().into()));
    receipt.request_id = written.request_id;
    Ok(receipt)
}

/// Reads back whether the product is there.
pub(super) async fn verify(sink: &ConnectWiseSink, change: &Change) -> Result<Verdict> {
    let wanted = Wanted::of(change)?;
    match sink.find_product(wanted.identifier).await {
        Ok(Some(found)) => wanted.compare(&found),
        Ok(None) => Ok(Verdict::NotLanded),
        // Several have the identifier: a person has to leave it on one.
        Err(error) if error.kind() == ErrorKind::Conflict && error.http().is_none() => {
            Ok(conflict(error.message()))
        }
        Err(error) => Err(error),
    }
}

/// The product that a change is to create.
struct Wanted<'a> {
    identifier: &'a str,
    name: &'a str,
}

impl<'a> Wanted<'a> {
    fn of(change: &'a Change) -> Result<Self> {
        let Action::CreateProduct {
            identifier, name, ..
        } = &change.action
        else {
            let what = format!("this sink cannot {}", change.action);
            return Err(refusal(ErrorKind::Unsupported, what));
        };
        let length = identifier.chars().count();
        if length == 0 || length > LONGEST_IDENTIFIER {
            return Err(refusal(
                ErrorKind::Invalid,
                format!(
                    "an identifier has 1 to {LONGEST_IDENTIFIER} characters, and {identifier:?} \
                     has {length}"
                ),
            ));
        }
        Ok(Self { identifier, name })
    }

    fn body(&self, setup: &ProductSetup) -> NewCatalogItem {
        NewCatalogItem {
            identifier: self.identifier.to_owned(),
            description: self.name.chars().take(LONGEST_DESCRIPTION).collect(),
            customer_description: self.name.to_owned(),
            subcategory: RecordRef::by_id(setup.subcategory),
            r#type: RecordRef::by_id(setup.product_type),
            category: setup.category.map(RecordRef::by_id),
            product_class: Some(setup.class.clone()),
        }
    }

    /// Whether a product may be the one that was to be created; its names and prices are people's.
    fn compare(&self, found: &CatalogItem) -> Result<Verdict> {
        let product = map::product(found)?;
        let reasons = product.eligibility.reasons();
        if !reasons.is_empty() {
            return Ok(conflict(format!(
                "product {} has the identifier {} and may not be used: {}",
                product.id,
                self.identifier,
                reasons.join(" ")
            )));
        }
        Ok(Verdict::Made {
            detail: format!("product {} is {}", product.id, self.identifier),
            record: MadeRecord::Product(product.id),
        })
    }
}

impl ConnectWiseSink {
    /// The product of an identifier, whatever the case of its letters; an inactive one only where no other
    /// has it.
    ///
    /// `GET /procurement/catalog`; needs *Procurement / Product Catalog: Inquire*.
    ///
    /// # Errors
    /// `Conflict` when several have it, naming them; and the errors of any read: a look-up that failed does
    /// not mean that there is none.
    pub async fn find_product(&self, identifier: &str) -> Result<Option<CatalogItem>> {
        let options = ListOptions::matching(Field::IDENTIFIER.equals(identifier));
        let mut found = self
            .client()
            .catalog(&options)
            .try_collect_all(MOST)
            .await?;
        found.retain(|item| {
            let own = item.identifier.as_deref();
            own.is_some_and(|own| own.trim().eq_ignore_ascii_case(identifier))
        });
        // A row may come twice when the list moves between two pages.
        let mut seen = std::collections::HashSet::new();
        found.retain(|item| item.id.is_none_or(|id| seen.insert(id)));
        let inactive = |item: &CatalogItem| item.inactive_flag == Some(true);
        if found.iter().any(|item| !inactive(item)) {
            found.retain(|item| !inactive(item));
        }
        if found.len() < 2 {
            return Ok(found.pop());
        }
        let ids: Vec<String> = found
            .iter()
            .map(|item| item.id.map_or_else(|| "?".to_owned(), |id| id.to_string()))
            .collect();
        Err(refusal(
            ErrorKind::Conflict,
            format!(
                "products {} all have the identifier {identifier}: a person has to leave it on one",
                ids.join(", ")
            ),
        ))
    }
}
