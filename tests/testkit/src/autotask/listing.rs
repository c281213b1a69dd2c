//! Answers to queries: rows in ascending order of ids, pages, counts, single records.

use url::Url;

use super::error::{errors, malformed};
use super::filter::Query;
use super::records::Record;
use super::schema::{Entity, Kind};
use super::state::AutotaskState;
use super::wire;
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// The rows of an entity that this user sees, in ascending order of ids.
pub(super) fn rows(state: &AutotaskState, entity: Entity, query: &Query) -> Vec<Json> {
    if state.rights.unseen.contains(&entity) {
        return Vec::new();
    }
    let contracts = query.restricted("contractID");
    let rows: Vec<Json> = if entity == Entity::ContractServiceUnits {
        let lines = query.restricted("contractServiceID");
        let units = state.units.values().filter(|row| {
            lines
                .as_ref()
                .is_none_or(|ids| ids.contains(&row.contract_service_id))
                && contracts
                    .as_ref()
                    .is_none_or(|ids| ids.contains(&row.contract_id))
        });
        units.map(|row| wire::unit(state, row)).collect()
    } else {
        let asked = |record: &&Record| {
            let contract = record.integer("contractID");
            let (Some(ids), Some(contract)) = (&contracts, contract) else {
                return true;
            };
            ids.contains(&contract)
        };
        let records = state.list(entity).filter(asked);
        records
            .map(|record| wire::record(state, entity, record))
            .collect()
    };
    rows.into_iter()
        .filter(|row| visible(state, entity, row) && query.matches(state, row))
        .map(|row| view(state, entity, row))
        .collect()
}

/// Whether the user's companies include the one that a row belongs to.
fn visible(state: &AutotaskState, entity: Entity, row: &Json) -> bool {
    let Some(companies) = &state.rights.companies else {
        return true;
    };
    let own = |name: &str| row.get(name).and_then(Json::integer);
    let company = match entity {
        Entity::Companies => own("id"),
        _ => own("companyID").or_else(|| {
            let contract = state.record(Entity::Contracts, own("contractID")?)?;
            contract.integer("companyID")
        }),
    };
    company.is_none_or(|id| companies.contains(&id))
}

/// A row as this user gets it.
fn view(state: &AutotaskState, entity: Entity, row: Json) -> Json {
    let Json::Object(mut members) = row else {
        return row;
    };
    for (name, value) in &mut members {
        let Some(field) = entity.field(name) else {
            continue;
        };
        if field.cost && !state.rights.costs {
            *value = Json::Null;
        }
        if let (Kind::Day | Kind::Moment, true, Json::Text(text)) =
            (field.kind, state.options.dates_end_in_z, value)
        {
            text.push('Z');
        }
    }
    Json::Object(members)
}

fn id_of(row: &Json) -> i64 {
    row.get("id").and_then(Json::integer).unwrap_or(i64::MAX)
}

/// Where a page begins.
#[derive(Clone, Copy, Debug)]
enum Place {
    From(i64),
    Before(i64),
}

/// What the `paging` parameter of an address says.
fn place(request: &SimRequest) -> Result<Option<(Place, usize)>, SimAnswer> {
    let Some(text) = request.query("paging") else {
        return Ok(None);
    };
    let bad = || malformed("The paging information is not valid.");
    let json = Json::parse(text).map_err(|_| bad())?;
    let size = json.get("pageSize").and_then(Json::integer);
    let size = size
        .and_then(|size| usize::try_from(size).ok())
        .ok_or_else(bad)?;
    let first = |name: &str| json.get(name)?.items()?.first()?.integer();
    let place = match (first("nextIds"), first("previousIds")) {
        (Some(next), _) => Place::From(next),
        (None, Some(previous)) => Place::Before(previous),
        (None, None) => return Err(bad()),
    };
    Ok(Some((place, size)))
}

/// `.../query`, or the list of a parent's children.
pub(super) fn page(
    state: &AutotaskState,
    request: &SimRequest,
    entity: Entity,
    query: &Query,
    keep: impl Fn(&Json) -> bool,
) -> Result<SimAnswer, SimAnswer> {
    let place = place(request)?;
    let mut rows = rows(state, entity, query);
    rows.retain(keep);
    let size = place.map_or(query.rows, |(_, size)| size).max(1);
    let begin = match place {
        None => 0,
        Some((Place::From(id), _)) => rows.partition_point(|row| id_of(row) < id),
        Some((Place::Before(id), _)) => rows
            .partition_point(|row| id_of(row) < id)
            .saturating_sub(size),
    };
    let end = begin.saturating_add(size).min(rows.len());
    let address =
        |next: Option<i64>, previous: Option<i64>| page_url(state, request, size, next, previous);
    let before = rows.get(begin).filter(|_| begin > 0).map(id_of);
    let after = if state.options.endless_pages {
        rows.get(begin).map(id_of)
    } else {
        rows.get(end).map(id_of)
    };
    let shown: Vec<Json> = rows
        .get(begin..end)
        .unwrap_or(&[])
        .iter()
        .map(|row| project(query, row))
        .collect();
    let count = i64::try_from(shown.len()).unwrap_or(i64::MAX);
    let details = Json::object()
        .with("count", count)
        .with("requestCount", i64::try_from(size).unwrap_or(i64::MAX))
        .with("prevPageUrl", before.map(|id| address(None, Some(id))))
        .with("nextPageUrl", after.map(|id| address(Some(id), None)));
    let body = Json::object()
        .with("items", Json::Array(without_empty_udfs(state, shown)))
        .with("pageDetails", details);
    Ok(SimAnswer::json(200, &body))
}

fn page_url(
    state: &AutotaskState,
    request: &SimRequest,
    size: usize,
    next: Option<i64>,
    previous: Option<i64>,
) -> String {
    let ids = |id: Option<i64>| Json::Array(id.into_iter().map(Json::from).collect());
    let paging = Json::object()
        .with("pageSize", i64::try_from(size).unwrap_or(i64::MAX))
        .with("previousIds", ids(previous))
        .with("nextIds", ids(next));
    let base = match &state.options.page_base {
        Some(base) => base.trim_end_matches('/').to_owned(),
        None => format!("http://{}", request.header("host").unwrap_or("127.0.0.1")),
    };
    let address = format!("{base}{}", request.path);
    match Url::parse(&address) {
        Ok(mut url) => {
            url.query_pairs_mut()
                .append_pair("paging", &paging.to_string());
            if let Some(search) = request.query("search") {
                url.query_pairs_mut().append_pair("search", search);
            }
            url.into()
        }
        Err(_) => address,
    }
}

/// Only the fields asked for; user-defined fields are emptied when they were not.
fn project(query: &Query, row: &Json) -> Json {
    let Some((fields, udfs)) = &query.include else {
        return row.clone();
    };
    let members = row.members().unwrap_or(&[]).iter();
    let kept = members.filter_map(|(name, value)| {
        if name == "userDefinedFields" {
            let shown = if *udfs {
                value.clone()
            } else {
                Json::Array(Vec::new())
            };
            return Some((name.clone(), shown));
        }
        fields
            .iter()
            .any(|field| field.name == name)
            .then(|| (name.clone(), value.clone()))
    });
    Json::Object(kept.collect())
}

fn without_empty_udfs(state: &AutotaskState, rows: Vec<Json>) -> Vec<Json> {
    let filled = |row: &Json| {
        let udfs = row.get("userDefinedFields").and_then(Json::items);
        udfs.unwrap_or(&[])
            .iter()
            .any(|udf| udf.get("value").is_some_and(|value| !value.is_null()))
    };
    if !state.options.omit_empty_udfs || rows.iter().any(filled) {
        return rows;
    }
    let strip = |row| match row {
        Json::Object(mut members) => {
            members.retain(|(name, _)| name != "userDefinedFields");
            Json::Object(members)
        }
        other => other,
    };
    rows.into_iter().map(strip).collect()
}

/// `.../query/count`.
pub(super) fn count(state: &AutotaskState, entity: Entity, query: &Query) -> SimAnswer {
    let rows = rows(state, entity, query).len();
    let count = i64::try_from(rows).unwrap_or(i64::MAX);
    SimAnswer::json(200, &Json::object().with("queryCount", count))
}

/// `.../{id}`.
pub(super) fn item(
    state: &AutotaskState,
    entity: Entity,
    id: i64,
    keep: impl Fn(&Json) -> bool,
) -> SimAnswer {
    let found = if state.rights.unseen.contains(&entity) {
        None
    } else if entity == Entity::ContractServiceUnits {
        state.units.get(&id).map(|row| wire::unit(state, row))
    } else {
        state
            .record(entity, id)
            .map(|record| wire::record(state, entity, record))
    };
    let found = found.filter(|row| visible(state, entity, row) && keep(row));
    match found {
        Some(row) => SimAnswer::json(200, &Json::object().with("item", view(state, entity, row))),
        None if state.options.missing_item_is_null => {
            SimAnswer::json(200, &Json::object().with("item", Json::Null))
        }
        None => errors(
            404,
            &[format!("{} {id} could not be found.", entity.singular())],
        ),
    }
}
