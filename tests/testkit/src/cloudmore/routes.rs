//! The endpoints. Letter case of paths does not matter.

use jiff::civil::Date;

use super::error::{api_error, bad, forbidden, not_found, wrong_verb};
use super::jobs::{self, JobKind};
use super::records::{Organization, ServiceKind};
use super::reports::{self, Range};
use super::state::CloudmoreState;
use super::{auth, resources, wire};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

pub(super) type Handled = Result<SimAnswer, SimAnswer>;

/// Answers one request.
pub(super) fn handle(state: &mut CloudmoreState, request: &SimRequest) -> SimAnswer {
    let user = state.credentials.username.clone();
    let before = state.history.handle(request, user);
    let answer = route(state, request).unwrap_or_else(|refusal| refusal);
    state.history.resume(before);
    answer
}

fn route(state: &mut CloudmoreState, request: &SimRequest) -> Handled {
    let segments: Vec<String> = request
        .segments()
        .iter()
        .map(|segment| segment.to_ascii_lowercase())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["connect", "token"] => auth::token(state, request),
        ["api", "healthcheck"] => Ok(SimAnswer::new(200, "text/plain; charset=utf-8", "Healthy")),
        ["api", rest @ ..] => {
            auth::admit(state, request)?;
            match rest {
                ["resellers", id, rest @ ..] => {
                    guid(state, id)?;
                    if *id != state.reseller_id {
                        return Err(forbidden(state));
                    }
                    Call { state, request }.reseller(rest)
                }
                // The seller's side is not the reseller's.
                ["sellers", ..] => Err(forbidden(state)),
                _ => Err(not_found(state)),
            }
        }
        _ => Err(SimAnswer::empty(404)),
    }
}

/// An id is a GUID.
fn guid(state: &CloudmoreState, text: &str) -> Result<(), SimAnswer> {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let digits = text.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    if lengths == [8, 4, 4, 4, 12] && digits {
        return Ok(());
    }
    Err(bad(state, &format!("The value '{text}' is not valid.")))
}

/// One request below the reseller.
pub(super) struct Call<'a> {
    pub(super) state: &'a mut CloudmoreState,
    pub(super) request: &'a SimRequest,
}

impl Call<'_> {
    /// Refuses other methods than these.
    pub(super) fn only(&self, methods: &[&str]) -> Result<(), SimAnswer> {
        if methods.contains(&self.request.method.as_str()) {
            return Ok(());
        }
        Err(wrong_verb(self.state))
    }

    pub(super) fn is(&self, method: &str) -> bool {
        self.request.method == method
    }

    /// An answer with the names that the system is set to.
    pub(super) fn ok(&self, json: Json) -> Handled {
        let json = self.state.options.names.apply(json);
        Ok(SimAnswer::json(200, &json))
    }

    pub(super) fn missing(&self) -> SimAnswer {
        not_found(self.state)
    }

    /// The body of a write.
    pub(super) fn body(&self) -> Result<Json, SimAnswer> {
        let json = (self.request.media_type().as_deref() == Some("application/json"))
            .then(|| Json::parse(&self.request.body_text()).ok())
            .flatten()
            .filter(|json| json.members().is_some());
        json.ok_or_else(|| bad(self.state, "The body is not a JSON object."))
    }

    /// A parameter of the query, whose name does not mind letter case.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let mut found = self.request.query.iter();
        found
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    fn needed(&self, name: &str) -> Result<&str, SimAnswer> {
        self.query(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| bad(self.state, &format!("The parameter {name} is required.")))
    }

    fn date(&self, name: &str, text: Option<&str>) -> Result<Date, SimAnswer> {
        let exact = text.filter(|text| text.len() == 10);
        exact
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| bad(self.state, &format!("{name} must be a date as yyyy-MM-dd.")))
    }

    /// `startDate` and `endDate` of the query.
    pub(super) fn range(&self) -> Result<Range, SimAnswer> {
        let from = self.date("startDate", self.query("startDate"))?;
        let to = self.date("endDate", self.query("endDate"))?;
        self.in_order((from, to))
    }

    fn in_order(&self, (from, to): Range) -> Result<Range, SimAnswer> {
        if from > to {
            return Err(bad(self.state, "endDate is before startDate."));
        }
        Ok((from, to))
    }

    pub(super) fn organization(&self, id: &str) -> Result<Organization, SimAnswer> {
        guid(self.state, id)?;
        let found = self.state.organizations.get(id);
        found
            .filter(|own| !self.state.rights.hidden.contains(&own.id))
            .cloned()
            .ok_or_else(|| self.missing())
    }

    fn reseller(mut self, rest: &[&str]) -> Handled {
        match rest {
            ["organizations"] => {
                self.only(&["GET", "POST"])?;
                if self.is("POST") {
                    return self.create_organization();
                }
                let active = self.query("showActive") == Some("true");
                let rows = self.state.organizations.values();
                let rows = rows
                    .filter(|own| !self.state.rights.hidden.contains(&own.id))
                    .filter(|own| own.active || !active)
                    .map(|own| wire::organization(self.state, own));
                self.ok(Json::Array(rows.collect()))
            }
            ["organizations", id] => {
                self.only(&["GET", "PUT", "PATCH"])?;
                let organization = self.organization(id)?;
                if self.is("GET") {
                    self.ok(wire::organization_detail(&organization))
                } else {
                    self.update_organization(organization)
                }
            }
            ["organizations", id, rest @ ..] => {
                let organization = self.organization(id)?;
                self.of_organization(&organization, rest)
            }
            ["settings", "customproperties"] => {
                self.only(&["GET"])?;
                self.ok(resources::custom_properties(self.state))
            }
            ["services", rest @ ..] => self.services(rest),
            ["billing", rest @ ..] => {
                if !self.state.rights.billing {
                    return Err(forbidden(self.state));
                }
                self.billing(rest)
            }
            _ => Err(self.missing()),
        }
    }

    fn billing(self, rest: &[&str]) -> Handled {
        match rest {
            ["reports", "monthlybillingperorganizationasync"] => {
                self.only(&["POST"])?;
                let body = self.body()?;
                let text = |name: &str| body.get(name).and_then(Json::text);
                // A date-time is taken for its date.
                let day = |text: Option<&str>| {
                    text.map(|text| text.split('T').next().unwrap_or(text).to_owned())
                };
                let from = self.date("startDate", day(text("startDate")).as_deref())?;
                let to = self.date("endDate", day(text("endDate")).as_deref())?;
                let range = self.in_order((from, to))?;
                let place = self.request.path.clone();
                Ok(jobs::start(
                    self.state,
                    self.request,
                    JobKind::Monthly(range),
                    &place,
                ))
            }
            ["reports", "monthlybillingperorganizationasync", id] => {
                self.only(&["GET"])?;
                jobs::result(self.state, id, |kind| matches!(kind, JobKind::Monthly(_)))
            }
            ["reports", "monthlybillingperorganization"] => self.at_once(reports::per_organization),
            ["reports", "monthlybillingperservice"] => self.at_once(reports::per_service),
            ["cspreports", "monthlybillingperorganization"] => {
                self.only(&["GET"])?;
                let range = self.range()?;
                self.ok(reports::csp(self.state, range))
            }
            ["azurereports", rest @ ..] => self.azure_reports(rest),
            ["azureonetimeusage", rest @ ..] => self.azure_usage(rest),
            _ => Err(self.missing()),
        }
    }

    /// A report that is not for production: it is refused when it is large.
    fn at_once(self, report: fn(&CloudmoreState, Range) -> Json) -> Handled {
        self.only(&["GET"])?;
        let range = self.range()?;
        let most = self.state.options.most_lines;
        if most.is_some_and(|most| reports::size(self.state, range) > most) {
            return Err(api_error(
                self.state,
                500,
                "The report is too large. Use the asynchronous report.",
            ));
        }
        self.ok(report(self.state, range))
    }

    fn azure_reports(self, rest: &[&str]) -> Handled {
        match rest {
            ["azureonetimeinvoice", "generatereport"] => {
                self.only(&["POST"])?;
                let number = match self.query("invoiceNumber") {
                    Some(number) => number.to_owned(),
                    None => {
                        let body = self.body()?;
                        let number = body.get("invoiceNumber").and_then(Json::text);
                        let number = number.map(str::to_owned);
                        number.ok_or_else(|| {
                            bad(self.state, "The parameter invoiceNumber is required.")
                        })?
                    }
                };
                let path = &self.request.path;
                let place = path.rsplit_once('/').map_or("", |(place, _)| place);
                let kind = JobKind::OneTimeInvoice(number);
                Ok(jobs::start(self.state, self.request, kind, place))
            }
            _ => {
                self.only(&["GET"])?;
                self.azure_reads(rest)
            }
        }
    }

    fn azure_reads(self, rest: &[&str]) -> Handled {
        let legacy = ServiceKind::Azure;
        match rest {
            ["azureonetimeinvoice", id] => jobs::result(self.state, id, |kind| {
                matches!(kind, JobKind::OneTimeInvoice(_))
            }),
            ["azureonetimeinvoicelist"] => self.ok(reports::invoices(
                self.state,
                ServiceKind::on_one_time_invoice,
            )),
            ["invoiceoverview" | "invoicelist"] => {
                self.ok(reports::invoices(self.state, |kind| kind == legacy))
            }
            ["invoice"] => {
                let invoice = self.needed("invoiceId")?;
                let range = reports::dates_of(self.state, invoice).ok_or_else(|| self.missing())?;
                self.ok(reports::azure(self.state, range, legacy))
            }
            ["invoicesbycustomdates" | "monthlybillingperorganization"] => {
                let range = self.range()?;
                self.ok(reports::azure(self.state, range, legacy))
            }
            ["ongoingperiod"] => self.ok(Json::Array(reports::unbilled(self.state, legacy))),
            _ => Err(self.missing()),
        }
    }

    fn azure_usage(self, rest: &[&str]) -> Handled {
        let plan = ServiceKind::AzurePlan;
        if let ["report", "unbilled", "period", _, "export"] = rest {
            self.only(&["POST"])?;
            let path = &self.request.path;
            let root: Vec<&str> = path.rsplitn(4, '/').collect();
            let place = format!("{}/operation", root.last().unwrap_or(&""));
            let kind = JobKind::Unbilled;
            return Ok(jobs::start(self.state, self.request, kind, &place));
        }
        self.only(&["GET"])?;
        match rest {
            ["azureonetimeinvoice"] => {
                let range = (Date::MIN, Date::MAX);
                self.ok(reports::azure(self.state, range, plan))
            }
            ["azureonetimeongoingperiod"] => {
                self.ok(Json::Array(reports::unbilled(self.state, plan)))
            }
            ["report", "billed", "invoice", number] => {
                // Numbers of invoices are upper case.
                let rows = reports::billed_usage(self.state, &number.to_ascii_uppercase());
                let rows = rows.ok_or_else(|| self.missing())?;
                self.page(rows)
            }
            ["report", "unbilled", "operation", id, "status"] => {
                jobs::operation_status(self.state, id)
            }
            ["report", "unbilled", "operation", id, "result"] => {
                let rows = jobs::operation_rows(self.state, id)?;
                self.page(rows)
            }
            _ => Err(self.missing()),
        }
    }

    /// One page of rows, counted from 1.
    fn page(self, rows: Vec<Json>) -> Handled {
        let number = |name: &str| {
            let value = self.needed(name)?.parse::<usize>();
            value
                .ok()
                .filter(|value| *value > 0)
                .ok_or_else(|| bad(self.state, &format!("{name} must be a positive number.")))
        };
        let (page, size) = (number("pageNumber")?, number("pageSize")?);
        let size = size.min(self.state.options.most_rows);
        let total = rows.len();
        let begin = (page - 1).saturating_mul(size);
        let shown: Vec<Json> = rows.into_iter().skip(begin).take(size).collect();
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.ok(Json::object()
            .with("pageNumber", whole(page))
            .with("pageSize", whole(size))
            .with("totalCount", whole(total))
            .with("items", Json::Array(shown)))
    }
}
