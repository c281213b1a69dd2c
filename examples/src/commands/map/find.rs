//! `map find`: what the ids of a decision are.

use serde::Serialize;
use tallyline_core::Result;
use tallyline_core::mapping::{
    Found, search_accounts, search_companies, search_products, search_services,
};
use tallyline_core::model::{Company, Eligibility, Product, Service, VendorAccount};

use super::{Context, Desk};
use crate::commands::list::{account_words, service_words};
use crate::outcome::Outcome;
use crate::output::{record_table, safe};

/// How many records of one sort are shown; a program gets all.
const SHOWN: usize = 20;

#[derive(Serialize)]
struct Hit {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<String>,
    found_by: &'static str,
    whole: bool,
    remarks: String,
}

impl Hit {
    fn new<T>(found: &Found<'_, T>, id: impl ToString, name: &str, remarks: String) -> Self {
        Self {
            id: id.to_string(),
            name: name.to_owned(),
            identifier: None,
            found_by: found.by.as_str(),
            whole: found.whole,
            remarks,
        }
    }

    fn known_as(mut self, identifier: Option<&str>) -> Self {
        self.identifier = identifier.map(str::to_owned);
        self
    }
}

/// Shows what holds the text.
pub(super) async fn run(context: &Context, text: &str) -> Result<Outcome> {
    let desk = Desk::open(context).await?;
    let lists = &desk.lists;
    let products: Vec<Hit> = search_products(&lists.products, text)
        .iter()
        .map(|found| product(found))
        .collect();
    let companies: Vec<Hit> = search_companies(&lists.companies, text)
        .iter()
        .map(|found| company(found))
        .collect();
    let services: Vec<Hit> = search_services(&lists.services, text)
        .iter()
        .map(|found: &Found<'_, Service>| {
            let decided = service_words(&desk.mapping, &found.record.key);
            Hit::new(found, &found.record.key, &found.record.name, decided)
        })
        .collect();
    let accounts: Vec<Hit> = search_accounts(&lists.accounts, text)
        .iter()
        .map(|found: &Found<'_, VendorAccount>| {
            let decided = account_words(&desk.mapping, &found.record.id);
            Hit::new(found, &found.record.id, &found.record.name, decided)
        })
        .collect();
    let groups = [
        ("product", products),
        ("company", companies),
        ("service", services),
        ("account", accounts),
    ];
    let document = serde_json::json!({
        "products": groups[0].1,
        "companies": groups[1].1,
        "services": groups[2].1,
        "accounts": groups[3].1,
    });
    context.out.print(&document, || words(&groups))?;
    Ok(Outcome::Done)
}

fn product(found: &Found<'_, Product>) -> Hit {
    let product = found.record;
    let remarks = remarks(&product.eligibility);
    Hit::new(found, &product.id, &product.name, remarks).known_as(Some(&product.identifier))
}

fn company(found: &Found<'_, Company>) -> Hit {
    let company = found.record;
    let remarks = remarks(&company.eligibility);
    Hit::new(found, &company.id, &company.name, remarks).known_as(company.identifier.as_deref())
}

fn remarks(eligibility: &Eligibility) -> String {
    eligibility.reasons().join("; ")
}

fn words(groups: &[(&str, Vec<Hit>)]) -> String {
    let mut out = String::new();
    for (what, hits) in groups.iter().filter(|(_, hits)| !hits.is_empty()) {
        let rows: Vec<[String; 4]> = hits
            .iter()
            .take(SHOWN)
            .map(|hit| {
                let name = match &hit.identifier {
                    Some(identifier) => format!("{identifier}: {}", hit.name),
                    None => hit.name.clone(),
                };
                let by = hit.found_by.to_owned();
                [safe(&hit.id), safe(&name), by, safe(&hit.remarks)]
            })
            .collect();
        let title = match *what {
            "product" => "Product of the PSA",
            "company" => "Company of the PSA",
            "service" => "Service of the vendor",
            _ => "Account of the vendor",
        };
        out.push_str(&record_table([title, "Name", "Found by", "Remarks"], &rows));
        if hits.len() > SHOWN {
            out.push_str(&format!(" ... and {} more\n", hits.len() - SHOWN));
        }
        out.push('\n');
    }
    if out.is_empty() {
        return "nothing holds this text".to_owned();
    }
    out
}
