//! Parts and daily counts in both kinds of file.

use proptest::prelude::*;

use crate::mapping::{
    BilledAs, DailyCount, DailyTake, Mapping, Part, ProductRule, ServiceEntry, ServiceLink,
};
use crate::model::ChargeKind;
use crate::proration::Rounding;

fn mapped(products: Vec<ProductRule>) -> Mapping {
    let mut mapping = Mapping::new();
    let link = ServiceLink::manual(products, ChargeKind::Recurring, BilledAs::Line);
    mapping.set_service("SKU".into(), ServiceEntry::Link(link));
    mapping
}

/// Two products that divide the quantity, with a daily count or without.
fn divided() -> impl Strategy<Value = Mapping> {
    let parts = prop_oneof![
        (1_u32..100).prop_map(|first| [first, 100 - first].map(|p| Part::Percent(p.into()))),
        (1_u32..100).prop_map(|units| [Part::Units(units.into()), Part::Rest]),
        (1_u32..100).prop_map(|over| [0, over].map(|over| Part::SliceOver(over.into()))),
        (1_u32..100).prop_map(|over| [0, over].map(|over| Part::AllOver(over.into()))),
    ];
    let daily = prop_oneof![
        Just(None),
        Just(Some(DailyCount::new(DailyTake::HighWater).of_last_period())),
        (0_u32..9).prop_map(|digits| {
            let take = DailyTake::Average(Rounding::half_even(digits));
            Some(DailyCount::new(take).carried())
        }),
    ];
    (parts, daily, any::<bool>()).prop_map(|(parts, daily, cost)| {
        let rule = |(at, part): (usize, Part)| ProductRule {
            daily,
            carries_cost: cost,
            ..ProductRule::one_to_one(format!("P{at}")).with_part(part)
        };
        mapped(parts.into_iter().enumerate().map(rule).collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parts_and_daily_counts_survive_toml_json_and_csv(mapping in divided()) {
        let text = mapping.to_toml().unwrap();
        let read = Mapping::from_toml(text.as_bytes(), None);
        prop_assert_eq!(read.as_ref(), Ok(&mapping), "{}", text);
        let json = serde_json::to_string(&mapping).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Mapping>(&json).unwrap(), &mapping);
        let sheet = mapping.services_csv(None).unwrap();
        let mut again = Mapping::new();
        again.import_services_csv(sheet.as_bytes(), None).unwrap();
        prop_assert_eq!(again.services().collect::<Vec<_>>(), mapping.services().collect::<Vec<_>>());
    }
}

/// One product of each kind of part and count, as a person writes it.
const WRITTEN: &str = r#"version = 1
revision = 1

[[services]]
id = "SPLIT"
products = [
    { product = "P1", part = { percent = "60" }, carries_cost = true },
    { product = "P2", part = { percent = 40 }, carries_cost = true },
]

[[services]]
id = "FIXED"
products = [
    { product = "P3", part = { units = "10" } },
    { product = "P4", part = "rest" },
]

[[services]]
id = "SLICES"
products = [
    { product = "P5", part = { slice_over = "0" } },
    { product = "P6", part = { slice_over = "10" } },
]

[[services]]
id = "TIERS"
products = [
    { product = "P7", part = { all_over = "0" } },
    { product = "P8", part = { all_over = "10" } },
]

[[services]]
id = "PEAK"
products = [{ product = "P9", daily = { take = "high_water", gaps = "carried" } }]

[[services]]
id = "MEAN"
products = [
    { product = "P10", daily = { take = { average = { mode = "half_up", digits = 2 } }, period = "last" } },
]
"#;

#[test]
fn each_kind_of_part_and_count_is_read_as_it_is_written_and_told_in_words() {
    let mapping = Mapping::from_toml(WRITTEN.as_bytes(), None).unwrap();
    let mut words = Vec::new();
    for (key, entry) in mapping.services() {
        let ServiceEntry::Link(link) = entry else {
            panic!("{key} is excluded");
        };
        words.extend(
            link.products
                .iter()
                .map(|rule| format!("{}: {rule}", rule.product)),
        );
    }
    assert_eq!(
        words,
        [
            "P3: the first 10 units left",
            "P4: the rest of the units",
            "P10: average to 2, half up, last period of the daily counts, one to one",
            "P9: high water, gaps carried of the daily counts, one to one",
            "P5: the units above 0, up to the next product's slice",
            "P6: the units above 10, up to the next product's slice",
            "P1: 60% of the units",
            "P2: 40% of the units",
            "P7: all units where they are above 0, up to the next product's tier",
            "P8: all units where they are above 10, up to the next product's tier",
        ]
    );
    let counted: Vec<String> = mapping
        .counted_by_day()
        .keys()
        .map(ToString::to_string)
        .collect();
    assert_eq!(counted, ["MEAN", "PEAK"]);
}

#[test]
fn a_file_whose_parts_do_not_add_up_is_refused_with_its_line() {
    let text = WRITTEN.replace("percent = 40", "percent = 30");
    let error = Mapping::from_toml(text.as_bytes(), None).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("line 4, SPLIT: the percentages add up to 90"),
        "{error}"
    );
    for (from, to, words) in [
        ("percent = 40", "percent = \"a\"", "line 8"),
        ("\"rest\"", "\"remainder\"", "unknown variant"),
        (
            "take = \"high_water\"",
            "take = \"lowest\"",
            "unknown variant",
        ),
        ("digits = 2", "digits = 12", "12 decimal places"),
    ] {
        let text = WRITTEN.replace(from, to);
        let error = Mapping::from_toml(text.as_bytes(), None).unwrap_err();
        assert!(error.to_string().contains(words), "{to}: {error}");
    }
}

const HEADER: &str = "service,decision,counts,product,daily,part,ratio_units,ratio_per,rounding,\
                      included,minimum,carries_cost,enabled,provenance,note";

#[test]
fn a_sheet_names_parts_and_counts_by_their_short_forms() {
    let rows = "SKU,link,,P1,\"High water, gaps carried\",60 %,,,,,,,,,\n\
                SKU,link,,P2,\"high water, gaps carried\",40%,,,,,,,,,\n";
    let mut mapping = Mapping::new();
    let sheet = format!("{HEADER}\n{rows}");
    mapping.import_services_csv(sheet.as_bytes(), None).unwrap();
    let Some(ServiceEntry::Link(link)) = mapping.service(&"SKU".into()) else {
        panic!("{mapping:?}");
    };
    let daily = DailyCount::new(DailyTake::HighWater).carried();
    assert_eq!(link.products[1].daily, Some(daily));
    assert_eq!(link.products[1].part, Some(Part::Percent(40.into())));
    for (rows, words) in [
        (
            "SKU,link,,P1,,half,,,,,,,,,\n",
            "part: \"half\" is no part: write 60%",
        ),
        (
            "SKU,link,,P1,mean,,,,,,,,,,\n",
            "daily: \"mean\" is no daily count",
        ),
        ("SKU,,,,,60%,,,,,,,,,\n", "a rule but no product"),
        ("SKU,link,,P1,,60%,,,,,,,,,\n", "name another product"),
    ] {
        let sheet = format!("{HEADER}\n{rows}");
        let error = mapping
            .import_services_csv(sheet.as_bytes(), None)
            .unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_sheet_of_before_does_not_turn_parts_into_the_whole_for_each_product() {
    let mapping = Mapping::from_toml(WRITTEN.as_bytes(), None).unwrap();
    let old = |rows: &str| {
        let header = HEADER.replace("daily,part,", "");
        let mut subject = mapping.clone();
        let result = subject.import_services_csv(format!("{header}\n{rows}").as_bytes(), None);
        (result.map_err(|error| error.to_string()), subject)
    };
    for (key, product) in [("FIXED", "P3"), ("PEAK", "P9")] {
        let (result, after) = old(&format!("{key},link,,{product},,,,,,,,,\n"));
        let error = result.unwrap_err();
        assert!(error.contains("export the sheet again"), "{error}");
        assert_eq!(after, mapping);
    }
    let (result, _) = old("OTHER,link,,P1,,,,,,,,,\n");
    assert_eq!(result.unwrap().set, 1);
}
