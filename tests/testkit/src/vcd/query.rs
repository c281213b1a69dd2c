//! The query service.

use super::auth::{accepts, admit};
use super::error::{Refusal, bad, forbidden};
use super::filter::{Filter, has};
use super::state::VcdState;
use super::wire::{Known, Writer, told};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// The most records of a page.
pub(super) const MAX_PAGE: usize = 128;

/// The parameters; what is not known is refused.
const PARAMETERS: [&str; 9] = [
    "type",
    "format",
    "page",
    "pageSize",
    "filter",
    "filterEncoded",
    "sortAsc",
    "sortDesc",
    "links",
];

/// A parameter that comes once at most.
pub(super) fn once<'r>(
    request: &'r SimRequest,
    known: &[&str],
    name: &str,
) -> Result<Option<&'r str>, Refusal> {
    if let Some((other, _)) = request
        .query
        .iter()
        .find(|(key, _)| !known.contains(&key.as_str()))
    {
        return Err(bad(format!("Unknown parameter {other}")));
    }
    let mut found = request.query.iter().filter(|(key, _)| key == name);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(bad(format!("{name} comes twice"))),
        (found, None) => Ok(found.map(|(_, value)| value.as_str())),
    }
}

/// A page that is asked for: its number and size.
pub(super) fn page(
    state: &VcdState,
    request: &SimRequest,
    known: &[&str],
) -> Result<(usize, usize), Refusal> {
    let number = |name: &str, default: usize| match once(request, known, name)? {
        None => Ok(default),
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| bad(format!("{name} is no number above zero"))),
    };
    let (page, size) = (number("page", 1)?, number("pageSize", 25)?);
    if size > MAX_PAGE {
        return Err(bad(format!("pageSize is at most {MAX_PAGE}")));
    }
    Ok((page, size.min(state.switches.max_page.unwrap_or(size))))
}

/// The records of a page.
pub(super) fn slice(records: &[Json], page: usize, size: usize) -> Vec<Json> {
    let start = page.saturating_sub(1).saturating_mul(size);
    records.iter().skip(start).take(size).cloned().collect()
}

/// Scheme and host, as the caller knows them.
pub(super) fn base(request: &SimRequest) -> String {
    format!("http://{}", request.header("host").unwrap_or("localhost"))
}

/// Answers `GET /api/query`.
pub(super) fn query(state: &mut VcdState, request: &SimRequest) -> Result<SimAnswer, Refusal> {
    let version = accepts(state, request, &["application/*+json"])?;
    let kind = once(request, &PARAMETERS, "type")?;
    let kind = kind.ok_or_else(|| bad("type is required"))?.to_owned();
    let session = admit(state, request, &kind)?;
    let provider = session.is_provider();
    match kind.as_str() {
        "organization" | "edgeGateway" => {}
        "adminVM" | "adminOrgVdc" | "adminOrgVdcStorageProfile" if !provider => {
            return Err(forbidden());
        }
        "adminVM" | "adminOrgVdc" | "adminOrgVdcStorageProfile" => {}
        "vm" | "orgVdc" | "orgVdcStorageProfile" if !provider => {}
        other => return Err(bad(format!("The type {other} cannot be queried here"))),
    }
    if !matches!(
        once(request, &PARAMETERS, "format")?,
        None | Some("records")
    ) {
        return Err(bad("Only records are simulated"));
    }
    let (page, size) = page(state, request, &PARAMETERS)?;
    let writer = Writer {
        state,
        base: base(request),
        provider,
    };
    let records = writer.records(&kind, &session.org);
    let records = filtered(&writer, request, records)?;
    let records: Vec<Json> = records.into_iter().map(told).collect();
    let total = i64::try_from(records.len()).unwrap_or(i64::MAX);
    let rows = slice(&records, page, size);
    let body = Json::object()
        .with("otherAttributes", Json::object())
        .with(
            "href",
            format!("{}/api/query?type={kind}&page={page}", writer.base),
        )
        .with("type", "application/vnd.vmware.vcloud.query.records+json")
        .with("name", kind.as_str())
        .with("link", Json::Array(Vec::new()))
        .with("page", i64::try_from(page).unwrap_or(i64::MAX))
        .with("pageSize", i64::try_from(size).unwrap_or(i64::MAX));
    let body = match state.switches.numbers_as_text {
        true => body.with("total", total.to_string()),
        false => body.with("total", total),
    };
    let body = match rows.is_empty() && state.switches.no_empty_record {
        true => body,
        false => body.with("record", Json::Array(rows)),
    };
    let media = format!("application/vnd.vmware.vcloud.query.records+json;version={version}");
    Ok(SimAnswer::new(200, &media, body.to_string()))
}

impl Writer<'_> {
    /// All records of a type that a session sees, in the order of the database.
    fn records(&self, kind: &str, org: &str) -> Vec<Known> {
        let state = self.state;
        let sees = |uuid: Option<&str>| {
            self.provider
                || uuid.is_some_and(|uuid| {
                    let mut orgs = state.orgs.iter();
                    orgs.any(|own| own.uuid == uuid && own.name == org)
                })
        };
        let of_vdc = |vdc: &str| sees(state.vdc(vdc).map(|own| own.org.as_str()));
        match kind {
            "organization" => {
                let own = state.orgs.iter().filter(|own| sees(Some(&own.uuid)));
                own.map(|own| (self.org(own), None)).collect()
            }
            "orgVdc" | "adminOrgVdc" => {
                let own = state.vdcs.iter().filter(|own| sees(Some(&own.org)));
                own.map(|own| (self.vdc(own), (!own.names_org).then_some("org")))
                    .collect()
            }
            "vm" | "adminVM" => {
                let own = state.vms.iter().filter(|own| of_vdc(&own.vdc));
                own.map(|own| (self.vm(own), (!own.names_org).then_some("org")))
                    .collect()
            }
            "edgeGateway" => {
                let own = state.edges.iter().filter(|own| of_vdc(&own.vdc));
                own.map(|own| (self.edge(own), None)).collect()
            }
            _ => {
                let own = state.policies.iter().filter(|own| of_vdc(&own.vdc));
                own.map(|own| (self.policy(own), None)).collect()
            }
        }
    }
}

/// The records that pass the filter. It must be encoded, and say so; its attributes must be known.
fn filtered(
    writer: &Writer<'_>,
    request: &SimRequest,
    records: Vec<Known>,
) -> Result<Vec<Known>, Refusal> {
    let encoded = once(request, &PARAMETERS, "filterEncoded")?;
    let Some(text) = once(request, &PARAMETERS, "filter")? else {
        return match encoded {
            None => Ok(records),
            Some(_) => Err(bad("filterEncoded without a filter")),
        };
    };
    if encoded != Some("true") {
        return Err(bad("The filter must be encoded, and filterEncoded say so"));
    }
    let filter = Filter::parse(text)?;
    for attribute in filter.attributes() {
        if !records.iter().any(|(own, _)| has(own, attribute)) && !records.is_empty() {
            return Err(bad(format!(
                "The attribute {attribute} cannot be filtered by"
            )));
        }
    }
    let switches = &writer.state.switches;
    if switches.filters_ignored {
        return Ok(records);
    }
    if switches.addresses_unknown && text.contains("://") {
        return Ok(Vec::new());
    }
    Ok(records
        .into_iter()
        .filter(|(own, _)| filter.passes(own))
        .collect())
}
