//! The operations: each a POST with a JSON object, by its exact name.

use super::body::Body;
use super::fault::{Fault, fault};
use super::records::{Account, AccountKind, Subscription};
use super::state::DandhState;
use super::{PATH, auth, catalog, invoices, reports, wire};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

type Handled = Result<SimAnswer, SimAnswer>;

/// Answers one request.
pub(super) fn handle(state: &mut DandhState, request: &SimRequest) -> SimAnswer {
    route(state, request).unwrap_or_else(|refusal| refusal)
}

fn route(state: &mut DandhState, request: &SimRequest) -> Handled {
    let operation = request
        .path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(PATH))
        .and_then(|path| path.strip_prefix('/'))
        // One slash joins base and name; a second one makes another, empty name.
        .filter(|operation| !operation.is_empty() && !operation.contains('/'));
    let Some(operation) = operation else {
        return Err(fault(404, "Endpoint not found."));
    };
    if request.method != "POST" {
        return Err(fault(405, "Method not allowed.").header("allow", "POST"));
    }
    if operation == "GetSessionToken" {
        return auth::sign_in(state, &Body::read(request)?);
    }
    let session = auth::admit(state, request)?;
    let body = Body::read(request)?;
    auth::permit(state, operation)?;
    let found = match operation {
        "PingPong" => return Ok(nothing(state)),
        "TerminateSessionToken" => {
            auth::sign_out(state, &session);
            return Ok(nothing(state));
        }
        "GetCompany" => one_account(state, &body, AccountKind::Company),
        "GetReseller" => one_account(state, &body, AccountKind::Reseller),
        "GetCompanies" => children(state, &body, AccountKind::Company),
        "GetResellers" => children(state, &body, AccountKind::Reseller),
        "GetDepartments" => departments(state, &body),
        "GetCompanyByVatId" => by_vat_id(state, &body),
        "GetSubscriptions" => subscriptions(state, &body),
        "GetSubscription" => subscription(state, &body, false),
        "GetSubscriptionWithAddons" => subscription(state, &body, true),
        "GetSubscriptionDependencies" => dependencies(state, &body),
        "GetPreviewInvoices" => invoices::preview(state, &body),
        "GetLatestInvoices" => invoices::latest(state, &body),
        "GetLatestInvoicesForPeriod" => invoices::of_period(state, &body),
        "GetMarketplaces" => Ok(catalog::marketplaces(state)),
        "ListMarketplaceServices" => catalog::services(state, &body),
        "GetPossibleServicesForParent" => catalog::possible(state, &body),
        "GetMarketplaceServiceCharges" => catalog::charges(state, &body),
        "GetServiceInformation" => catalog::information(state, &body),
        "GetFieldsForService" => catalog::fields(state, &body),
        "GetReports" => Ok(reports::list()),
        "ExecuteReport" => reports::execute(state, &body),
        "GetInvoiceAggregationReport" if state.options.newer_operations => {
            reports::aggregation(state, &body)
        }
        "GetAllProductAccountsWithFieldsReport" if state.options.newer_operations => {
            reports::product_accounts(state, &body)
        }
        _ => Err(fault(404, "Endpoint not found.")),
    };
    Ok(SimAnswer::json(200, &found?))
}

/// The answer of an operation that returns nothing.
fn nothing(state: &DandhState) -> SimAnswer {
    if state.options.nothing_as_null {
        SimAnswer::json(200, &Json::Null)
    } else {
        SimAnswer::empty(200)
    }
}

/// An account that the user can see.
fn visible(state: &DandhState, id: i64) -> Result<&Account, SimAnswer> {
    let found = state.accounts.get(&id);
    found
        .filter(|account| state.is_below(account.id, state.reseller_id))
        .ok_or_else(|| incident("The account was not found."))
}

/// A failure that the platform gives a number to.
fn incident(text: &str) -> SimAnswer {
    let numbered = Fault {
        issue_token: Some("5f3c0000-0000-4000-8000-00000000beef"),
        ..Fault::new(text)
    };
    numbered.answer(500)
}

fn one_account(state: &DandhState, body: &Body, kind: AccountKind) -> Result<Json, SimAnswer> {
    let id = body.integer("accountId")?;
    let account = visible(state, id.unwrap_or(state.reseller_id))?;
    // The caller's own one is a reseller, and is given as a company as well.
    if account.kind != kind && account.id != state.reseller_id {
        return Err(incident("The account was not found."));
    }
    let json = wire::company(account);
    Ok(if state.options.company_as_list {
        Json::Array(vec![json])
    } else {
        json
    })
}

fn below(state: &DandhState, parent: i64, kind: AccountKind) -> impl Iterator<Item = &Account> {
    state
        .accounts
        .values()
        .filter(move |account| account.parent_id == parent && account.kind == kind)
}

/// The first level below a provider; below the caller's own without the parameter.
fn children(state: &DandhState, body: &Body, kind: AccountKind) -> Result<Json, SimAnswer> {
    let parent = body
        .integer("parentAccountId")?
        .unwrap_or(state.reseller_id);
    if visible(state, parent)?.kind != AccountKind::Reseller {
        return Err(incident("The account is not a valid parent."));
    }
    let found = below(state, parent, kind);
    Ok(Json::Array(found.map(wire::company).collect()))
}

fn departments(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    let parent = visible(state, body.needed_integer("parentAccountId")?)?.id;
    let found = below(state, parent, AccountKind::Department);
    Ok(Json::Array(found.map(wire::department).collect()))
}

fn by_vat_id(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    let vat_id = body.needed_text("vatId")?;
    let found = state.accounts.values().filter(|account| {
        account.kind == AccountKind::Company
            && account.vat_id == vat_id
            && state.is_below(account.id, state.reseller_id)
    });
    Ok(Json::Array(found.map(wire::company).collect()))
}

fn subscriptions(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    let parent = body.needed_integer("parentAccountId")?;
    let context = invoices::context(state, body)?;
    let without_users = body.flag("excludeUserLevel")?;
    if visible(state, parent).is_err() || state.failing_accounts.contains(&parent) {
        return Err(incident("The account is not a valid parent."));
    }
    let now = state.clock.now();
    let own = state.subscriptions.values().filter(|own| {
        own.company_id == parent
            && own.made() <= now
            && (state.options.list_terminated || !own.is_terminated(now))
            && !(without_users && own.parent_type == "User")
    });
    let own = own.map(|own| wire::subscription(state, own, context, false));
    Ok(Json::Array(own.collect()))
}

fn found_subscription<'a>(
    state: &'a DandhState,
    body: &Body,
) -> Result<&'a Subscription, SimAnswer> {
    let id = body.needed_integer("accountId")?;
    let found = state.subscriptions.get(&id);
    found
        .filter(|own| state.is_below(own.company_id, state.reseller_id))
        .ok_or_else(|| incident("The subscription was not found."))
}

fn subscription(state: &DandhState, body: &Body, with_addons: bool) -> Result<Json, SimAnswer> {
    let context = invoices::context(state, body)?;
    let own = found_subscription(state, body)?;
    Ok(wire::subscription(state, own, context, with_addons))
}

fn dependencies(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    let context = invoices::context(state, body)?;
    let own = found_subscription(state, body)?;
    let others = state
        .subscriptions
        .values()
        .filter(|other| other.dependency == Some(own.id))
        .map(|other| wire::subscription(state, other, context, false));
    Ok(Json::Array(others.collect()))
}
