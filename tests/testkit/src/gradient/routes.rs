//! The endpoints.

use super::body::{self, Member};
use super::error::{error, exists, invalid, no_map, no_route};
use super::state::{Account, GradientState, ServiceWords};
use super::words::{CATEGORIES, STATUSES, SUBCATEGORIES};
use super::{alerts, auth, wire};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

pub(super) type Handled = Result<SimAnswer, SimAnswer>;

const ACCOUNT: [Member; 3] = [
    Member::text("id").required(),
    Member::text("name").required(),
    Member::text("description"),
];

const ACCOUNT_CHANGE: [Member; 3] = [
    Member::text("id"),
    Member::text("name"),
    Member::text("description"),
];

const VENDOR_CHANGE: [Member; 2] = [Member::text("name"), Member::text("description")];

const SERVICE: [Member; 6] = [
    Member::text("name").required(),
    Member::text("description").required(),
    Member::word("category", &CATEGORIES).required(),
    Member::word("subcategory", &SUBCATEGORIES).required(),
    Member::text("supportArticle"),
    Member::text("supportContact"),
];

const SERVICE_CHANGE: [Member; 6] = [
    Member::text("name"),
    Member::text("description"),
    Member::word("category", &CATEGORIES),
    Member::word("subcategory", &SUBCATEGORIES),
    Member::text("supportArticle"),
    Member::text("supportContact"),
];

const COUNT: [Member; 3] = [
    Member::text("accountId"),
    Member::text("clientOId"),
    Member::number("unitCount").required(),
];

/// Answers one request.
pub(super) fn handle(state: &mut GradientState, request: &SimRequest) -> SimAnswer {
    let before = state.history.handle(request, "vendor".to_owned());
    let answer = route(state, request).unwrap_or_else(|refusal| refusal);
    state.history.resume(before);
    answer
}

fn route(state: &mut GradientState, request: &SimRequest) -> Handled {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ["api", "vendor-api", rest @ ..] = segments.as_slice() else {
        return Err(no_route(&request.method, &request.path));
    };
    auth::admit(state, request)?;
    match (request.method.as_str(), rest) {
        ("GET", []) => Ok(told_vendor(state, "Success - Retrieved Vendor")),
        ("PATCH", []) => update_vendor(state, request),
        ("GET", ["organization"]) => Ok(SimAnswer::json(200, &wire::integration(state))),
        ("PATCH", ["organization", "status", status]) => set_status(state, request, status),
        ("GET", ["organization", "accounts"]) => {
            let accounts = state.accounts.iter().map(wire::account).collect();
            Ok(SimAnswer::json(200, &Json::Array(accounts)))
        }
        ("POST", ["organization", "accounts"]) => create_accounts(state, request),
        ("PATCH", ["organization", "accounts", id]) => update_account(state, request, id),
        ("GET", ["organization", "clients"]) => Ok(clients(state, request)),
        ("POST", ["service"]) => create_service(state, request),
        ("GET", ["service", id]) => {
            let found = state.services.iter().find(|service| service.id == *id);
            let service = found.ok_or_else(|| unknown_service(id))?;
            let data = wire::service(state, service);
            let body = wire::wrapped(200, "Success - Retrieved Service", data);
            Ok(SimAnswer::json(200, &body))
        }
        ("PATCH", ["service", id]) => update_service(state, request, id),
        ("POST", ["service", id, "count"]) => set_count(state, request, id),
        ("POST", ["alerting", account]) => alerts::create(state, request, account),
        ("GET", ["alerting", "debug", message]) => alerts::status(state, message),
        _ => Err(no_route(&request.method, &request.path)),
    }
}

fn unknown_service(id: &str) -> SimAnswer {
    error(404, &format!("No service found with id: {id}"))
}

fn told_vendor(state: &GradientState, message: &str) -> SimAnswer {
    SimAnswer::json(200, &wire::wrapped(200, message, wire::vendor(state)))
}

fn update_vendor(state: &mut GradientState, request: &SimRequest) -> Handled {
    let change = body::changes(request, &VENDOR_CHANGE)?;
    if let Some(name) = body::text(&change, "name") {
        state.vendor_name = name;
    }
    if let Some(description) = body::text(&change, "description") {
        state.vendor_description = description;
    }
    Ok(told_vendor(state, "Success - Updated Vendor"))
}

fn set_status(state: &mut GradientState, request: &SimRequest, status: &str) -> Handled {
    let text = request.body_text();
    if !matches!(text.trim(), "" | "{}") {
        return Err(invalid(vec!["no body is expected".to_owned()]));
    }
    if !STATUSES.contains(&status) {
        let known = STATUSES.join(", ");
        return Err(invalid(vec![format!(
            "status must be one of the following values: {known}"
        )]));
    }
    let told = |status: &str| Some(Json::object().with("status", status));
    let (at, id) = (state.clock.now(), state.integration_id.clone());
    let before = told(&state.status);
    state
        .history
        .remember(at, "integration", (&id, ""), before, told(status));
    state.status = status.to_owned();
    let body = wire::wrapped(
        200,
        "Success - Updated Integration",
        wire::integration(state),
    );
    Ok(SimAnswer::json(200, &body))
}

fn create_accounts(state: &mut GradientState, request: &SimRequest) -> Handled {
    let body = body::json(request)?;
    let Some(items) = body.items() else {
        return Err(invalid(vec!["an array of accounts is expected".to_owned()]));
    };
    let mut accounts: Vec<Account> = Vec::new();
    for item in items {
        let problems = body::problems(item, &ACCOUNT);
        if !problems.is_empty() {
            return Err(invalid(problems));
        }
        let id = body::text(item, "id").unwrap_or_default();
        if id.is_empty() {
            return Err(invalid(vec!["id should not be empty".to_owned()]));
        }
        let mut known = state.accounts.iter().chain(&accounts);
        if known.any(|account| account.id == id) {
            return Err(exists(&id));
        }
        accounts.push(Account {
            id,
            name: body::text(item, "name").unwrap_or_default(),
            description: body::text(item, "description"),
        });
    }
    let made: Vec<Json> = accounts.iter().map(wire::account).collect();
    for account in accounts {
        state.insert_account(account);
    }
    Ok(SimAnswer::json(201, &Json::Array(made)))
}

fn update_account(state: &mut GradientState, request: &SimRequest, id: &str) -> Handled {
    let change = body::object(request, &ACCOUNT_CHANGE)?;
    let new_id = body::text(&change, "id");
    let taken = new_id
        .as_ref()
        .filter(|new| *new != id && state.accounts.iter().any(|account| account.id == **new));
    if let Some(taken) = taken {
        return Err(exists(taken));
    }
    let at = state.clock.now();
    let Some(account) = state.accounts.iter_mut().find(|account| account.id == id) else {
        return Err(no_map(id));
    };
    let before = Some(wire::account(account));
    if let Some(new) = new_id {
        account.id = new;
    }
    if let Some(name) = body::text(&change, "name") {
        account.name = name;
    }
    if let Some(description) = body::text(&change, "description") {
        account.description = Some(description);
    }
    let after = wire::account(account);
    state
        .history
        .remember(at, "account", (id, ""), before, Some(after.clone()));
    Ok(SimAnswer::json(200, &after))
}

fn clients(state: &GradientState, request: &SimRequest) -> SimAnswer {
    let search = request.query("search").unwrap_or_default().to_lowercase();
    let after = request.query("previousId");
    let from = after.and_then(|id| state.clients.iter().position(|client| client.id == id));
    let clients = state.clients.iter().skip(from.map_or(0, |at| at + 1));
    let found = clients.filter(|client| client.name.to_lowercase().contains(&search));
    let told = |client: &super::state::PsaClient| {
        Json::object()
            .with("id", client.id.as_str())
            .with("name", client.name.as_str())
    };
    let body = Json::object()
        .with("meta", Json::object())
        .with("clients", Json::Array(found.map(told).collect()));
    SimAnswer::json(200, &body)
}

fn create_service(state: &mut GradientState, request: &SimRequest) -> Handled {
    let new = body::object(request, &SERVICE)?;
    let text = |name| body::text(&new, name).unwrap_or_default();
    state.insert_service(ServiceWords {
        name: text("name"),
        description: text("description"),
        category: text("category"),
        subcategory: text("subcategory"),
        support_article: body::text(&new, "supportArticle"),
        support_contact: body::text(&new, "supportContact"),
    });
    // The vendor is answered, and not the service.
    Ok(SimAnswer::json(201, &wire::vendor(state)))
}

fn update_service(state: &mut GradientState, request: &SimRequest, id: &str) -> Handled {
    let change = body::object(request, &SERVICE_CHANGE)?;
    let Some(service) = state.services.iter_mut().find(|service| service.id == id) else {
        return Err(unknown_service(id));
    };
    let words = &mut service.words;
    let set = |name: &str, to: &mut String| {
        if let Some(text) = body::text(&change, name) {
            *to = text;
        }
    };
    set("name", &mut words.name);
    set("description", &mut words.description);
    set("category", &mut words.category);
    set("subcategory", &mut words.subcategory);
    words.support_article = body::text(&change, "supportArticle").or(words.support_article.take());
    words.support_contact = body::text(&change, "supportContact").or(words.support_contact.take());
    Ok(SimAnswer::empty(200))
}

/// `POST /service/{serviceId}/count`: sets the count of an account; it is no difference.
fn set_count(state: &mut GradientState, request: &SimRequest, service: &str) -> Handled {
    let build = match request.query("no_build") {
        None | Some("false") => true,
        Some("true") => false,
        Some(_) => {
            return Err(invalid(vec!["no_build must be a boolean value".to_owned()]));
        }
    };
    let count = body::object(request, &COUNT)?;
    let account = body::text(&count, "accountId").or_else(|| body::text(&count, "clientOId"));
    let Some(account) = account else {
        return Err(error(400, "Either accountId or clientOId is required"));
    };
    let Some(units) = count.get("unitCount").and_then(Json::decimal) else {
        return Err(invalid(vec!["unitCount must be a number".to_owned()]));
    };
    if !state.services.iter().any(|known| known.id == service) {
        return Err(unknown_service(service));
    }
    if !state.is_mapped(&account, service) {
        return Err(no_map(&account));
    }
    state.set_count(&account, service, units, build);
    let body = Json::object()
        .with("status", 201_i64)
        .with("message", "Success - Created Billing");
    Ok(SimAnswer::json(201, &body))
}
