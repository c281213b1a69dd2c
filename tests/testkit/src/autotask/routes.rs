//! The endpoints. Letter case of paths does not matter.

use super::auth;
use super::body::Verb;
use super::error::{errors, malformed, refused};
use super::filter::Query;
use super::schema::Entity;
use super::state::AutotaskState;
use super::{listing, metadata, write};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

type Handled = Result<SimAnswer, SimAnswer>;

/// The segments below the API's root, when the path is below it.
fn below(request: &SimRequest) -> Option<Vec<String>> {
    let mut segments = request.segments().into_iter();
    let root = segments.next()?;
    root.eq_ignore_ascii_case("atservicesrest")
        .then(|| segments.collect())
}

fn versioned(segments: &[String]) -> Option<&[String]> {
    let (version, rest) = segments.split_first()?;
    version.eq_ignore_ascii_case("v1.0").then_some(rest)
}

/// The endpoint whose threads a call takes: its entity, that of the child for children. The zone takes none.
pub(super) fn endpoint(request: &SimRequest) -> Option<String> {
    let segments = below(request)?;
    let rest = versioned(&segments)?;
    let first = rest.first()?;
    if first.eq_ignore_ascii_case("zoneinformation") {
        return None;
    }
    let entity = Entity::named(first);
    let child = entity
        .zip(rest.get(2))
        .and_then(|(entity, segment)| Entity::child(entity, segment));
    Some(match child.or(entity) {
        Some(entity) => entity.name().to_owned(),
        None => first.to_ascii_lowercase(),
    })
}

/// Answers one request.
pub(super) fn handle(state: &mut AutotaskState, request: &SimRequest) -> SimAnswer {
    let before = state.history.handle(request, auth::actor(request));
    let answer = route(state, request).unwrap_or_else(|refusal| refusal);
    state.history.resume(before);
    answer
}

fn route(state: &mut AutotaskState, request: &SimRequest) -> Handled {
    let segments = below(request).ok_or_else(no_route)?;
    if let [only] = segments.as_slice()
        && only.eq_ignore_ascii_case("versioninformation")
    {
        auth::admit(state, request)?;
        gets(request)?;
        let versions = vec!["1.0"];
        return Ok(SimAnswer::json(
            200,
            &Json::object().with("apiVersions", versions),
        ));
    }
    let rest = versioned(&segments).ok_or_else(no_route)?;
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    if let [only] = rest.as_slice()
        && only.eq_ignore_ascii_case("zoneinformation")
    {
        gets(request)?;
        return zone(state, request);
    }
    auth::admit(state, request)?;
    if request.header("content-encoding").is_some() {
        return Err(refused("The body could not be decompressed."));
    }
    match rest.as_slice() {
        [only] if only.eq_ignore_ascii_case("thresholdinformation") => {
            gets(request)?;
            Ok(threshold(state))
        }
        [only] if only.eq_ignore_ascii_case("entityinformation") => {
            gets(request)?;
            Ok(metadata::all(state))
        }
        [name, tail @ ..] => {
            let entity = Entity::named(name).ok_or_else(no_route)?;
            flat(state, request, entity, tail)
        }
        [] => Err(no_route()),
    }
}

/// `GET /ZoneInformation`, without credentials.
fn zone(state: &AutotaskState, request: &SimRequest) -> Handled {
    if request.query("user") != Some(state.credentials.user.as_str()) {
        return Err(refused("Zone information could not be determined"));
    }
    let host = request.header("host").unwrap_or("127.0.0.1");
    let own = format!("http://{host}/ATServicesRest/");
    let url = state.options.zone_url.clone().unwrap_or(own);
    let body = Json::object()
        .with("zoneName", "Example Zone")
        .with("url", url)
        .with("webUrl", format!("http://{host}/"))
        .with("ci", 123_456_i64);
    Ok(SimAnswer::json(200, &body))
}

fn threshold(state: &mut AutotaskState) -> SimAnswer {
    let now = state.clock.now();
    let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let body = Json::object()
        .with("externalRequestThreshold", whole(state.threshold.calls))
        .with("requestThresholdTimeframe", state.threshold.minutes)
        .with(
            "currentTimeframeRequestCount",
            whole(state.threshold.used(now)),
        );
    SimAnswer::json(200, &body)
}

/// Below an entity's own path.
fn flat(state: &mut AutotaskState, request: &SimRequest, entity: Entity, tail: &[&str]) -> Handled {
    let method = request.method.as_str();
    if let Some(answer) = about(state, request, entity, tail) {
        return answer;
    }
    match (method, tail) {
        (_, []) => {
            let adjustment = entity == Entity::ContractServiceAdjustments && method == "POST";
            if !entity.is_root() && !adjustment {
                return Err(wrong_verb());
            }
            writes(state, request, entity, None)
        }
        (_, [query]) if query.eq_ignore_ascii_case("query") && entity.can_query() => {
            let query = query_of(state, request, entity)?;
            listing::page(state, request, entity, &query, |_| true)
        }
        (_, [query, count])
            if query.eq_ignore_ascii_case("query")
                && count.eq_ignore_ascii_case("count")
                && entity.can_query() =>
        {
            let query = query_of(state, request, entity)?;
            Ok(listing::count(state, entity, &query))
        }
        (_, [id]) => {
            let id = whole(id)?;
            if !entity.can_query() {
                return Err(no_route());
            }
            gets(request)?;
            Ok(listing::item(state, entity, id, |_| true))
        }
        (_, [parent, segment, tail @ ..]) => {
            let child = Entity::child(entity, segment).ok_or_else(no_route)?;
            below_parent(state, request, (entity, whole(parent)?), child, tail)
        }
    }
}

/// The metadata of an entity, when the path asks for it.
fn about(
    state: &AutotaskState,
    request: &SimRequest,
    entity: Entity,
    tail: &[&str],
) -> Option<Handled> {
    let (first, rest) = tail.split_first()?;
    if !first.eq_ignore_ascii_case("entityinformation") {
        return None;
    }
    let answer = match rest {
        [] => SimAnswer::json(200, &metadata::info(state, entity)),
        [part] if part.eq_ignore_ascii_case("fields") => metadata::fields(state, entity),
        [part] if part.eq_ignore_ascii_case("userdefinedfields") => metadata::udfs(state, entity),
        _ => return Some(Err(no_route())),
    };
    Some(gets(request).map(|()| answer))
}

/// Below a parent's path.
fn below_parent(
    state: &mut AutotaskState,
    request: &SimRequest,
    (parent, parent_id): (Entity, i64),
    child: Entity,
    tail: &[&str],
) -> Handled {
    if let Some(answer) = about(state, request, child, tail) {
        return answer;
    }
    let link = if parent == Entity::Contracts {
        "contractID"
    } else {
        "serviceBundleID"
    };
    let own = |row: &Json| row.get(link).and_then(Json::integer) == Some(parent_id);
    match (request.method.as_str(), tail) {
        ("GET", []) if child.can_query() => {
            listing::page(state, request, child, &Query::everything(), own)
        }
        ("GET", [id]) if child.can_query() => Ok(listing::item(state, child, whole(id)?, own)),
        ("POST" | "PATCH" | "PUT", []) => {
            if state.record(parent, parent_id).is_none() {
                return Err(errors(
                    404,
                    &[format!(
                        "{} {parent_id} could not be found.",
                        parent.singular()
                    )],
                ));
            }
            writes(state, request, child, Some(parent_id))
        }
        ("DELETE", [id]) if child.can_delete() => {
            write::delete(state, child, parent_id, whole(id)?)
        }
        (_, [] | [_]) => Err(wrong_verb()),
        _ => Err(no_route()),
    }
}

fn writes(
    state: &mut AutotaskState,
    request: &SimRequest,
    entity: Entity,
    parent: Option<i64>,
) -> Handled {
    let verb = match request.method.as_str() {
        "POST" if entity != Entity::BillingItems => Verb::Create,
        "PATCH" => Verb::Patch,
        "PUT" => Verb::Put,
        _ => return Err(wrong_verb()),
    };
    if entity == Entity::ContractServiceAdjustments && verb != Verb::Create {
        return Err(wrong_verb());
    }
    // Quantity rows are made by the system alone.
    if entity == Entity::ContractServiceUnits || entity == Entity::ContractServiceBundleUnits {
        return Err(wrong_verb());
    }
    let json = json_body(request)?;
    match verb {
        Verb::Create => write::create(state, entity, parent, &json),
        Verb::Patch | Verb::Put => write::update(state, entity, parent, verb, &json),
    }
}

fn query_of(
    state: &AutotaskState,
    request: &SimRequest,
    entity: Entity,
) -> Result<Query, SimAnswer> {
    let json = match request.method.as_str() {
        "POST" => json_body(request)?,
        "GET" => {
            let search = request
                .query("search")
                .ok_or_else(|| refused("At least one filter is required."))?;
            Json::parse(search).map_err(|_| malformed("The search parameter is not JSON."))?
        }
        _ => return Err(wrong_verb()),
    };
    Query::parse(state, entity, &json)
}

fn json_body(request: &SimRequest) -> Result<Json, SimAnswer> {
    if request.media_type().as_deref() != Some("application/json") {
        return Err(SimAnswer::empty(415));
    }
    Json::parse(&request.body_text()).map_err(|_| malformed("The body is not JSON."))
}

fn gets(request: &SimRequest) -> Result<(), SimAnswer> {
    if request.method == "GET" {
        Ok(())
    } else {
        Err(wrong_verb())
    }
}

fn whole(text: &str) -> Result<i64, SimAnswer> {
    text.parse().map_err(|_| no_route())
}

fn wrong_verb() -> SimAnswer {
    errors(
        405,
        &["The requested resource does not support this http method.".to_owned()],
    )
}

fn no_route() -> SimAnswer {
    errors(404, &["No HTTP resource was found.".to_owned()])
}
