//! Decisions that a person makes, each checked against what both sides list before it is kept.

use tallyline_core::mapping::{
    AccountSuggestion, Part, ProductRule, Ratio, Rounding, ServiceSuggestion, suggest_accounts,
    suggest_services,
};
use tallyline_core::model::{ChargeKind, ProductId, Quantity};
use tallyline_core::{Error, ErrorKind, Result};

use super::{Context, Desk, keep};
use crate::cli::{AcceptCommand, RoundingArg, SetCommand};
use crate::outcome::Outcome;
use crate::output::count;

/// `map set`.
pub(super) async fn set(context: &Context, command: SetCommand) -> Result<Outcome> {
    let mut desk = Desk::open(context).await?;
    let known = desk.lists.directory();
    let done = match command {
        SetCommand::Account {
            account,
            company,
            agreement,
            per_service: _,
            master,
            metadata_to,
            no_metadata,
            off,
            note,
        } => {
            let linked = format!("account {account} is linked to company {company}");
            let mut done = match (agreement, master) {
                (_, Some(master)) => {
                    let done = format!(
                        "{linked}, each service to a child agreement under agreement {master}"
                    );
                    desk.mapping
                        .link_account_bundled(account.clone(), company, master, &known)?;
                    done
                }
                (Some(agreement), None) => {
                    let done = format!("{linked}, agreement {agreement}");
                    desk.mapping
                        .link_account(account.clone(), company, agreement, &known)?;
                    done
                }
                (None, None) => {
                    desk.mapping
                        .link_account_per_service(account.clone(), company, &known)?;
                    format!("{linked}, each subscription to an agreement of its own")
                }
            };
            if let Some(note_of) = metadata_to {
                done = format!("{done}; its metadata go into the note of agreement {note_of}");
                desk.mapping
                    .set_account_metadata(&account, Some(note_of), &known)?;
            }
            if no_metadata {
                desk.mapping.set_account_metadata(&account, None, &known)?;
            }
            if off {
                desk.mapping.set_account_enabled(&account, false)?;
            }
            if let Some(note) = note {
                desk.mapping.set_account_note(&account, &note)?;
            }
            done
        }
        SetCommand::Service {
            service,
            products,
            units,
            per,
            rounding,
            included,
            minimum,
            parts,
            daily,
            cost_on,
            as_charges,
            charge_prorations,
            off,
            note,
        } => {
            let ratio = units.zip(per).map(|(units, per)| Ratio {
                units,
                per,
                rounding: rounding.into(),
            });
            let figures = ProductRule {
                ratio,
                daily,
                included: included.unwrap_or(Quantity::ZERO),
                minimum,
                ..ProductRule::one_to_one("")
            };
            let rules = rules(products, &parts, &figures, cost_on)?;
            let words: Vec<String> = rules
                .iter()
                .map(|rule| format!("product {} ({rule})", rule.product))
                .collect();
            let done = format!("service {service} is linked to {}", words.join(" and "));
            if as_charges {
                let kind = ChargeKind::Usage;
                desk.mapping
                    .link_service_as_charges(service.clone(), rules, kind, &known)?;
            } else if charge_prorations {
                desk.mapping
                    .link_service_with_prorations(service.clone(), rules, &known)?;
            } else {
                let kind = ChargeKind::Recurring;
                desk.mapping
                    .link_service(service.clone(), rules, kind, &known)?;
            }
            if off {
                desk.mapping.set_service_enabled(&service, false)?;
            }
            if let Some(note) = note {
                desk.mapping.set_service_note(&service, &note)?;
            }
            done
        }
    };
    keep(context, &desk.config, &desk.mapping, &done)
}

/// One rule for each product, with its part where there are parts. Of several products none carries the
/// cost unless it is named; of those that divide the quantity each does.
fn rules(
    products: Vec<ProductId>,
    parts: &[Part],
    figures: &ProductRule,
    cost_on: Option<ProductId>,
) -> Result<Vec<ProductRule>> {
    let wrong = |message: String| Err(Error::new(ErrorKind::Mapping, message));
    if let Some(product) = &cost_on
        && !products.contains(product)
    {
        return wrong(format!(
            "--cost-on names product {product}, which is none of the --product"
        ));
    }
    if !parts.is_empty() && parts.len() != products.len() {
        return wrong(format!(
            "{} and {}: name one part for each product, in their order",
            count(products.len(), "product", "products"),
            count(parts.len(), "part", "parts")
        ));
    }
    let all = products.len() == 1 || !parts.is_empty();
    let mut parts = parts.iter().copied();
    Ok(products
        .into_iter()
        .map(|product| ProductRule {
            carries_cost: cost_on.as_ref().map_or(all, |named| *named == product),
            part: parts.next(),
            product,
            ..figures.clone()
        })
        .collect())
}

impl From<RoundingArg> for Rounding {
    fn from(rounding: RoundingArg) -> Self {
        match rounding {
            RoundingArg::Exact => Self::Exact,
            RoundingArg::Up => Self::Ceil,
            RoundingArg::Down => Self::Floor,
            RoundingArg::Nearest => Self::HalfUp,
        }
    }
}

/// `map accept`.
pub(super) async fn accept(context: &Context, command: AcceptCommand) -> Result<Outcome> {
    let mut desk = Desk::open(context).await?;
    let options = desk.suggest_options().with_limit(50);
    let lists = &desk.lists;
    let known = lists.directory();
    let done = match command {
        AcceptCommand::Account {
            account,
            company,
            agreement,
        } => {
            let all = suggest_accounts(
                &desk.mapping,
                &lists.accounts,
                &lists.companies,
                &lists.agreements,
                &options,
            );
            let mine: Vec<&AccountSuggestion> = all
                .iter()
                .filter(|suggestion| suggestion.account == account)
                .filter(|suggestion| company.as_ref().is_none_or(|id| suggestion.company == *id))
                .collect();
            let companies = mine.iter().map(|suggestion| suggestion.company.clone());
            let mut chosen =
                only(&mine, &format!("account {account}"), "--company", companies)?.clone();
            if let Some(agreement) = agreement {
                chosen = chosen.with_agreement(agreement);
            }
            desk.mapping.accept_account(&chosen, &known)?;
            format!(
                "account {account} is linked to company {}: {}",
                chosen.company, chosen.reason
            )
        }
        AcceptCommand::Service { service, product } => {
            let all = suggest_services(&desk.mapping, &lists.services, &lists.products, &options);
            let mine: Vec<&ServiceSuggestion> = all
                .iter()
                .filter(|suggestion| suggestion.service == service)
                .filter(|suggestion| product.as_ref().is_none_or(|id| suggestion.product == *id))
                .collect();
            let products = mine.iter().map(|suggestion| suggestion.product.clone());
            let chosen = only(&mine, &format!("service {service}"), "--product", products)?;
            desk.mapping.accept_service(chosen, &known)?;
            format!(
                "service {service} is linked to product {}: {}",
                chosen.product, chosen.reason
            )
        }
    };
    keep(context, &desk.config, &desk.mapping, &done)
}

/// The one suggestion; a person names it where there are several.
fn only<'a, T>(
    suggestions: &[&'a T],
    subject: &str,
    option: &str,
    candidates: impl Iterator<Item = impl std::fmt::Display>,
) -> Result<&'a T> {
    let wrong = |message: String| Error::new(ErrorKind::Mapping, message);
    match suggestions {
        [one] => Ok(one),
        [] => Err(wrong(format!(
            "there is no such suggestion for {subject}; see `tallyline map suggest`, or link it \
             with `tallyline map set`"
        ))),
        _ => {
            let candidates: Vec<String> = candidates.map(|id| id.to_string()).collect();
            Err(wrong(format!(
                "there are several suggestions for {subject}; name one with {option}: {}",
                candidates.join(", ")
            )))
        }
    }
}
