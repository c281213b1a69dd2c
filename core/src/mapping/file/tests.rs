mod properties;

use super::*;
use crate::mapping::{Ratio, Rounding};
use crate::model::{Agreement, Company, Product, Quantity, Service, VendorAccount};

fn sample() -> Mapping {
    let mut mapping = Mapping::new();
    mapping.set_account(
        "A-1".into(),
        AccountEntry::Link(AccountLink {
            company: "45".into(),
            target: LineTarget::Agreement("101".into()),
            metadata_to: None,
            enabled: true,
            provenance: Provenance::Exact,
            note: None,
            tags: ["vip", "key client"]
                .map(|tag| Tag::new(tag).unwrap())
                .into(),
        }),
    );
    mapping.exclude_account("A-2", "Our own tenant.").unwrap();
    let mut packs = ProductRule::one_to_one("P1");
    packs.ratio = Some(Ratio {
        units: Quantity::ONE,
        per: 25_u32.into(),
        rounding: Rounding::Ceil,
    });
    let fee = ProductRule {
        carries_cost: false,
        ..ProductRule::one_to_one("P2")
    };
    mapping.set_service(
        "SKU".into(),
        ServiceEntry::Link(ServiceLink {
            products: vec![packs, fee],
            counts: ChargeKind::Recurring,
            billed_as: BilledAs::Line,
            enabled: false,
            provenance: Provenance::Manual,
            note: Some("Packs of 25".into()),
            tags: [].into(),
        }),
    );
    mapping
}

#[test]
fn the_toml_is_stable() {
    let text = sample().to_toml().unwrap();
    let body = text.split_once("\n\n").unwrap().1;
    assert_eq!(
        body,
        r#"version = 1
revision = 3

[[accounts]]
id = "A-1"
company = "45"
agreement = "101"
enabled = true
provenance = "exact"
tags = ["key client", "vip"]

[[accounts]]
id = "A-2"
excluded = true
reason = "Our own tenant."

[[services]]
id = "SKU"
counts = "recurring"
enabled = false
provenance = "manual"
note = "Packs of 25"

[[services.products]]
product = "P1"
carries_cost = true

[services.products.ratio]
units = "1"
per = "25"
rounding = "ceil"

[[services.products]]
product = "P2"
carries_cost = false
"#
    );
}

#[test]
fn the_csv_is_stable() {
    assert_eq!(
        sample().accounts_csv(None).unwrap(),
        "account,account_name,decision,company,company_name,agreement,agreement_name,per_service,master,master_name,metadata_to,enabled,provenance,note,tags\n\
         A-1,,link,45,,101,,,,,,yes,exact,,key client; vip\n\
         A-2,,exclude,,,,,,,,,,,Our own tenant.,\n"
    );
    assert_eq!(
        sample().services_csv(None).unwrap(),
        "service,service_name,decision,counts,billed_as,product,product_name,daily,part,ratio_units,ratio_per,rounding,included,minimum,carries_cost,enabled,provenance,note,tags\n\
         SKU,,link,recurring,,P1,,,,1,25,ceil,0,,yes,no,manual,Packs of 25,\n\
         SKU,,link,recurring,,P2,,,,,,,0,,no,no,manual,Packs of 25,\n"
    );
}

#[test]
fn another_version_is_refused_before_anything_else() {
    let error = Mapping::from_toml(b"# hello\nversion = 2\nnew_field = true\n", None).unwrap_err();
    assert_eq!(error.problems()[0].line, Some(2));
    assert!(
        error
            .to_string()
            .contains("format version 2, and this library reads version 1")
    );
    let error = Mapping::from_toml(b"revision = 2", None).unwrap_err();
    assert!(error.to_string().contains("begin it with version = 1"));
    let error = serde_json::from_str::<Mapping>(r#"{"version":7,"more":1}"#).unwrap_err();
    assert!(error.to_string().contains("format version 7"));
}

struct Records {
    accounts: Vec<VendorAccount>,
    services: Vec<Service>,
    companies: Vec<Company>,
    agreements: Vec<Agreement>,
    products: Vec<Product>,
}

impl Records {
    fn new() -> Self {
        Self {
            accounts: vec![
                VendorAccount::new("A-1", "=Contoso"),
                VendorAccount::new("A-3", "New"),
            ],
            services: vec![Service::new("SKU", "Seats"), Service::new("SKU-2", "More")],
            companies: vec![Company::new("45", "Contoso")],
            agreements: vec![Agreement::new("101", "45", "Cloud")],
            products: vec![Product::new("P1", "SEAT", "Seat")],
        }
    }

    fn directory(&self) -> Directory<'_> {
        Directory::new(
            &self.accounts,
            &self.services,
            &self.companies,
            &self.agreements,
            &self.products,
        )
    }
}

fn lines(error: &ImportError) -> Vec<(Option<u64>, Option<&str>)> {
    error
        .problems()
        .iter()
        .map(|problem| (problem.line, problem.id.as_deref()))
        .collect()
}

#[test]
fn every_bad_row_of_a_toml_file_is_named_with_its_line() {
    let records = Records::new();
    let text = "version = 1\nrevision = 1\n\n\
        [[accounts]]\nid = \"A-1\"\ncompany = 45\nagreement = 101\n\n\
        [[accounts]]\nid = \"A-9\"\ncompany = 45\nagreement = 101\n\n\
        [[accounts]]\nid = \"A-1\"\nexcluded = true\n\n\
        [[services]]\nid = \"SKU\"\n[[services.products]]\nproduct = \"P9\"\n";
    let error = Mapping::from_toml(text.as_bytes(), Some(&records.directory())).unwrap_err();
    assert_eq!(
        lines(&error),
        [
            (Some(9), Some("A-9")),
            (Some(14), Some("A-1")),
            (Some(18), Some("SKU"))
        ]
    );
    assert_eq!(
        error.problems()[1].to_string(),
        "line 14, A-1: it is decided already on line 4: keep one of the two"
    );
    assert_eq!(Error::from(error).kind(), ErrorKind::Mapping);
}

#[test]
fn an_unknown_field_is_refused_with_its_line() {
    let text = b"version = 1\nrevision = 1\n[[accounts]]\nid = \"A\"\nenabeld = true\n";
    let error = Mapping::from_toml(text, None).unwrap_err();
    assert_eq!(error.problems()[0].line, Some(5));
    assert!(error.to_string().contains("enabeld"), "{error}");
}

#[test]
fn every_bad_row_of_a_csv_file_is_named_and_none_is_applied() {
    let records = Records::new();
    let directory = records.directory();
    let mut mapping = sample();
    let file = "account,decision,company,agreement,enabled,provenance,note\n\
        A-3,link,45,101,yes,,\n\
        A-1,link,99,101,yes,,\"a note\non two lines\"\n\
        A-1,link,45,101,maybe,,\n\
        A-3,,45\n\
        A-3,unmapped,45,,,,\n\
        ,exclude,,,,,\n";
    let error = mapping
        .import_accounts_csv(file.as_bytes(), Some(&directory))
        .unwrap_err();
    assert_eq!(
        lines(&error),
        [
            (Some(3), Some("A-1")),
            (Some(5), Some("A-1")),
            (Some(6), None),
            (Some(7), Some("A-3")),
            (Some(8), None)
        ]
    );
    assert!(error.to_string().starts_with(
        "the mapping file was not applied: line 3, A-1: company 99 is unknown in the PSA"
    ));
    assert!(error.to_string().ends_with("; and 2 more"));
    assert_eq!(mapping, sample());
}

#[test]
fn bad_service_rows_are_named() {
    let header = "service,decision,counts,product,ratio_units,ratio_per,rounding,included,\
                  minimum,carries_cost,enabled,provenance,note\n";
    for (rows, line, words) in [
        ("S,,,P1,1,,,,,,,,\n", 2, "fill in both"),
        ("S,,,P1,,,,x,,,,,\n", 2, "included is \"x\": write a number"),
        (
            "S,,,P1,,,,,,,yes,,\nS,,,P2,,,,,,,no,,\n",
            3,
            "enabled differs from line 2",
        ),
        (
            "S,,,P1,,,,,,yes,,,\nS,,,P2,,,,,,yes,,,\n",
            2,
            "both carry the cost",
        ),
        ("S,,,P1,,,,,,,,,\nS,,,P1,,,,,,,,,\n", 2, "twice"),
        ("S,link,,,,,,,,,,,\n", 2, "names no product"),
        ("S,,,,2,1,,,,,,,\n", 2, "a rule but no product"),
        ("S,,,P1,1,0,,,,,,,\n", 2, "per zero"),
    ] {
        let file = format!("{header}{rows}");
        let error = Mapping::new()
            .import_services_csv(file.as_bytes(), None)
            .unwrap_err();
        assert_eq!(lines(&error), [(Some(line), Some("S"))], "{rows}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_header_with_a_wrong_column_says_which_columns_there_are() {
    for (file, words) in [
        ("", "the column account is missing"),
        (
            "account;decision\n",
            "there is no column \"account;decision\"",
        ),
        ("account,account\n", "column account is there twice"),
    ] {
        let error = Mapping::new()
            .import_accounts_csv(file.as_bytes(), None)
            .unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn an_exported_sheet_can_be_filled_in_and_imported() {
    let records = Records::new();
    let directory = records.directory();
    let mut mapping = Mapping::new();
    let sheet = mapping.accounts_csv(Some(&directory)).unwrap();
    assert!(
        sheet.ends_with("A-1,'=Contoso,,,,,,,,,,,,,\nA-3,New,,,,,,,,,,,,,\n"),
        "{sheet}"
    );
    assert_eq!(
        mapping
            .import_accounts_csv(sheet.as_bytes(), Some(&directory))
            .unwrap()
            .unchanged,
        2
    );
    let filled = sheet.replace("A-3,New,,,,,", "A-3,New,,45,,101,");
    let with_mark = format!("\u{feff}{}", filled.replace('\n', "\r\n"));
    let summary = mapping
        .import_accounts_csv(with_mark.as_bytes(), Some(&directory))
        .unwrap();
    assert_eq!((summary.set, summary.unchanged), (1, 1));
    let Some(AccountEntry::Link(link)) = mapping.account(&"A-3".into()) else {
        panic!("not linked");
    };
    assert_eq!(
        (link.provenance, link.enabled),
        (Provenance::Imported, true)
    );

    let sheet = mapping.services_csv(Some(&directory)).unwrap();
    let filled = sheet.replace("SKU-2,More,,,,,", "SKU-2,More,,,,P1,");
    mapping
        .import_services_csv(filled.as_bytes(), Some(&directory))
        .unwrap();
    let Some(ServiceEntry::Link(link)) = mapping.service(&"SKU-2".into()) else {
        panic!("not linked");
    };
    assert_eq!(link.products, [ProductRule::one_to_one("P1")]);

    let clear = "account,decision,company,agreement,enabled,provenance,note\nA-3,unmapped,,,,,\n";
    let summary = mapping
        .import_accounts_csv(clear.as_bytes(), Some(&directory))
        .unwrap();
    assert_eq!((summary.cleared, mapping.linked_accounts()), (1, 0));
}

#[test]
fn a_file_that_is_too_large_is_refused_unread() {
    let bytes = vec![b'#'; MAX_FILE_BYTES + 1];
    let error = Mapping::from_toml(&bytes, None).unwrap_err();
    assert!(error.to_string().contains("split it"));
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    let deep = 200_000;
    let dotted = vec!["a"; deep].join(".");
    for text in [
        format!("x = {}", "[".repeat(deep)),
        format!("x = {}", "{a=".repeat(deep)),
        format!("{dotted} = 1"),
        format!("[{dotted}]"),
        format!("[[{dotted}]]"),
        format!("version = 1\nrevision = 1\n[[accounts]]\nid.{dotted} = 1"),
    ] {
        assert!(Mapping::from_toml(text.as_bytes(), None).is_err());
    }
}

/// Links per service and charges, which files name in columns of their own.
fn per_service() -> Mapping {
    let mut mapping = Mapping::new();
    let account = AccountLink::manual("45", LineTarget::PerService);
    mapping.set_account("A-1".into(), AccountEntry::Link(account));
    let master = "71".into();
    let bundled = AccountLink::manual("46", LineTarget::Bundled { master });
    mapping.set_account("A-2".into(), AccountEntry::Link(bundled));
    let service = ServiceLink {
        products: vec![ProductRule::one_to_one("P1")],
        counts: ChargeKind::Usage,
        billed_as: BilledAs::Charge,
        enabled: true,
        provenance: Provenance::Manual,
        note: None,
        tags: [].into(),
    };
    mapping.set_service("AZURE".into(), ServiceEntry::Link(service));
    mapping
}

#[test]
fn agreements_per_service_and_charges_survive_both_kinds_of_file() {
    let mapping = per_service();
    let toml = mapping.to_toml().unwrap();
    assert!(toml.contains("per_service = true"), "{toml}");
    assert!(toml.contains("master = \"71\""), "{toml}");
    assert!(toml.contains("billed_as = \"charge\""), "{toml}");
    let read = Mapping::from_toml(toml.as_bytes(), None).unwrap();
    let decisions = |mapping: &Mapping| {
        let accounts: Vec<_> = mapping
            .accounts()
            .map(|(id, e)| (id.clone(), e.clone()))
            .collect();
        let services: Vec<_> = mapping
            .services()
            .map(|(id, e)| (id.clone(), e.clone()))
            .collect();
        (accounts, services)
    };
    assert_eq!(decisions(&read), decisions(&mapping));
    let mut imported = Mapping::new();
    let accounts = mapping.accounts_csv(None).unwrap();
    assert!(
        accounts.contains("A-1,,link,45,,,,yes,,,,yes,manual,"),
        "{accounts}"
    );
    assert!(
        accounts.contains("A-2,,link,46,,,,,71,,,yes,manual,"),
        "{accounts}"
    );
    imported
        .import_accounts_csv(accounts.as_bytes(), None)
        .unwrap();
    let services = mapping.services_csv(None).unwrap();
    imported
        .import_services_csv(services.as_bytes(), None)
        .unwrap();
    assert_eq!(decisions(&imported), decisions(&mapping));
}

#[test]
fn a_link_names_one_agreement_or_one_for_each_service_and_a_charge_one_product() {
    let account = |rest: &str| {
        let text = format!("version = 1\nrevision = 1\n[[accounts]]\nid = \"A\"\n{rest}");
        Mapping::from_toml(text.as_bytes(), None)
    };
    let error = account("company = \"45\"\nagreement = \"1\"\nper_service = true").unwrap_err();
    assert!(
        error.to_string().contains("one for each service"),
        "{error}"
    );
    assert!(account("per_service = true").is_err());
    assert!(account("master = \"71\"").is_err());
    assert!(account("company = \"45\"\nmaster = \"71\"").is_ok());
    for two in ["per_service = true", "agreement = \"1\""] {
        let error = account(&format!("company = \"45\"\nmaster = \"71\"\n{two}")).unwrap_err();
        assert!(error.to_string().contains("master agreement"), "{error}");
    }
    assert!(account("company = \"45\"\nper_service = true").is_ok());
    let mut charge = ServiceLink {
        products: vec![ProductRule::one_to_one("P1"), ProductRule::one_to_one("P2")],
        counts: ChargeKind::Usage,
        billed_as: BilledAs::Charge,
        enabled: true,
        provenance: Provenance::Manual,
        note: None,
        tags: [].into(),
    };
    assert!(charge.validate().is_err());
    charge.products.truncate(1);
    assert!(charge.validate().is_ok());
    charge.products[0].minimum = Some(3_u32.into());
    assert!(charge.validate().is_err());
}

#[test]
fn a_sheet_of_before_without_tags_leaves_them_as_they_are() {
    let mut mapping = sample();
    let sheet = mapping.accounts_csv(None).unwrap();
    let without = |sheet: &str| -> String {
        let cut = |line: &str| line.rsplit_once(',').unwrap().0.to_owned() + "\n";
        sheet.lines().map(cut).collect()
    };
    let before = mapping.clone();
    let summary = mapping.import_accounts_csv(without(&sheet).as_bytes(), None);
    assert_eq!(summary.unwrap().unchanged, 2);
    assert_eq!(mapping, before);
    let emptied = sheet.replace("key client; vip", " ; ");
    mapping
        .import_accounts_csv(emptied.as_bytes(), None)
        .unwrap();
    assert!(mapping.tags().is_empty());
}

#[test]
fn wrong_tags_are_named_with_their_place() {
    let text = "version = 1\nrevision = 1\n[[accounts]]\nid = \"A\"\ncompany = \"45\"\nagreement = \"1\"\n";
    let toml = format!("{text}tags = [\"a;b\"]\n");
    let error = Mapping::from_toml(toml.as_bytes(), None).unwrap_err();
    assert!(error.to_string().contains("semicolon"), "{error}");
    assert_eq!(error.problems()[0].line, Some(7), "{error}");
    let toml = format!("{text}[[accounts]]\nid = \"B\"\nexcluded = true\ntags = [\"vip\"]\n");
    let error = Mapping::from_toml(toml.as_bytes(), None).unwrap_err();
    assert!(error.to_string().contains("excluded and linked"), "{error}");
    let long = "x".repeat(51);
    let csv = format!(
        "account,decision,company,agreement,enabled,provenance,note,tags\n\
         A,link,45,1,,,,{long}\nB,,,,,,,vip\n"
    );
    let error = Mapping::new()
        .import_accounts_csv(csv.as_bytes(), None)
        .unwrap_err();
    let said = error.to_string();
    assert_eq!(lines(&error), [(Some(2), Some("A")), (Some(3), Some("B"))]);
    assert!(
        said.contains("longer than 50") && said.contains("no decision"),
        "{said}"
    );
}

#[test]
fn b18_a_sheet_of_before_keeps_which_note_gets_an_accounts_metadata_while_the_company_is_the_same()
{
    let mut mapping = sample();
    let account = VendorAccountId::from("A-1");
    let Some(AccountEntry::Link(link)) = mapping.account(&account).cloned() else {
        panic!("not linked");
    };
    let chosen = AccountLink {
        metadata_to: Some("102".into()),
        ..link
    };
    mapping.set_account(account.clone(), AccountEntry::Link(chosen));
    let sheet = mapping.accounts_csv(None).unwrap();
    assert!(sheet.contains("A-1,,link,45,,101,,,,,102,yes,"), "{sheet}");
    let after = |mapping: &Mapping| match mapping.account(&account) {
        Some(AccountEntry::Link(link)) => link.metadata_to.clone(),
        other => panic!("{other:?}"),
    };
    let import = |mapping: &mut Mapping, company: &str| {
        let sheet = format!(
            "account,decision,company,agreement,enabled,provenance,note\nA-1,link,{company},101,,,\n"
        );
        mapping.import_accounts_csv(sheet.as_bytes(), None).unwrap();
    };
    import(&mut mapping, "45");
    assert_eq!(after(&mapping), Some("102".into()));
    import(&mut mapping, "46");
    assert_eq!(after(&mapping), None);
}
