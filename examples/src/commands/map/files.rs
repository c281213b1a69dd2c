//! `map import` and `map export`: TOML, or CSV of accounts or services.

use std::path::Path;

use tallyline_core::mapping::Mapping;
use tallyline_core::model::{Service, VendorAccount};
use tallyline_core::{Error, ErrorKind, Result};

use super::{Context, Desk, keep};
use crate::files;
use crate::mapping_file;
use crate::outcome::Outcome;

/// What a file holds, by its name and first line.
enum Form {
    Toml,
    AccountsCsv,
    ServicesCsv,
}

/// `map import`.
pub(super) async fn import(context: &Context, file: &Path) -> Result<Outcome> {
    let text = files::read_text(file, "the mapping file", ErrorKind::Mapping)?;
    let form = match extension(file).as_deref() {
        Some("csv") if first_cell(&text) == "account" => Form::AccountsCsv,
        Some("csv") if first_cell(&text) == "service" => Form::ServicesCsv,
        Some("csv") => {
            return Err(Error::new(
                ErrorKind::Mapping,
                format!(
                    "{}, line 1: the first column must be `account` or `service`",
                    files::shown(file)
                ),
            ));
        }
        _ => Form::Toml,
    };
    let mut desk = Desk::open(context).await?;
    remember_what_was_decided(&mut desk);
    let known = desk.lists.directory();
    let bytes = text.as_bytes();
    let problem = |error: tallyline_core::mapping::ImportError| {
        Error::new(
            ErrorKind::Mapping,
            format!("{}: {error}", files::shown(file)),
        )
    };
    let done = match form {
        Form::Toml => {
            let read = Mapping::from_toml(bytes, Some(&known)).map_err(problem)?;
            let (accounts, services) = (read.accounts().count(), read.services().count());
            desk.mapping.replace_with(read);
            format!("the mapping is now the file's: {accounts} accounts, {services} services")
        }
        Form::AccountsCsv | Form::ServicesCsv => {
            let summary = match form {
                Form::AccountsCsv => desk.mapping.import_accounts_csv(bytes, Some(&known)),
                _ => desk.mapping.import_services_csv(bytes, Some(&known)),
            }
            .map_err(problem)?;
            format!(
                "{} decided, {} taken back, {} as before",
                summary.set, summary.cleared, summary.unchanged
            )
        }
    };
    keep(context, &desk.config, &desk.mapping, &done)
}

/// Takes what the mapping decides about already for known, though the vendor may list it no
/// longer: what was exported can be imported again.
fn remember_what_was_decided(desk: &mut Desk) {
    for (id, _) in desk.mapping.accounts() {
        if !desk.lists.accounts.iter().any(|account| account.id == *id) {
            desk.lists.accounts.push(VendorAccount::new(id.clone(), ""));
        }
    }
    for (key, _) in desk.mapping.services() {
        if !desk
            .lists
            .services
            .iter()
            .any(|service| service.key == *key)
        {
            desk.lists.services.push(Service::new(key.clone(), ""));
        }
    }
}

/// `map export`: for CSV the file's name says whether of accounts or of services.
pub(super) async fn export(context: &Context, file: &Path) -> Result<Outcome> {
    let csv = extension(file).as_deref() == Some("csv");
    let text = if csv {
        let desk = Desk::open(context).await?;
        let known = desk.lists.directory();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.contains("service") {
            desk.mapping.services_csv(Some(&known))?
        } else if name.contains("account") {
            desk.mapping.accounts_csv(Some(&known))?
        } else {
            return Err(Error::new(
                ErrorKind::Mapping,
                "a CSV file holds accounts or services: name it so, like accounts.csv",
            ));
        }
    } else {
        mapping_file::load(&context.config()?)?.to_toml()?
    };
    let is_of_kind = |there: &str| match csv {
        true => there.lines().next() == text.lines().next(),
        false => Mapping::from_toml(there.as_bytes(), None).is_ok(),
    };
    files::write_over_own_kind(file, "the mapping file", &text, is_of_kind)?;
    let shown = files::shown(file);
    context
        .out
        .print(&serde_json::json!({ "file": shown }), || {
            format!("the mapping is in {shown}")
        })?;
    Ok(Outcome::Done)
}

fn extension(file: &Path) -> Option<String> {
    Some(file.extension()?.to_str()?.to_ascii_lowercase())
}

fn first_cell(text: &str) -> &str {
    let line = text.trim_start_matches('\u{feff}').lines().next();
    let cell = line.and_then(|line| line.split([',', ';', '\t']).next());
    cell.unwrap_or_default().trim().trim_matches('"')
}
