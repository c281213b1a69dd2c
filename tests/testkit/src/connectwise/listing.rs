//! Lists: filtering, ordering, paging in both styles, projection.

use std::cmp::Ordering;

use url::form_urlencoded;

use super::conditions::{self, Scope, value_at};
use super::error::{bad_condition, error, unrecognized};
use super::schema::{CUSTOM_FIELD, Entity, Kind, Resolved};
use super::state::Options;
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

const DEFAULT_PAGE: usize = 25;
const MAX_PAGE: usize = 1000;

fn given<'a>(request: &'a SimRequest, name: &str) -> Option<&'a str> {
    // Parameter names are not case-sensitive.
    request
        .query
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

fn filter(request: &SimRequest, entity: &Entity, rows: &mut Vec<Json>) -> Result<(), SimAnswer> {
    let refuse = |message: String| bad_condition(&message);
    if let Some(text) = given(request, "conditions").filter(|text| !text.trim().is_empty()) {
        let expr = conditions::parse(text, entity, Scope::Own).map_err(refuse)?;
        rows.retain(|row| expr.matches(row));
    }
    if let Some(text) = given(request, "childConditions").filter(|text| !text.trim().is_empty()) {
        let expr = conditions::parse(text, entity, Scope::Child).map_err(refuse)?;
        rows.retain(|row| expr.matches(row));
    }
    if let Some(text) =
        given(request, "customFieldConditions").filter(|text| !text.trim().is_empty())
    {
        if !entity.has_custom_fields() {
            return Err(bad_condition(&format!(
                "{} has no custom fields.",
                entity.name
            )));
        }
        let expr = conditions::parse(text, &CUSTOM_FIELD, Scope::CustomField).map_err(refuse)?;
        rows.retain(|row| {
            let fields = row.get("customFields").and_then(Json::items).unwrap_or(&[]);
            fields.iter().any(|field| expr.matches(field))
        });
    }
    Ok(())
}

/// `GET .../count`.
pub(super) fn count(
    request: &SimRequest,
    entity: &Entity,
    mut rows: Vec<Json>,
) -> Result<SimAnswer, SimAnswer> {
    filter(request, entity, &mut rows)?;
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    Ok(SimAnswer::json(200, &Json::object().with("count", count)))
}

/// `GET .../{id}`, projected.
pub(super) fn single(
    request: &SimRequest,
    entity: &Entity,
    row: &Json,
) -> Result<SimAnswer, SimAnswer> {
    let fields = fields(request, entity)?;
    Ok(SimAnswer::json(200, &project(row, fields.as_deref())))
}

/// `GET` of a list; the rows come sorted by id.
pub(super) fn list(
    options: &Options,
    path: &str,
    request: &SimRequest,
    entity: &Entity,
    mut rows: Vec<Json>,
) -> Result<SimAnswer, SimAnswer> {
    filter(request, entity, &mut rows)?;
    if options.empty_lists {
        rows.clear();
    }
    let fields = fields(request, entity)?;
    let size = positive(request, "pageSize")?
        .unwrap_or(DEFAULT_PAGE)
        .min(MAX_PAGE);
    let forward = options.forward_only
        && request
            .header("pagination-type")
            .is_some_and(|value| value.eq_ignore_ascii_case("forward-only"));
    let (page, links) = if forward {
        forward_page(request, rows, size)?
    } else {
        if let Some(order) = given(request, "orderBy").filter(|text| !text.trim().is_empty()) {
            sort(&mut rows, order, entity)?;
        }
        numbered_page(request, rows, size)?
    };
    let body = Json::Array(
        page.iter()
            .map(|row| project(row, fields.as_deref()))
            .collect(),
    );
    let mut answer = SimAnswer::json(200, &body);
    let links: Vec<String> = links
        .into_iter()
        .map(|link| link.render(options, path, request, size))
        .collect();
    if !links.is_empty() {
        answer = answer.header("link", links.join(", "));
    } else if forward && options.empty_last_link {
        answer = answer.header("link", "");
    }
    Ok(if forward {
        answer.header("pagination-type", "forward-only")
    } else {
        answer
    })
}

fn whole(request: &SimRequest, name: &str) -> Result<Option<i64>, SimAnswer> {
    match given(request, name) {
        None | Some("") => Ok(None),
        Some(text) => match text.parse::<i32>() {
            Ok(number) => Ok(Some(i64::from(number))),
            Err(_) => Err(error(
                400,
                "ConnectWiseApi",
                &format!("The value '{text}' is not valid for {name}."),
            )),
        },
    }
}

fn positive(request: &SimRequest, name: &str) -> Result<Option<usize>, SimAnswer> {
    match whole(request, name)? {
        None => Ok(None),
        Some(number) => match usize::try_from(number) {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(error(
                400,
                "ConnectWiseApi",
                &format!("The {name} must be greater than zero."),
            )),
        },
    }
}

/// One entry of a `Link` header.
struct Link {
    rel: &'static str,
    parameter: &'static str,
    value: i64,
}

impl Link {
    fn new(rel: &'static str, parameter: &'static str, value: impl TryInto<i64>) -> Self {
        Self {
            rel,
            parameter,
            value: value.try_into().unwrap_or(i64::MAX),
        }
    }

    /// The address keeps the other parameters but stands on another host, another codebase, and has a double slash.
    fn render(&self, options: &Options, path: &str, request: &SimRequest, size: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &request.query {
            if !["page", "pageid", "pagesize"].contains(&name.to_ascii_lowercase().as_str()) {
                query.append_pair(name, value);
            }
        }
        query
            .append_pair("pageSize", &size.to_string())
            .append_pair(self.parameter, &self.value.to_string());
        format!(
            "<{}/{path}?{}>; rel=\"{}\"",
            options.link_base,
            query.finish(),
            self.rel
        )
    }
}

type Page = (Vec<Json>, Vec<Link>);

fn numbered_page(request: &SimRequest, rows: Vec<Json>, size: usize) -> Result<Page, SimAnswer> {
    let page = positive(request, "page")?.unwrap_or(1);
    let last = rows.len().div_ceil(size).max(1);
    let mut links = Vec::new();
    if page < last {
        links.push(Link::new("next", "page", page + 1));
        links.push(Link::new("last", "page", last));
    }
    if page > 1 {
        links.push(Link::new("prev", "page", page - 1));
        links.push(Link::new("first", "page", 1));
    }
    Ok((
        rows.into_iter()
            .skip((page - 1).saturating_mul(size))
            .take(size)
            .collect(),
        links,
    ))
}

fn id_of(row: &Json) -> i64 {
    row.get("id").and_then(Json::integer).unwrap_or(0)
}

fn forward_page(request: &SimRequest, mut rows: Vec<Json>, size: usize) -> Result<Page, SimAnswer> {
    if given(request, "orderBy").is_some_and(|text| !text.trim().is_empty()) {
        return Err(error(
            400,
            "ConnectWiseApi",
            "orderBy is not allowed with forward-only pagination.",
        ));
    }
    if let Some(after) = whole(request, "pageId")? {
        rows.retain(|row| id_of(row) > after);
    }
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|row| Link::new("next", "pageId", id_of(row)));
    Ok((rows, next.into_iter().collect()))
}

fn sort(rows: &mut [Json], order: &str, entity: &Entity) -> Result<(), SimAnswer> {
    let mut keys: Vec<(Resolved, bool)> = Vec::new();
    for part in order.split(',') {
        let mut words = part.split_whitespace();
        let name = words.next().unwrap_or("");
        let resolved = entity.resolve(name).filter(|key| {
            !matches!(
                key.kind,
                Kind::Reference(_) | Kind::Children(_) | Kind::CustomFields | Kind::Info
            )
        });
        let resolved = resolved.ok_or_else(|| unrecognized(name))?;
        let down = match words.next().map(str::to_ascii_lowercase).as_deref() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(other) => {
                return Err(bad_condition(&format!(
                    "{other} is not a recognized order."
                )));
            }
        };
        keys.push((resolved, down));
    }
    rows.sort_by(|a, b| {
        keys.iter().fold(Ordering::Equal, |so_far, (key, down)| {
            so_far.then_with(|| {
                let ordering = compare(value_at(a, &key.path), value_at(b, &key.path));
                if *down { ordering.reverse() } else { ordering }
            })
        })
    });
    Ok(())
}

fn compare(a: Option<&Json>, b: Option<&Json>) -> Ordering {
    match (a, b) {
        (Some(Json::Number(_)), Some(Json::Number(_))) => {
            a.and_then(Json::decimal).cmp(&b.and_then(Json::decimal))
        }
        (Some(Json::Text(a)), Some(Json::Text(b))) => a.to_lowercase().cmp(&b.to_lowercase()),
        (Some(Json::Bool(a)), Some(Json::Bool(b))) => a.cmp(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

fn fields(request: &SimRequest, entity: &Entity) -> Result<Option<Vec<Resolved>>, SimAnswer> {
    let Some(text) = given(request, "fields").filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    let names = text.split(',').map(str::trim);
    let resolve = |name: &str| entity.resolve(name).or_else(|| entity.resolve_child(name));
    names
        .map(|name| resolve(name).ok_or_else(|| unrecognized(name)))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// Keeps the named members; `_info` goes unless it is named.
fn project(row: &Json, fields: Option<&[Resolved]>) -> Json {
    let (Some(fields), Some(members)) = (fields, row.members()) else {
        return row.clone();
    };
    let mut out = Json::object();
    for (name, value) in members {
        let wanted: Vec<&Resolved> = fields
            .iter()
            .filter(|field| field.path.first() == Some(&name.as_str()))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let subs: Vec<&str> = wanted
            .iter()
            .filter_map(|field| field.path.get(1).copied())
            .collect();
        let value = if subs.is_empty() || subs.len() < wanted.len() {
            value.clone()
        } else {
            keep(value, &subs)
        };
        out = out.with(name, value);
    }
    out
}

fn keep(value: &Json, names: &[&str]) -> Json {
    match value {
        Json::Object(members) => Json::Object(
            members
                .iter()
                .filter(|(name, _)| names.contains(&name.as_str()))
                .cloned()
                .collect(),
        ),
        Json::Array(items) => Json::Array(items.iter().map(|item| keep(item, names)).collect()),
        other => other.clone(),
    }
}
