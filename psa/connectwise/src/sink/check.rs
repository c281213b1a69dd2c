//! The connection check.

use tallyline_core::source::Identity;
use tallyline_core::{Error, ErrorKind, Result};

use super::read;
use crate::client::{CONNECTOR, ConnectWiseClient, ListOptions, operations};

/// One probe: what was asked, what the role needs for it, and what came back.
struct Probe {
    what: &'static str,
    right: &'static str,
    operation: &'static str,
    answer: Result<u64>,
}

pub(super) async fn check(client: &ConnectWiseClient) -> Result<Identity> {
    let info = client.system_info().await;
    let probes = [
        Probe {
            what: "agreements",
            right: "Finance / Agreements needs Inquire = All",
            operation: operations::AGREEMENTS_COUNT.name,
            answer: client.count_agreements(None).await,
        },
        Probe {
            what: "companies",
            right: "Companies / Company Maintenance needs Inquire = All",
            operation: operations::COMPANIES_COUNT.name,
            answer: client.count_companies(None).await,
        },
        Probe {
            what: "catalog items",
            right: "Procurement / Product Catalog needs Inquire = All",
            operation: operations::CATALOG_COUNT.name,
            answer: client.count_catalog(None).await,
        },
        Probe {
            what: "billing cycles",
            right: "System / Table Setup (Invoicing / Billing Cycle) needs Inquire = All",
            operation: operations::BILLING_CYCLES_LIST.name,
            answer: count_cycles(client).await,
        },
    ];
    let mut identity = Identity::new(super::tenant(client));
    let missing: Vec<&Probe> = probes
        .iter()
        .filter(|probe| kind(&probe.answer) == Some(ErrorKind::PermissionDenied))
        .collect();
    let not_found = |probe: &Probe| {
        matches!(
            kind(&probe.answer),
            Some(ErrorKind::NotFound | ErrorKind::Unsupported)
        )
    };
    if probes.iter().all(not_found) {
        return Err(first_error(
            probes,
            ErrorKind::Auth,
            "every call is answered 404: the hosted system does so for a wrong company id or \
             wrong keys; check both, then the site"
                .to_owned(),
        ));
    }
    if !missing.is_empty() {
        let rights: Vec<&str> = missing.iter().map(|probe| probe.right).collect();
        let all = missing.len() == probes.len();
        let hint = if all {
            "; where the rights are there, the client id is missing or unknown"
        } else {
            ""
        };
        let message = format!(
            "the API member's security role lacks rights: {}{hint}",
            rights.join("; ")
        );
        return Err(first_error(probes, ErrorKind::PermissionDenied, message));
    }
    for probe in probes {
        let count = probe.answer?;
        if count == 0 {
            identity.warnings.push(format!(
                "No {} are visible: if there are any, the role hides them ({}).",
                probe.what, probe.right
            ));
        }
        identity
            .verified
            .push(format!("{count} {} can be read.", probe.what));
    }
    // No request proves the right to write without writing; a write that lacks it is refused by name.
    identity.warnings.push(
        "Whether agreements can be written is not known before the first write: it needs Finance / \
         Agreements with Add = All and Edit = All."
            .to_owned(),
    );
    match info {
        Ok(info) => {
            identity.version = info.version;
            identity
                .verified
                .push("The system's version can be read.".to_owned());
        }
        // Nothing depends on the version, and the counts have proved the credentials.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::NotFound | ErrorKind::Unsupported
            ) =>
        {
            identity
                .warnings
                .push("The system's version cannot be read.".to_owned());
        }
        Err(error) => return Err(error),
    }
    Ok(identity)
}

/// Their list is short, and has no count of its own.
async fn count_cycles(client: &ConnectWiseClient) -> Result<u64> {
    let cycles = client.billing_cycles(&ListOptions::default());
    let cycles = cycles.try_collect_all(read::MAX_BILLING_CYCLES).await?;
    Ok(cycles.len() as u64)
}

fn kind(answer: &Result<u64>) -> Option<ErrorKind> {
    answer.as_ref().err().map(Error::kind)
}

/// An error in our words, with the first error of the probes behind it.
fn first_error(probes: impl IntoIterator<Item = Probe>, kind: ErrorKind, message: String) -> Error {
    let first = probes
        .into_iter()
        .find_map(|probe| Some((probe.operation, probe.answer.err()?)));
    let error = Error::new(kind, message).with_connector(CONNECTOR);
    match first {
        Some((operation, first)) => {
            let error = match first.http() {
                Some(http) => error.with_http(http.clone()),
                None => error,
            };
            error
                .with_operation(operation)
                .with_sent(first.sent())
                .with_source(first)
        }
        None => error,
    }
}
