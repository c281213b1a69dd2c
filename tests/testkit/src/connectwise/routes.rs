//! The endpoints.

use super::auth::{Need, admit, allow, json_body};
use super::error::{error, no_endpoint, no_record};
use super::schema::{
    ADDITION, AGREEMENT, AGREEMENT_TYPE, BILLING_CYCLE, CATALOG_ITEM, COMPANY, COMPANY_INFO,
    COMPANY_STATUS, COMPANY_TYPE, Entity,
};
use super::state::ConnectWiseState;
use super::{additions, agreements, catalog, listing, wire};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

type Handled = Result<SimAnswer, SimAnswer>;

/// Answers one request.
pub(super) fn handle(state: &mut ConnectWiseState, request: &SimRequest) -> SimAnswer {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (year, number) = state.options.version;
    let handled = match segments.as_slice() {
        ["login", "companyinfo", id] => Ok(company_info(state, request, id)),
        [codebase, "apis", "3.0", rest @ ..]
            if ["v4_6_release", state.options.codebase.as_str()].contains(codebase) =>
        {
            admit(state, request).and_then(|version| {
                Call {
                    state,
                    request,
                    version,
                }
                .route(rest)
            })
        }
        _ => Err(no_endpoint()),
    };
    handled
        .unwrap_or_else(|refusal| refusal)
        .header("api-current-version", format!("{year}.{number}"))
        .header("x-cw-request-id", "00000000-0000-4000-8000-000000000001")
}

/// `GET /login/companyinfo/{companyId}`, without credentials.
fn company_info(state: &ConnectWiseState, request: &SimRequest, id: &str) -> SimAnswer {
    if request.method != "GET" {
        return SimAnswer::empty(405);
    }
    if !id.eq_ignore_ascii_case(&state.credentials.company_id) {
        return if state.options.unknown_company_not_found {
            SimAnswer::empty(404)
        } else {
            SimAnswer::json(200, &Json::Null)
        };
    }
    let (year, number) = state.options.version;
    let body = Json::object()
        .with("CompanyName", "Example MSP")
        .with("Codebase", format!("{}/", state.options.codebase))
        .with("VersionCode", format!("v{year}.{number}"))
        .with("VersionNumber", format!("v{year}.{number}.112233"))
        .with("CompanyID", &state.credentials.company_id)
        .with("IsCloud", true)
        .with("SiteUrl", request.header("host").unwrap_or("127.0.0.1"));
    SimAnswer::json(200, &body)
}

/// A list with its count and its single records.
struct Table {
    path: &'static str,
    need: Need,
    entity: Entity,
    name: &'static str,
    rows: fn(&ConnectWiseState) -> Vec<Json>,
}

const TABLES: [Table; 8] = [
    Table {
        path: "company/companies",
        need: Need::Companies,
        entity: COMPANY,
        name: "Company",
        rows: |state| {
            state
                .companies
                .values()
                .map(|row| wire::company(state, row))
                .collect()
        },
    },
    Table {
        path: "company/companies/info",
        need: Need::Nothing,
        entity: COMPANY_INFO,
        name: "Company",
        rows: |state| {
            let slim = |row| {
                let Json::Object(members) = wire::company(state, row) else {
                    return Json::Null;
                };
                Json::Object(
                    members
                        .into_iter()
                        .filter(|(name, _)| COMPANY_INFO.member(name).is_some())
                        .collect(),
                )
            };
            state.companies.values().map(slim).collect()
        },
    },
    Table {
        path: "company/companies/statuses",
        need: Need::TableSetup,
        entity: COMPANY_STATUS,
        name: "Company Status",
        rows: |state| {
            state
                .company_statuses
                .values()
                .map(wire::setup_row)
                .collect()
        },
    },
    Table {
        path: "company/companies/types",
        need: Need::TableSetup,
        entity: COMPANY_TYPE,
        name: "Company Type",
        rows: |state| state.company_types.values().map(wire::setup_row).collect(),
    },
    Table {
        path: "finance/agreements",
        need: Need::AgreementsInquire,
        entity: AGREEMENT,
        name: "Agreement",
        rows: |state| {
            let seen = state
                .agreements
                .values()
                .filter(|agreement| state.visible(agreement));
            seen.map(|row| wire::agreement(state, row)).collect()
        },
    },
    Table {
        path: "finance/agreements/types",
        need: Need::TableSetup,
        entity: AGREEMENT_TYPE,
        name: "Agreement Type",
        rows: |state| {
            state
                .agreement_types
                .values()
                .map(wire::agreement_type)
                .collect()
        },
    },
    Table {
        path: "finance/billingCycles",
        need: Need::TableSetup,
        entity: BILLING_CYCLE,
        name: "Billing Cycle",
        rows: |state| {
            state
                .billing_cycles
                .values()
                .map(wire::billing_cycle)
                .collect()
        },
    },
    Table {
        path: "procurement/catalog",
        need: Need::Catalog,
        entity: CATALOG_ITEM,
        name: "Catalog Item",
        rows: |state| {
            state
                .products
                .values()
                .map(|row| wire::product(state, row))
                .collect()
        },
    },
];

struct Call<'a> {
    state: &'a mut ConnectWiseState,
    request: &'a SimRequest,
    version: (u16, u16),
}

impl Call<'_> {
    fn route(self, rest: &[&str]) -> Handled {
        let method = self.request.method.as_str();
        match (method, rest) {
            ("GET", ["system", "info"]) => Ok(self.system_info()),
            (_, ["finance", "agreements", id, "additions", rest @ ..]) => {
                let agreement = whole(id)?;
                self.additions(agreement, rest)
            }
            ("POST", ["finance", "agreements"]) => {
                let body = json_body(self.request)?;
                allow(self.state, Need::AgreementsAdd)?;
                agreements::create(self.state, &body, self.version)
            }
            ("PATCH", ["finance", "agreements", id]) if id.parse::<i64>().is_ok() => {
                let body = json_body(self.request)?;
                allow(self.state, Need::AgreementsEdit)?;
                agreements::update(self.state, whole(id)?, &body, self.version)
            }
            ("POST", ["procurement", "catalog"]) => {
                let body = json_body(self.request)?;
                allow(self.state, Need::CatalogAdd)?;
                catalog::create(self.state, &body, self.version)
            }
            ("GET", _) => self.table(rest),
            _ => match self.table(rest) {
                Ok(_) => Err(not_allowed()),
                Err(refusal) => Err(refusal),
            },
        }
    }

    fn table(&self, rest: &[&str]) -> Handled {
        let path = rest.join("/");
        let exact = TABLES.iter().find(|table| table.path == path);
        if let Some(table) = exact {
            allow(self.state, table.need)?;
            let rows = (table.rows)(self.state);
            return listing::list(
                &self.state.options,
                table.path,
                self.request,
                &table.entity,
                rows,
            );
        }
        let (parent, last) = path.rsplit_once('/').ok_or_else(no_endpoint)?;
        let table = TABLES
            .iter()
            .find(|table| table.path == parent)
            .ok_or_else(no_endpoint)?;
        if last == "count" {
            allow(self.state, table.need)?;
            return listing::count(self.request, &table.entity, (table.rows)(self.state));
        }
        let id = whole(last)?;
        allow(self.state, table.need)?;
        let rows = (table.rows)(self.state);
        let row = rows
            .iter()
            .find(|row| row.get("id").and_then(Json::integer) == Some(id));
        listing::single(
            self.request,
            &table.entity,
            row.ok_or_else(|| no_record(table.name, last))?,
        )
    }

    fn additions(self, agreement_id: i64, rest: &[&str]) -> Handled {
        let Self {
            state,
            request,
            version,
        } = self;
        match (request.method.as_str(), rest) {
            ("GET", []) | ("GET", ["count"]) => {
                allow(state, Need::AgreementsInquire)?;
                agreements::visible(state, agreement_id)?;
                let rows = addition_rows(state, agreement_id, version);
                if rest.is_empty() {
                    let path = format!("finance/agreements/{agreement_id}/additions");
                    listing::list(&state.options, &path, request, &ADDITION, rows)
                } else {
                    listing::count(request, &ADDITION, rows)
                }
            }
            ("GET", [id]) => {
                let id = whole(id)?;
                allow(state, Need::AgreementsInquire)?;
                agreements::visible(state, agreement_id)?;
                let addition = additions::owned(state, agreement_id, id)?;
                listing::single(
                    request,
                    &ADDITION,
                    &wire::addition(state, addition, version),
                )
            }
            ("POST", []) => {
                let body = json_body(request)?;
                allow(state, Need::AgreementsAdd)?;
                agreements::visible(state, agreement_id)?;
                additions::create(state, agreement_id, &body, version)
            }
            ("PATCH", [id]) => {
                let id = whole(id)?;
                let body = json_body(request)?;
                allow(state, Need::AgreementsEdit)?;
                agreements::visible(state, agreement_id)?;
                additions::update(state, agreement_id, id, &body, version)
            }
            ("DELETE", [id]) => {
                let id = whole(id)?;
                allow(state, Need::AgreementsDelete)?;
                agreements::visible(state, agreement_id)?;
                additions::delete(state, agreement_id, id)
            }
            (_, [] | [_]) => Err(not_allowed()),
            _ => Err(no_endpoint()),
        }
    }

    fn system_info(&self) -> SimAnswer {
        let (year, number) = self.state.options.version;
        let license = Json::object().with("name", "Api").with("activeFlag", true);
        let body = Json::object()
            .with("version", format!("v{year}.{number}.112233"))
            .with("isCloud", true)
            .with("serverTimeZone", "Eastern Standard Time")
            .with("licenseBits", Json::Array(vec![license]))
            .with("cloudRegion", "NA")
            .with("maxWorkFlowRecordsAllowed", 20_000_i64);
        SimAnswer::json(200, &body)
    }
}

fn addition_rows(state: &ConnectWiseState, agreement_id: i64, version: (u16, u16)) -> Vec<Json> {
    let listed = state.additions.values().filter(|addition| {
        addition.agreement_id == agreement_id
            || (state.options.parents_list_child_additions
                && state
                    .agreements
                    .get(&addition.agreement_id)
                    .and_then(|owner| owner.parent_id)
                    == Some(agreement_id))
    });
    listed
        .map(|addition| wire::addition(state, addition, version))
        .collect()
}

fn whole(text: &str) -> Result<i64, SimAnswer> {
    text.parse().map_err(|_| no_endpoint())
}

fn not_allowed() -> SimAnswer {
    error(
        405,
        "ConnectWiseApi",
        "The requested resource does not support this http method.",
    )
}
