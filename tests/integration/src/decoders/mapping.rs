//! The mapping files.

use tallyline_core::mapping::{ImportError, Mapping};

use super::json;

/// What the CSV import accepts is exported and imported again as the same mapping, and no
/// exported cell is a formula.
pub fn mapping_csv(data: &[u8]) {
    let mut mapping = Mapping::new();
    let mut again = Mapping::new();
    match mapping.import_accounts_csv(data, None) {
        Ok(summary) => {
            let text = mapping.accounts_csv(None).unwrap();
            no_formula(&text);
            let repeated = again.import_accounts_csv(text.as_bytes(), None);
            let repeated = accepted(repeated, &text);
            assert_eq!(repeated.set, summary.set, "{text}");
            assert_eq!(again, mapping, "{text}");
            assert_eq!(again.accounts_csv(None).unwrap(), text);
        }
        Err(error) => refused(&error, &mapping),
    }
    let mut mapping = Mapping::new();
    let mut again = Mapping::new();
    match mapping.import_services_csv(data, None) {
        Ok(summary) => {
            let text = mapping.services_csv(None).unwrap();
            no_formula(&text);
            let repeated = again.import_services_csv(text.as_bytes(), None);
            let repeated = accepted(repeated, &text);
            assert_eq!(repeated.set, summary.set, "{text}");
            assert_eq!(again, mapping, "{text}");
            assert_eq!(again.services_csv(None).unwrap(), text);
        }
        Err(error) => refused(&error, &mapping),
    }
}

/// What the TOML import accepts is exported and imported again as the same mapping; the same
/// for the mapping as JSON.
pub fn mapping_toml(data: &[u8]) {
    match Mapping::from_toml(data, None) {
        Ok(mapping) => survives(&mapping),
        Err(error) => refused(&error, &Mapping::new()),
    }
    if let Some(mapping) = json::round_trip::<Mapping>(data) {
        // A revision of more than 63 bits cannot be written as TOML.
        if i64::try_from(mapping.revision()).is_ok() {
            survives(&mapping);
        }
    }
}

fn survives(mapping: &Mapping) {
    let text = mapping.to_toml().unwrap();
    let again = accepted(Mapping::from_toml(text.as_bytes(), None), &text);
    assert_eq!(&again, mapping, "{text}");
    assert_eq!(again.to_toml().unwrap(), text);
    let written = json::write(mapping);
    assert_eq!(&json::read::<Mapping>(&written), mapping, "{written}");
    let mut accounts = Mapping::new();
    let text = mapping.accounts_csv(None).unwrap();
    accepted(accounts.import_accounts_csv(text.as_bytes(), None), &text);
    let same = accounts.accounts().eq(mapping.accounts());
    assert!(same, "{text}\n{accounts:?}\n{mapping:?}");
    let mut services = Mapping::new();
    let text = mapping.services_csv(None).unwrap();
    accepted(services.import_services_csv(text.as_bytes(), None), &text);
    let same = services.services().eq(mapping.services());
    assert!(same, "{text}\n{services:?}\n{mapping:?}");
}

fn accepted<T>(result: Result<T, ImportError>, text: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("the export is refused: {error}\n{text}"),
    }
}

/// Nothing of a refused file was applied, and the problems can be shown.
fn refused(error: &ImportError, mapping: &Mapping) {
    assert_eq!(mapping, &Mapping::new());
    assert!(!error.problems().is_empty());
    let shown = error.to_string();
    assert!(!shown.contains(char::is_control), "{shown:?}");
}

fn no_formula(text: &str) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    for record in reader.records() {
        for cell in &record.unwrap() {
            let seen = cell.trim_start();
            assert!(!seen.starts_with(['=', '+', '-', '@']), "{cell:?}");
        }
    }
}
