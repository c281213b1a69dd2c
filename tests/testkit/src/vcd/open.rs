//! The lists of OpenAPI.

use super::auth::{accepts, admit};
use super::error::{Refusal, bad};
use super::filter::{Filter, has};
use super::query::{base, once, page, slice};
use super::state::VcdState;
use super::wire::{Known, Writer, told};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

const PARAMETERS: [&str; 5] = ["page", "pageSize", "filter", "sortAsc", "sortDesc"];

/// Answers `GET /cloudapi/1.0.0/orgs` and `edgeGateways`.
pub(super) fn list(
    state: &mut VcdState,
    request: &SimRequest,
    resource: &str,
) -> Result<SimAnswer, Refusal> {
    let version = accepts(state, request, &["application/json"])?;
    let session = admit(state, request, resource)?;
    let (page, size) = page(state, request, &PARAMETERS)?;
    let writer = Writer {
        state,
        base: base(request),
        provider: session.is_provider(),
    };
    let sees = |name: &str| session.is_provider() || name == session.org;
    let records: Vec<Known> = if resource == "orgs" {
        let own = state.orgs.iter().filter(|own| sees(&own.name));
        own.map(|own| (writer.cloud_org(own), None)).collect()
    } else {
        let own = state.edges.iter();
        let own = own.filter(|own| state.org_of(&own.vdc).is_some_and(|org| sees(&org.name)));
        own.map(|own| (writer.cloud_edge(own), (!own.names_org).then_some("orgRef")))
            .collect()
    };
    let filter = match once(request, &PARAMETERS, "filter")? {
        Some(text) => Filter::parse(text)?,
        None => Filter::default(),
    };
    for attribute in filter.attributes() {
        if !records.is_empty() && !records.iter().any(|(own, _)| has(own, attribute)) {
            return Err(bad(format!(
                "The attribute {attribute} cannot be filtered by"
            )));
        }
    }
    let passing = records.into_iter().filter(|(own, _)| filter.passes(own));
    let records: Vec<Json> = passing.map(told).collect();
    let pages = records.len().div_ceil(size);
    let number = |value: usize| Json::from(i64::try_from(value).unwrap_or(i64::MAX));
    let untold = state.switches.untold_totals;
    let maybe = |value: usize| match untold {
        true => Json::Null,
        false => number(value),
    };
    let body = Json::object()
        .with("resultTotal", maybe(records.len()))
        .with("pageCount", maybe(pages))
        .with("page", maybe(page))
        .with("pageSize", maybe(size))
        .with("associations", Json::Null)
        .with("values", Json::Array(slice(&records, page, size)));
    let media = format!("application/json;version={version}");
    let answer = SimAnswer::new(200, &media, body.to_string());
    if !state.switches.links || page >= pages {
        return Ok(answer);
    }
    let mut next = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in &request.query {
        if name != "page" {
            next.append_pair(name, value);
        }
    }
    next.append_pair("page", &(page + 1).to_string());
    let link = format!(
        "<{}{}?{}>;rel=\"nextPage\";type=\"\";model=\"\"",
        base(request),
        request.path,
        next.finish()
    );
    Ok(answer.header("link", link))
}
