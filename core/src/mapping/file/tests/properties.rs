//! Any mapping survives every file, and no file harms one.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;
use crate::mapping::{Ratio, Rounding};
use crate::model::Quantity;

/// Texts that are hard on files: quotes, commas, line breaks, formulas, all of Unicode.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9-]{1,8}",
        "['=+@\",;\r\n\t #-]{1,6}",
        "'{0,3}[=a+-].{0,4}",
        any::<String>().prop_filter("not empty", |text| !text.is_empty()),
    ]
}

fn note() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(text())
}

/// Tags that are hard on files: commas, quotes, formulas, letters of all sorts.
fn tags() -> impl Strategy<Value = BTreeSet<Tag>> {
    let text = prop_oneof![
        "[a-z]{1,6}( [a-z]{1,6})?",
        "[='+@\",#-]{1,4}",
        "[a-zA-Zäöüß漢字]{1,8}",
    ];
    let tag = text.prop_filter_map("no tag", |text| Tag::new(&text).ok());
    proptest::collection::btree_set(tag, 0..4)
}

fn provenance() -> impl Strategy<Value = Provenance> {
    prop_oneof![
        Just(Provenance::Exact),
        Just(Provenance::AcceptedSuggestion),
        Just(Provenance::Manual),
        Just(Provenance::Imported),
    ]
}

fn quantity() -> impl Strategy<Value = Quantity> {
    (0..1_000_000_i64, 0..5_u32).prop_map(|(n, scale)| rust_decimal::Decimal::new(n, scale).into())
}

fn rule() -> impl Strategy<Value = ProductRule> {
    let rounding = prop_oneof![
        Just(Rounding::Exact),
        Just(Rounding::Ceil),
        Just(Rounding::Floor),
        Just(Rounding::HalfUp)
    ];
    let ratio = (quantity(), 1..100_u32, rounding).prop_map(|(units, per, rounding)| Ratio {
        units,
        per: per.into(),
        rounding,
    });
    let minimum = proptest::option::of(quantity());
    (text(), proptest::option::of(ratio), quantity(), minimum).prop_map(
        |(product, ratio, included, minimum)| ProductRule {
            product: product.into(),
            daily: None,
            part: None,
            ratio,
            included,
            minimum,
            carries_cost: false,
        },
    )
}

fn account_entry() -> impl Strategy<Value = AccountEntry> {
    prop_oneof![
        note().prop_map(|reason| AccountEntry::Exclude(Exclusion { reason })),
        (
            text(),
            text(),
            note(),
            any::<bool>(),
            provenance(),
            note(),
            tags()
        )
            .prop_map(
                |(company, agreement, metadata_to, enabled, provenance, note, tags)| {
                    AccountEntry::Link(AccountLink {
                        company: company.into(),
                        target: LineTarget::Agreement(agreement.into()),
                        metadata_to: metadata_to.map(Into::into),
                        enabled,
                        provenance,
                        note,
                        tags,
                    })
                }
            ),
    ]
}

fn service_entry() -> impl Strategy<Value = ServiceEntry> {
    let counts = prop_oneof![
        Just(ChargeKind::Recurring),
        Just(ChargeKind::Setup),
        Just(ChargeKind::Usage),
        Just(ChargeKind::Proration),
        Just(ChargeKind::Credit)
    ];
    let parts = (
        vec(rule(), 1..4),
        any::<bool>(),
        counts,
        any::<bool>(),
        provenance(),
        note(),
        tags(),
    );
    prop_oneof![
        note().prop_map(|reason| ServiceEntry::Exclude(Exclusion { reason })),
        parts.prop_map(
            |(mut products, cost, counts, enabled, provenance, note, tags)| {
                let mut seen = std::collections::BTreeSet::new();
                products.retain(|rule| seen.insert(rule.product.clone()));
                products[0].carries_cost = cost;
                ServiceEntry::Link(ServiceLink {
                    products,
                    counts,
                    billed_as: BilledAs::Line,
                    enabled,
                    provenance,
                    note,
                    tags,
                })
            }
        ),
    ]
}

fn mapping() -> impl Strategy<Value = Mapping> {
    let accounts = btree_map(text(), account_entry(), 0..6);
    let services = btree_map(text(), service_entry(), 0..6);
    (accounts, services).prop_map(|(accounts, services)| {
        let mut mapping = Mapping::new();
        for (id, entry) in accounts {
            mapping.set_account(id.into(), entry);
        }
        for (key, entry) in services {
            mapping.set_service(key.into(), entry);
        }
        mapping
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_mapping_survives_toml(mapping in mapping()) {
        let text = mapping.to_toml().unwrap();
        let again = Mapping::from_toml(text.as_bytes(), None);
        prop_assert_eq!(again.as_ref(), Ok(&mapping), "{}", text);
    }

    #[test]
    fn a_mapping_survives_json(mapping in mapping()) {
        let json = serde_json::to_string(&mapping).unwrap();
        prop_assert_eq!(serde_json::from_str::<Mapping>(&json).unwrap(), mapping);
    }

    #[test]
    fn a_mapping_survives_csv(mapping in mapping()) {
        let accounts = mapping.accounts_csv(None).unwrap();
        let services = mapping.services_csv(None).unwrap();
        let mut again = Mapping::new();
        let first = again.import_accounts_csv(accounts.as_bytes(), None);
        prop_assert!(first.is_ok(), "{:?}\n{}", first, accounts);
        let second = again.import_services_csv(services.as_bytes(), None);
        prop_assert!(second.is_ok(), "{:?}\n{}", second, services);
        prop_assert_eq!(&again, &mapping);
        again.import_accounts_csv(accounts.as_bytes(), None).unwrap();
        prop_assert_eq!(again.revision(), mapping.revision());
    }

    #[test]
    fn no_cell_of_an_export_is_a_formula(mapping in mapping()) {
        for file in [mapping.accounts_csv(None).unwrap(), mapping.services_csv(None).unwrap()] {
            let mut reader = ::csv::Reader::from_reader(file.as_bytes());
            for record in reader.records() {
                for cell in &record.unwrap() {
                    prop_assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{:?}", cell);
                    prop_assert!(!cell.starts_with(['\t', '\r', '\n']), "{:?}", cell);
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..400)) {
        let _ = Mapping::from_toml(&bytes, None);
        let _ = Mapping::new().import_accounts_csv(&bytes, None);
        let _ = Mapping::new().import_services_csv(&bytes, None);
    }

    #[test]
    fn a_damaged_file_is_read_or_refused(
        mapping in mapping(),
        damage in vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let hurt = |text: String| {
            let mut bytes = text.into_bytes();
            for (index, byte) in &damage {
                let index = index.index(bytes.len());
                bytes[index] = *byte;
            }
            bytes
        };
        let _ = Mapping::from_toml(&hurt(mapping.to_toml().unwrap()), None);
        for (file, accounts) in [
            (mapping.accounts_csv(None).unwrap(), true),
            (mapping.services_csv(None).unwrap(), false),
        ] {
            let mut subject = mapping.clone();
            let result = if accounts {
                subject.import_accounts_csv(&hurt(file), None)
            } else {
                subject.import_services_csv(&hurt(file), None)
            };
            if result.is_err() {
                prop_assert_eq!(&subject, &mapping);
            }
        }
    }
}
