//! Where a document is behind the live system, or says more than it does: each with its reason.

use std::path::Path;

use super::document::fit;
use super::{Part, System, Violation};

/// One allowed disagreement with a document.
#[derive(Clone, Copy, Debug)]
pub struct Exception {
    /// Whose document.
    pub system: System,
    /// Method and path template; `*` for every operation.
    pub operation: &'static str,
    /// The part of the exchange.
    pub part: Part,
    /// A JSON pointer into that part: `*` stands for one segment, `4xx` for a status of that class, `**` for any
    /// pointer.
    pub pointer: &'static str,
    /// The rule that is broken; `*` for any.
    pub keyword: &'static str,
    /// Only when the query names this parameter.
    pub with_query: Option<&'static str>,
    /// The query parameters of an operation that the document lacks, and whether each is required.
    pub query: &'static [(&'static str, bool)],
    /// Why it is allowed.
    pub reason: &'static str,
}

const fn at(
    system: System,
    operation: &'static str,
    part: Part,
    pointer: &'static str,
    keyword: &'static str,
    reason: &'static str,
) -> Exception {
    Exception {
        system,
        operation,
        part,
        pointer,
        keyword,
        with_query: None,
        query: &[],
        reason,
    }
}

const fn lacking(
    system: System,
    operation: &'static str,
    query: &'static [(&'static str, bool)],
    reason: &'static str,
) -> Exception {
    Exception {
        query,
        ..at(system, operation, Part::Operation, "", "operation", reason)
    }
}

const fn newer(operation: &'static str, query: &'static [(&'static str, bool)]) -> Exception {
    const REASON: &str = "newer than the beta document; known from several clients";
    lacking(System::Sherweb, operation, query, REASON)
}

const CUSTOMER: &[(&str, bool)] = &[("customerId", true)];

/// Every allowed disagreement.
pub static EXCEPTIONS: &[Exception] = &[
    at(
        System::Autotask,
        "GET /V1.0/ZoneInformation",
        Part::Header,
        "**",
        "required",
        "the zone is looked up without credentials: they go to the zone's host alone",
    ),
    at(
        System::Autotask,
        "*",
        Part::Status,
        "/4xx",
        "status",
        "the document lists a bare 401 and 403 only; refusals are `errors`",
    ),
    at(
        System::Autotask,
        "*",
        Part::Status,
        "/5xx",
        "status",
        "the document lists no failures; validation failures are a 500 with `errors`",
    ),
    at(
        System::Autotask,
        "*",
        Part::AnswerBody,
        "",
        "body",
        "a 401 or 403 may carry `errors`",
    ),
    at(
        System::Autotask,
        "*",
        Part::AnswerBody,
        "/errors",
        "additionalProperties",
        "`errors` are known to stand in a 200 as well",
    ),
    at(
        System::Autotask,
        "*",
        Part::Query,
        "/paging",
        "unknown",
        "the addresses of further pages carry it; clients treat them as opaque",
    ),
    lacking(
        System::ConnectWise,
        "GET /login/companyinfo/{companyId}",
        &[],
        "the company lookup stands outside the documented API; its members are known from several clients",
    ),
    Exception {
        with_query: Some("fields"),
        ..at(
            System::ConnectWise,
            "*",
            Part::AnswerBody,
            "**",
            "required",
            "with `fields`, only the members asked for are answered",
        )
    },
    at(
        System::ConnectWise,
        "*",
        Part::AnswerType,
        "/application~1json",
        "media",
        "the simulator labels every body `application/json`, whatever was accepted; clients must not depend on the label",
    ),
    at(
        System::ConnectWise,
        "*",
        Part::AnswerBody,
        "/error",
        "additionalProperties",
        "a refused rate is answered in another shape, with `error` for `code`",
    ),
    at(
        System::ConnectWise,
        "*",
        Part::AnswerBody,
        "",
        "empty 404",
        "the cloud may answer wrong keys with a bare 404",
    ),
    at(
        System::Ingram,
        "*",
        Part::Status,
        "/4xx",
        "status",
        "the document describes successes only; refusals are an error message or the gateway's form",
    ),
    at(
        System::Ingram,
        "*",
        Part::Status,
        "/5xx",
        "status",
        "the document describes successes only; conflicts are a 500 with prose, timeouts a page of the proxy",
    ),
    at(
        System::Ingram,
        "GET /subscriptions/{id}",
        Part::AnswerBody,
        "/fulfillmentParameters/*/value",
        "type",
        "values of parameters are any JSON, mostly texts; the document says objects",
    ),
    at(
        System::Ingram,
        "PATCH /subscriptions/{id}",
        Part::AnswerBody,
        "/fulfillmentParameters/*/value",
        "type",
        "values of parameters are any JSON, mostly texts; the document says objects",
    ),
    at(
        System::Sherweb,
        "*",
        Part::Status,
        "/4xx",
        "status",
        "the documents list successes only; refusals are problem details, the gateway's form or OAuth's",
    ),
    at(
        System::Sherweb,
        "*",
        Part::Status,
        "/5xx",
        "status",
        "the documents list successes only; failures are problem details",
    ),
    at(
        System::Sherweb,
        "POST /auth/oidc/connect/token",
        Part::AnswerBody,
        "/expires_in",
        "type",
        "a switch of the simulator: token servers are known to write the seconds as text",
    ),
    at(
        System::Sherweb,
        "GET /distributor/v1/billing/payable-charges",
        Part::AnswerBody,
        "/charges/*/invoice",
        "type",
        "null until the charge is invoiced; the document forgets `nullable`",
    ),
    at(
        System::Sherweb,
        "POST /service-provider/v1/billing/subscriptions/amendments",
        Part::AnswerBody,
        "/trackingId",
        "additionalProperties",
        "newer receipts carry a tracking id",
    ),
    newer(
        "GET /service-provider/v1/billing/subscriptions/details",
        CUSTOMER,
    ),
    newer(
        "GET /service-provider/v1/billing/subscriptions/pricing-information",
        CUSTOMER,
    ),
    newer(
        "GET /service-provider/v1/billing/subscriptions/meters",
        &[("customerId", true), ("platformId", true)],
    ),
    newer(
        "POST /service-provider/v1/billing/subscriptions/cancellations",
        CUSTOMER,
    ),
    newer("GET /service-provider/v1/tracking/{trackingId}", &[]),
    newer(
        "GET /service-provider/v1/customer-catalogs/{customerId}",
        &[],
    ),
    newer(
        "POST /service-provider/v1/customer-catalogs/{customerId}/catalog-items-pricing",
        &[],
    ),
    newer("GET /service-provider/v1/platforms", &[]),
    newer(
        "GET /service-provider/v1/customers/{customerId}/platforms-configurations",
        &[],
    ),
    newer(
        "GET /service-provider/v1/customers/{customerId}/platforms/{platformId}/details",
        &[],
    ),
    newer(
        "GET /service-provider/v1/customers/{customerId}/platforms/{platformId}/meter-usages",
        &[],
    ),
];

/// The place in the table of the exception that excuses a violation.
pub(super) fn excusing(
    system: System,
    violation: &Violation,
    query: &[(String, String)],
) -> Option<usize> {
    EXCEPTIONS.iter().position(|exception| {
        exception.system == system
            && exception.part == violation.part
            && of_operation(exception, &violation.operation)
            && ["*", violation.keyword.as_str()].contains(&exception.keyword)
            && pointer_fits(exception.pointer, &violation.pointer)
            && exception
                .with_query
                .is_none_or(|wanted| query.iter().any(|(name, _)| name == wanted))
    })
}

fn of_operation(exception: &Exception, operation: &str) -> bool {
    match exception.part {
        // What the document lacks is seen as a path, not as a template.
        Part::Operation => fit(exception.operation, operation).is_some(),
        _ => exception.operation == "*" || exception.operation == operation,
    }
}

fn pointer_fits(pattern: &str, pointer: &str) -> bool {
    if pattern == "**" {
        return true;
    }
    let (mut wanted, mut given) = (pattern.split('/'), pointer.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(want), Some(segment)) if segment_fits(want, segment) => {}
            _ => return false,
        }
    }
}

fn segment_fits(pattern: &str, segment: &str) -> bool {
    match pattern.strip_suffix("xx") {
        Some(class) if class.len() == 1 => segment.len() == 3 && segment.starts_with(class),
        _ => pattern == "*" || pattern == segment,
    }
}

const HEAD: &str = "| operation | where | why |";

/// Compares the table in a README with that of a system. With `TALLYLINE_BLESS=1` in the environment it is written
/// instead, where the README has its head or the whole of it.
///
/// # Errors
///
/// What differs, or why the file cannot be read or written.
pub fn check_readme(readme: &Path, system: System) -> Result<(), String> {
    let shown = readme.display();
    let failed = |error: std::io::Error| format!("{shown}: {error}");
    let text = std::fs::read_to_string(readme).map_err(failed)?;
    let wanted = exceptions_markdown(system);
    let Some(current) = with_table(&text, &wanted) else {
        return Err(format!(
            "{shown} does not list where simulator and document disagree: put a line `{HEAD}` where the table belongs"
        ));
    };
    if current == text {
        return Ok(());
    }
    if std::env::var_os("TALLYLINE_BLESS").is_some_and(|value| value == "1") {
        return std::fs::write(readme, current).map_err(failed);
    }
    Err(format!(
        "{shown} is not current; run the test again with TALLYLINE_BLESS=1. It should have:\n\n{wanted}"
    ))
}

/// A text with its table replaced; none when it has no table.
fn with_table(text: &str, table: &str) -> Option<String> {
    let text = text.replace("\r\n", "\n");
    let mut out = String::new();
    let mut lines = text.split_inclusive('\n').peekable();
    let mut found = false;
    while let Some(line) = lines.next() {
        if found || line.trim_end() != HEAD {
            out.push_str(line);
            continue;
        }
        found = true;
        out.push_str(table);
        while lines.next_if(|line| line.starts_with('|')).is_some() {}
    }
    found.then_some(out)
}

/// The table of one system, as Markdown.
pub fn exceptions_markdown(system: System) -> String {
    let mut text = format!("{HEAD}\n|---|---|---|\n");
    for exception in EXCEPTIONS
        .iter()
        .filter(|exception| exception.system == system)
    {
        let operation = match exception.operation {
            "*" => "any".to_owned(),
            operation => format!("`{operation}`"),
        };
        let place = match (exception.part, exception.pointer) {
            (Part::Operation, _) => "not in the document".to_owned(),
            (part, "" | "**") => format!("{part}, {}", exception.keyword),
            (part, pointer) => format!("{part} `{pointer}`, {}", exception.keyword),
        };
        text.push_str(&format!(
            "| {operation} | {place} | {} |\n",
            exception.reason
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_a_text_is_replaced_and_nothing_else() {
        let new = format!("{HEAD}\n|---|---|---|\n| a | b | c |\n");
        let old = "| operation | where | why |\n|---|---|---|\n| x | y | z |\n| u | v | w |\n";
        let around = |table: &str| format!("# A\n\n{table}\nMore.\n\n| other |\n|---|\n| 1 |\n");
        assert_eq!(with_table(&around(old), &new), Some(around(&new)));
        assert_eq!(
            with_table(&around(&format!("{HEAD}\n")), &new),
            Some(around(&new))
        );
        assert_eq!(with_table(&around(&new), &new), Some(around(&new)));
        assert_eq!(with_table("# A\n\n| other |\n", &new), None);
    }
}
