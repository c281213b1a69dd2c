//! What a configuration may say, and what is said of one that cannot be read.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop at once"
)]

use rust_decimal::Decimal;
use tallyline_cloudmore::fields::FieldMap;
use tallyline_core::plan::Strategy;

use super::*;

const GOOD: &str = r#"
[source]
kind = "sherweb"
client_id = "example"
client_secret = { env = "TALLYLINE_TEST_NOT_SET" }
subscription_key = { file = "key.txt" }

[sink]
kind = "connectwise"
site = "https://psa.example.com"
company_id = "example"
public_key = "public"
private_key = { env = "X" }
client_id = "client"

[policy]
vendor_missing = "end_line"
"#;

fn load(text: &str) -> Result<Config> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tallyline.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(&path)
}

#[test]
fn a_good_file_reads_and_its_paths_are_beside_it() {
    let config = load(GOOD).unwrap();
    assert!(config.mapping_file.is_absolute());
    assert!(config.mapping_file.ends_with("mapping.toml"));
    assert_eq!(
        config.policy.vendor_missing,
        tallyline_core::plan::VendorMissing::EndLine
    );
}

#[test]
fn strategy_and_marker_are_chosen_for_the_connection() {
    let connectwise = |config: Config| match config.sink {
        SinkConfig::ConnectWise(settings) => settings,
        other => panic!("{other:?}"),
    };
    let plain = connectwise(load(GOOD).unwrap());
    assert_eq!(plain.strategy, Strategy::InPlace);
    assert_eq!(plain.marker, MarkerConfig::SerialNumber);
    let with = |lines: &str| {
        load(&GOOD.replace("[sink]\n", &format!("[sink]\n{lines}\n"))).map(connectwise)
    };
    let sink = with(
        "strategy = \"in_place_with_catch_up\"\n\
         marker = { custom_field = { id = 7, caption = \"Sync\" } }",
    )
    .unwrap();
    assert_eq!(sink.strategy, Strategy::InPlaceWithCatchUp);
    let field = MarkerConfig::CustomField {
        id: 7,
        caption: "Sync".to_owned(),
    };
    assert_eq!(sink.marker, field);
    let sink = with("strategy = \"versioned\"\nmarker = \"journal_only\"").unwrap();
    assert_eq!(sink.strategy, Strategy::Versioned);
    assert_eq!(sink.marker, MarkerConfig::JournalOnly);
    let message = with("strategy = \"delete_all\"").unwrap_err().to_string();
    assert!(message.contains("delete_all"), "{message}");
}

#[test]
fn the_example_that_comes_with_the_program_reads() {
    load(include_str!("../../tallyline.example.toml")).unwrap();
}

#[test]
fn a_secret_in_the_file_is_refused_by_the_line_of_its_section_and_never_repeated() {
    let text = GOOD.replace(
        r#"{ env = "TALLYLINE_TEST_NOT_SET" }"#,
        r#""hunter2-example""#,
    );
    let message = load(&text).unwrap_err().to_string();
    // The settings are read by kind: the line is that of their section.
    assert!(message.contains("line 2"), "{message}");
    assert!(message.contains("must not stand in this file"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn an_unknown_setting_is_refused_by_its_name_and_line() {
    let text = GOOD.replace("vendor_missing", "vendor_mising");
    let message = load(&text).unwrap_err().to_string();
    assert!(message.contains("vendor_mising"), "{message}");
    assert!(message.contains("line 17"), "{message}");
}

const AUTOTASK: &str = r#"
[source]
kind = "sherweb"
client_id = "example"
client_secret = { env = "X" }
subscription_key = { env = "X" }

[sink]
kind = "autotask"
user_name = "api@example.com"
integration_code = { env = "X" }
secret = { env = "X" }
effective_days = "prorated"
currency = "EUR"
"#;

#[test]
fn each_kind_of_sink_has_settings_of_its_own_and_no_others() {
    let config = load(AUTOTASK).unwrap();
    let SinkConfig::Autotask(sink) = &config.sink else {
        panic!("{:?}", config.sink)
    };
    assert!(matches!(sink.effective_days, EffectiveDaysConfig::Prorated));
    let foreign = AUTOTASK.replace("currency =", "site =");
    let message = load(&foreign).unwrap_err().to_string();
    assert!(message.contains("unknown field `site`"), "{message}");
    let bare = AUTOTASK.replace("user_name = \"api@example.com\"\n", "");
    let message = load(&bare).unwrap_err().to_string();
    assert!(message.contains("missing field `user_name`"), "{message}");
    let secret = AUTOTASK.replace(
        "secret = { env = \"X\" }\neff",
        "secret = \"hunter2-example\"\neff",
    );
    let message = load(&secret).unwrap_err().to_string();
    assert!(message.contains("must not stand in this file"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

fn sherweb(config: &Config) -> &SherwebConfig {
    match &config.source {
        SourceConfig::Sherweb(settings) => settings,
        other => panic!("{other:?}"),
    }
}

/// The good file with another source.
fn with_source(source: &str) -> String {
    let sink = GOOD.find("[sink]").unwrap();
    format!("[source]\n{source}\n{}", &GOOD[sink..])
}

const CLOUDMORE: &str = r#"kind = "cloudmore"
username = "api@example.com"
password = { env = "X" }
client_secret = { env = "Y" }
reseller_id = "r-1"
services = ["Azure", "CSP 365"]
field_map = { quantity = ["licenseCount"], kinds = { Fee = "CycleFee" } }"#;

#[test]
fn a_cloudmore_source_reads_with_its_field_map() {
    let config = load(&with_source(CLOUDMORE)).unwrap();
    let SourceConfig::Cloudmore(settings) = config.source else {
        panic!("{:?}", config.source);
    };
    let map = settings.field_map.unwrap();
    assert_eq!(map.quantity.len(), 1);
    assert_eq!(map.currency, FieldMap::default().currency);
}

const DANDH: &str = r#"kind = "dandh"
username = "sync@msp.example"
password = { env = "X" }
parent_account_id = 410022
quantity_policy = "max""#;

#[test]
fn a_dandh_source_takes_its_parent_as_a_number_or_as_the_portals_address() {
    for (parent, read) in [
        ("410022", "410022"),
        ("\"410022\"", "410022"),
        (
            "\"https://market.example/#/Account/View/410022/Overview\"",
            "https://market.example/#/Account/View/410022/Overview",
        ),
    ] {
        let text = DANDH.replace("410022", parent);
        let config = load(&with_source(&text)).unwrap();
        let SourceConfig::Dandh(settings) = config.source else {
            panic!("{:?}", config.source);
        };
        assert_eq!(&*settings.parent_account_id, read);
        assert!(matches!(
            settings.quantity_policy,
            QuantityPolicyConfig::Max
        ));
    }
    let wrong = DANDH.replace("\"max\"", "\"average\"");
    let message = load(&with_source(&wrong)).unwrap_err().to_string();
    assert!(message.contains("average"), "{message}");
}

#[test]
fn a_setting_of_another_kind_of_source_and_a_wrong_entry_of_the_map_are_refused_by_name() {
    for (right, wrong) in [
        ("reseller_id", "subscription_key = \"k\"\nreseller_id"),
        ("quantity =", "quantities ="),
        ("username = \"api@example.com\"\n", ""),
    ] {
        let text = CLOUDMORE.replace(right, wrong);
        assert_ne!(text, CLOUDMORE);
        let message = load(&with_source(&text)).unwrap_err().to_string();
        let name = ["subscription_key", "quantities", "username"];
        assert!(name.iter().any(|name| message.contains(name)), "{message}");
    }
}

#[test]
fn a_variable_that_is_not_set_is_named_with_its_setting() {
    let config = load(GOOD).unwrap();
    let error = config
        .secret("[source] client_secret", &sherweb(&config).client_secret)
        .err()
        .unwrap();
    let message = error.to_string();
    assert!(message.contains("[source] client_secret"), "{message}");
    assert!(message.contains("TALLYLINE_TEST_NOT_SET"), "{message}");
}

#[cfg(unix)]
#[test]
fn a_secret_file_that_others_can_read_gives_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tallyline.toml");
    std::fs::write(&path, GOOD).unwrap();
    let key = folder.path().join("key.txt");
    std::fs::write(&key, "an-example-key\n").unwrap();
    let config = Config::load(&path).unwrap();
    let warning = |mode| {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let name = "[source] subscription_key";
        config
            .secret(name, &sherweb(&config).subscription_key)
            .unwrap()
            .warning
    };
    assert!(warning(0o644).unwrap().contains("chmod 600"));
    assert_eq!(warning(0o600), None);
}

const INGRAM: &str = r#"kind = "ingram"
base_url = "https://api.cloud.im/marketplace/na"
marketplace = "us"
username = "example-msp.API"
password = { env = "X" }
subscription_key = { env = "Y" }
hold = "count""#;

#[test]
fn an_ingram_source_reads_with_its_rules_and_keeps_its_progress_beside_the_file() {
    let config = load(&with_source(INGRAM)).unwrap();
    let SourceConfig::Ingram(settings) = config.source else {
        panic!("{:?}", config.source);
    };
    assert!(matches!(settings.hold, StatusRuleConfig::Count));
    assert!(matches!(settings.pending, StatusRuleConfig::Unobserved));
    assert_eq!(settings.progress, Path::new("tallyline-ingram.jsonl"));
    let wrong = INGRAM.replace("\"count\"", "\"perhaps\"");
    let message = load(&with_source(&wrong)).unwrap_err().to_string();
    assert!(message.contains("perhaps"), "{message}");
}

const HYALTO: &str = r#"kind = "hyalto"
access_key = "12.00000000-0000-4000-8000-000000000000"
secret_key = { env = "X" }
reduction = "average"
window_days = 30
kinds = { edgeGateway = "edge" }
[source.units]
ram = { factor = "0.0009765625", unit = "GB", expected = "MB" }
storage = { unit = "GB" }"#;

#[test]
fn a_hyalto_source_reads_with_its_reduction_and_its_exact_factors() {
    let config = load(&with_source(HYALTO)).unwrap();
    let SourceConfig::HyAlto(settings) = config.source else {
        panic!("{:?}", config.source);
    };
    assert!(matches!(settings.reduction, ReductionConfig::Average));
    assert!(matches!(settings.auth_scheme, AuthSchemeConfig::Auto));
    assert_eq!(settings.units["ram"].factor.to_string(), "0.0009765625");
    assert_eq!(settings.units["storage"].factor, Decimal::ONE);
    assert_eq!(settings.kinds["edgeGateway"], "edge");
    for (good, bad) in [("\"average\"", "\"mean\""), ("\"0.0009765625\"", "0.1")] {
        let wrong = HYALTO.replace(good, bad);
        assert!(load(&with_source(&wrong)).is_err(), "{bad}");
    }
}

#[test]
fn a_figure_that_cannot_be_meant_is_refused_by_its_key() {
    let policy = |line: &str| GOOD.replace("vendor_missing = \"end_line\"", line);
    let refused = |text: String, words: &str| {
        let error = load(&text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let said = error.to_string();
        assert!(
            said.contains(words) && said.contains("tallyline.toml"),
            "{said}"
        );
    };
    for (line, words) in [
        (
            "reduction_limit = { percent = \"-5\", lines = 5 }",
            "policy.reduction_limit.percent is -5",
        ),
        (
            "reduction_limit = { percent = \"101\", lines = 5 }",
            "policy.reduction_limit.percent is 101",
        ),
        (
            "increase_limit = { percent = \"-0.5\", lines = 5 }",
            "policy.increase_limit.percent is -0.5",
        ),
        ("plan_valid_hours = 0", "policy.plan_valid_hours is 0"),
        (
            "plan_valid_hours = 100000",
            "policy.plan_valid_hours is 100000",
        ),
        (
            "new_agreement_months = 0",
            "policy.new_agreement_months is 0",
        ),
        ("unit_cost_digits = 40", "policy.unit_cost_digits is 40"),
        ("[network]\nattempts = 0", "network.attempts is 0"),
    ] {
        refused(policy(line), words);
    }
    let source = |lines: &str| {
        let sink = GOOD.split_once("[sink]").unwrap().1;
        format!("[source]\n{lines}\n[sink]{sink}")
    };
    let hyalto = "kind = \"hyalto\"\naccess_key = \"a\"\nsecret_key = { env = \"X\" }\n";
    for (lines, words) in [
        ("window_days = 0", "source.window_days is 0"),
        (
            "units = { RAM = { factor = \"0\" } }",
            "source.units.RAM.factor is 0",
        ),
        (
            "units = { RAM = { factor = \"-1\" } }",
            "source.units.RAM.factor is -1",
        ),
    ] {
        refused(source(&format!("{hyalto}{lines}")), words);
    }
    for good in [
        "reduction_limit = { percent = \"100\", lines = 0 }",
        "increase_limit = { percent = \"250\", lines = 0 }",
        "plan_valid_hours = 1",
        "money_rounding = \"half_even\"",
        "[network]\nrequests_per_second = 0",
    ] {
        assert!(load(&policy(good)).is_ok(), "{good}");
    }
}

const VCD: &str = r#"kind = "vcd"
base_url = "https://vcd.example.com"
org = "System"
api_token = { env = "X" }
basis = "used"
granularity = "vm"
powered_off = "storage_only"
storage = "by_policy"
[source.granularities]
0a1b2c3d-0000-4000-8000-000000000001 = "both""#;

#[test]
fn a_source_of_vmware_cloud_director_reads_with_its_choices() {
    let config = load(&with_source(VCD)).unwrap();
    let SourceConfig::Vcd(settings) = config.source else {
        panic!("{:?}", config.source);
    };
    assert!(matches!(settings.basis, vcd::BasisConfig::Used));
    assert!(matches!(settings.granularity, vcd::GranularityConfig::Vm));
    assert!(matches!(
        settings.powered_off,
        vcd::PoweredOffConfig::StorageOnly
    ));
    assert!(matches!(settings.storage, vcd::StorageConfig::ByPolicy));
    assert!(matches!(settings.units, vcd::UnitsConfig::GhzAndGb));
    assert_eq!(settings.granularities.len(), 1);
    assert!(settings.user.is_none() && settings.password.is_none());
    for (good, bad) in [("\"used\"", "\"perhaps\""), ("org =", "organisation =")] {
        let wrong = VCD.replace(good, bad);
        assert!(load(&with_source(&wrong)).is_err(), "{bad}");
    }
}

#[test]
fn each_billing_switch_is_a_key_and_a_slip_in_one_names_it() {
    use tallyline_core::plan::{
        ArrearsCount, BillingMode, Duplicates, PrepaidYears, Proration, ProrationCheck,
    };
    use tallyline_core::source::Trigger;
    let with = |lines: &str| load(&GOOD.replace("[policy]\n", &format!("[policy]\n{lines}\n")));
    let policy = with(
        r#"billing_mode = "post_billing"
proration = { increase = true }
proration_check = "warn"
arrears_count = "end_of_period"
sync_unit_price = true
prepaid_years = "monthly"
duplicates = "end"
triggers = { "MAIL-A" = "on_billing_date" }"#,
    )
    .unwrap()
    .policy;
    assert_eq!(policy.billing_mode, Some(BillingMode::PostBilling));
    let switches = Proration {
        increase: true,
        decrease: false,
    };
    assert_eq!(policy.proration, Some(switches));
    assert_eq!(policy.proration_check, ProrationCheck::Warn);
    assert_eq!(policy.arrears_count, ArrearsCount::EndOfPeriod);
    assert!(policy.sync_unit_price);
    assert_eq!(policy.prepaid_years, PrepaidYears::Monthly);
    assert_eq!(policy.duplicates, Duplicates::End);
    assert_eq!(policy.triggers[&"MAIL-A".into()], Trigger::OnBillingDate);
    for (slip, key) in [
        ("billing_mode = \"both\"", "billing_mode"),
        ("proration = { up = true }", "proration"),
        ("prepaid_years = \"never\"", "prepaid_years"),
        ("duplicates = true", "duplicates"),
        ("sync_unit_prices = true", "sync_unit_prices"),
        ("triggers = { \"MAIL-A\" = \"daily\" }", "triggers"),
    ] {
        let error = with(slip).unwrap_err();
        assert!(error.message().contains(key), "{slip}: {error}");
    }
}

#[test]
fn b6_the_vendor_must_be_named_on_products_for_sherweb_unless_the_file_says_otherwise() {
    let required = |lines: &str| load(&format!("{GOOD}\n[mapping]\n{lines}")).unwrap();
    assert!(required("product_vendor = \"Sherweb\"").product_vendor_required);
    assert!(!required("product_vendor_required = false").product_vendor_required);
    let other = GOOD.replace(
        "kind = \"sherweb\"\nclient_id = \"example\"\nclient_secret",
        "kind = \"hyalto\"\naccess_key = \"example\"\nsecret_key",
    );
    let other = other.replace("subscription_key = { file = \"key.txt\" }\n", "");
    assert!(!load(&other).unwrap().product_vendor_required);
}
