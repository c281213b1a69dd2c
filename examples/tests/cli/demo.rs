//! `demo`.

use crate::support::{Run, finish, program};

fn demo(args: &[&str]) -> Run {
    demo_of(["20", "100"], args)
}

/// The demo with a book of so many accounts and lines.
fn demo_of([accounts, lines]: [&str; 2], args: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let mut all = vec!["demo", "--accounts", accounts, "--lines", lines];
    all.extend(args);
    finish(program(folder.path(), &all))
}

/// The demo in which everything goes wrong, with a book that is large enough for it.
fn faults(args: &[&str]) -> Run {
    let mut all = vec!["--faults"];
    all.extend(args);
    demo_of(["40", "120"], &all)
}

/// Nothing is out of order, nothing too wide, nothing on standard error.
fn assert_well_told(run: &Run) {
    assert!(!run.out.contains("NOT AS"), "{run:?}");
    assert!(
        run.out.lines().all(|line| line.chars().count() <= 100),
        "{}",
        run.out
    );
    assert!(run.err.is_empty(), "{run:?}");
}

#[test]
fn the_demo_needs_no_configuration_and_every_case_comes_out_as_its_book_says() {
    let run = demo(&["--seed", "3"]);
    assert_eq!(run.code, 0, "{run:?}");
    for step in ["\n1. ", "\n2. ", "\n3. ", "\n4. ", "\n5. "] {
        assert!(run.out.contains(step), "{run:?}");
    }
    assert!(
        run.out.contains("All 19 cases came out as the book says"),
        "{run:?}"
    );
    assert_well_told(&run);
}

#[test]
fn the_seats_of_another_vendor_stand_on_the_same_lines_and_every_case_comes_out_as_its_book_says() {
    for (source, vendor) in [("dandh", "D&H"), ("ingram", "Ingram Micro")] {
        let run = demo(&["--source", source]);
        assert_eq!(run.code, 0, "{run:?}");
        for step in ["\n1. ", "\n2. ", "\n3. ", "\n4. ", "\n5. "] {
            assert!(run.out.contains(step), "{run:?}");
        }
        assert!(run.out.contains(&format!("\nVendor, {vendor}")), "{run:?}");
        assert!(
            run.out.contains("All 18 cases came out as the book says"),
            "{source} states no floors: {run:?}"
        );
        assert!(run.out.contains("not read, so nothing is"), "{run:?}");
        assert!(!run.out.contains("Sherweb"), "{run:?}");
        assert_well_told(&run);
        let again = demo(&["--source", source]);
        assert_eq!(again.out, run.out, "{source} tells one story");
    }
}

#[test]
fn what_ingrams_gateway_refuses_and_what_its_proxy_times_out_is_read_all_the_same() {
    let run = demo(&["--source", "ingram", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.code, &document["ok"]), (0, &true.into()), "{document}");
    assert_eq!(document["cases"].as_array().unwrap().len(), 18);
    assert_eq!(document["second_plan"]["ready"], 0);
    assert_eq!(
        document["figures"]["psa_writes"],
        document["first_plan"]["ready"]
    );
}

#[test]
fn the_demo_refuses_fewer_accounts_than_cases_and_more_than_it_can_show() {
    let folder = tempfile::tempdir().unwrap();
    for (option, value) in [
        ("--accounts", "19"),
        ("--accounts", "1000000"),
        ("--lines", "99"),
        ("--lines", "1000000000"),
    ] {
        let run = finish(program(folder.path(), &["demo", option, value]));
        assert_eq!(run.code, 1, "{run:?}");
        assert!(
            run.err.contains(option) && run.err.contains(value),
            "{run:?}"
        );
    }
}

#[test]
fn the_same_seed_tells_the_same_story_to_the_byte() {
    let stories = [demo(&["--seed", "5"]), demo(&["--seed", "5"])];
    assert_eq!(stories[0].out, stories[1].out);
}

#[test]
fn the_demo_as_json_is_one_document_with_every_case() {
    let run = demo(&["--json"]);
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(run.code, 0, "{document}");
    assert_eq!(document["ok"], true);
    assert_eq!(document["cases"].as_array().unwrap().len(), 19);
    assert_eq!(document["second_plan"]["ready"], 0);
    assert_eq!(
        document["figures"]["psa_writes"],
        document["first_plan"]["ready"]
    );
}

#[test]
fn whatever_goes_wrong_the_demo_ends_as_if_nothing_had_and_names_it_all() {
    let run = faults(&[]);
    assert_eq!(run.code, 0, "{run:?}");
    for title in [
        "The answer got lost",
        "The request got lost",
        "Too many requests",
        "An error page instead of an answer",
        "Reading back showed the old figure",
        "The program stopped dead",
        "A colleague's edit in between",
    ] {
        assert!(
            run.out.contains(&format!("\n{title}\n")),
            "{title}: {run:?}"
        );
    }
    assert_eq!(run.out.matches("\n  Proof ").count(), 7, "{run:?}");
    assert!(
        run.out.contains("7 things went wrong. Nothing was lost"),
        "{run:?}"
    );
    assert_well_told(&run);
}

#[test]
fn the_demo_of_faults_as_json_tells_how_often_each_change_was_asked_for_and_written() {
    let run = faults(&["--json"]);
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.code, &document["ok"]), (0, &true.into()), "{document}");
    let seen = |fault: &str| {
        let faults = document["faults"].as_array().unwrap();
        let found = faults.iter().find(|it| it["fault"] == fault).unwrap();
        let count = |name: &str| found["billing_system"][name].as_u64().unwrap();
        (count("asked"), count("written"))
    };
    assert_eq!(seen("answer_lost"), (1, 1));
    assert_eq!(seen("request_lost"), (2, 1));
    assert_eq!(seen("too_many_requests"), (2, 1));
    assert_eq!(seen("error_page"), (1, 1));
    assert_eq!(seen("old_figure"), (1, 1));
    assert_eq!(seen("crash"), (1, 1));
    assert_eq!(seen("colleagues_edit"), (0, 0));
    let end = &document["end_state"];
    assert_eq!(end["different"], 1, "only the colleague's line: {document}");
    assert_eq!(document["applied"]["totals"]["drifted"], 1);
    assert_eq!(end["writes"], document["applied"]["totals"]["done"]);
    assert_eq!(document["second_plan"]["ready"], 1);
}

#[test]
fn the_demo_of_faults_tells_the_same_story_to_the_byte_and_says_when_the_book_is_too_small() {
    let stories = [faults(&["--seed", "5"]), faults(&["--seed", "5"])];
    assert_eq!(stories[0].code, 0, "{:?}", stories[0]);
    assert_eq!(stories[0].out, stories[1].out);
    let small = demo(&["--faults"]);
    assert_eq!(small.code, 1, "{small:?}");
    assert!(small.err.contains("give more --accounts"), "{small:?}");
}

/// The demo in which a vendor's bills are brought to Autotask.
fn bills(source: &str, args: &[&str]) -> Run {
    let mut all = vec!["--source", source, "--sink", "autotask"];
    all.extend(args);
    demo(&all)
}

#[test]
fn bills_of_either_vendor_are_brought_to_autotask_and_every_case_comes_out_as_its_book_says() {
    for (source, contracts) in [
        ("cloudmore", "1 new contract,"),
        ("sherweb", "2 new contracts,"),
    ] {
        let run = bills(source, &[]);
        assert_eq!(run.code, 0, "{run:?}");
        for step in 1..=8 {
            assert!(run.out.contains(&format!("\n{step}. ")), "{run:?}");
        }
        assert!(
            run.out.contains("All 11 cases came out as the book says"),
            "{run:?}"
        );
        let seen = run.out.replace("\n                   ", " ");
        assert!(seen.contains(contracts), "{run:?}");
        assert!(seen.contains("2 charges"), "{run:?}");
        assert_well_told(&run);
    }
}

#[test]
fn what_a_vendor_charges_within_a_period_is_named_with_its_amount_and_how_to_bill_it() {
    let run = bills("cloudmore", &[]);
    let flat = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [
        "Charged by the vendor, and billed to nobody (1)",
        "is not billed for 1 proration line on the bill of",
        "USD to the client, cost",
        "the link bills recurring lines alone",
        "--charge-prorations",
    ] {
        assert!(flat.contains(text), "`{text}` is not in {}", run.out);
    }
}

#[test]
fn counts_of_either_vendor_are_brought_to_autotask_and_a_stated_end_with_them() {
    for (source, vendor) in [("dandh", "D&H"), ("ingram", "Ingram Micro")] {
        let run = bills(source, &[]);
        assert_eq!(run.code, 0, "{run:?}");
        for step in 1..=8 {
            assert!(run.out.contains(&format!("\n{step}. ")), "{run:?}");
        }
        assert!(
            run.out.contains("All 10 cases came out as the book says"),
            "{source} tells no consumption: {run:?}"
        );
        assert!(run.out.contains(&format!("\nVendor, {vendor}")), "{run:?}");
        assert!(run.out.contains("new counts"), "{run:?}");
        assert!(!run.out.contains("The bill of"), "{run:?}");
        assert_well_told(&run);
    }
}

#[test]
fn a_second_run_over_a_bill_changes_nothing_and_a_new_bill_what_is_new() {
    for (source, first) in [("cloudmore", 6), ("sherweb", 7)] {
        let run = bills(source, &["--json"]);
        let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!((run.code, &document["ok"]), (0, &true.into()), "{document}");
        let ready = |plan: &str| document[plan]["ready"].as_u64().unwrap();
        let plans = ["first_plan", "same_bill", "next_bill", "same_next_bill"];
        assert_eq!(plans.map(ready), [first, 0, 2, 0], "{source}");
        assert_eq!(document["figures"]["psa_writes"], first + 2, "{source}");
        assert_eq!(
            document["figures"]["charges"], 2,
            "one for each bill: {source}"
        );
    }
}

#[test]
fn a_second_run_over_counts_changes_nothing_and_a_month_later_what_was_bought() {
    for source in ["dandh", "ingram"] {
        let run = bills(source, &["--json"]);
        let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!((run.code, &document["ok"]), (0, &true.into()), "{document}");
        let ready = |plan: &str| document[plan]["ready"].as_u64().unwrap();
        let plans = ["first_plan", "same_bill", "next_bill", "same_next_bill"];
        assert_eq!(plans.map(ready), [6, 0, 1, 0], "{source}");
        assert_eq!(document["figures"]["psa_writes"], 7, "{source}");
        assert_eq!(document["figures"]["charges"], 0, "{source}");
    }
}

#[test]
fn the_demo_of_bills_tells_the_same_story_to_the_byte_and_refuses_what_it_does_not_play() {
    let stories = [5, 5].map(|seed| bills("cloudmore", &["--seed", &seed.to_string()]));
    assert_eq!(stories[0].code, 0, "{:?}", stories[0]);
    assert_eq!(stories[0].out, stories[1].out);
    let faults = bills("cloudmore", &["--faults"]);
    assert!(
        faults.code == 1 && faults.err.contains("--faults"),
        "{faults:?}"
    );
    for source in ["dandh", "ingram"] {
        let kept = demo(&["--source", source, "--keep"]);
        assert!(kept.code == 1 && kept.err.contains("--keep"), "{kept:?}");
    }
    let other = demo(&["--source", "cloudmore"]);
    assert!(
        other.code == 1 && other.err.contains("--sink autotask"),
        "{other:?}"
    );
}

/// The demo in which counts go to Gradient.
fn counts(source: &str, args: &[&str]) -> Run {
    let mut all = vec!["--source", source, "--sink", "gradient"];
    all.extend(args);
    demo(&all)
}

const VENDORS: [(&str, &str); 4] = [
    ("sherweb", "Sherweb"),
    ("cloudmore", "Cloudmore"),
    ("dandh", "D&H"),
    ("ingram", "Ingram Micro"),
];

#[test]
fn counts_of_every_vendor_go_to_gradient_and_what_is_lost_not_mapped_or_gone_is_told() {
    for (source, vendor) in VENDORS {
        let run = counts(source, &[]);
        assert_eq!(run.code, 0, "{run:?}");
        for step in 1..=8 {
            assert!(run.out.contains(&format!("\n{step}. ")), "{run:?}");
        }
        assert!(run.out.contains(&format!("\nVendor, {vendor}")), "{run:?}");
        let flat = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in [
            "Gradient refused the whole list, as that id exists",
            "not known -> ",
            "1 answer got lost: nobody can tell whether Gradient took the count",
            "has not mapped",
            "Gradient saw it twice",
            "-> 0 ",
            " of zero; its view was built anew 3 times",
            "Nothing is left to send",
            "Every count that Gradient holds is the sum of the client's subscriptions",
        ] {
            assert!(
                flat.contains(text),
                "{source}: `{text}` is not in {}",
                run.out
            );
        }
        // It takes no charges, so nobody is told to make any.
        assert!(!run.out.contains("--charge-prorations"), "{}", run.out);
        assert_well_told(&run);
    }
}

#[test]
fn counts_are_sent_once_each_but_for_the_lost_one_and_what_is_not_mapped_comes_again() {
    for (source, _) in VENDORS {
        let run = counts(source, &["--json"]);
        let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!((run.code, &document["ok"]), (0, &true.into()), "{document}");
        let ready = |plan: &str| document[plan]["ready"].as_u64().unwrap();
        let unmapped = document["applied"]["totals"]["not_mapped"]
            .as_u64()
            .unwrap();
        assert!(unmapped > 0, "{document}");
        assert_eq!(document["applied"]["totals"]["unsettled"], 1, "{source}");
        assert_eq!(ready("second_plan"), unmapped, "{source}");
        assert_eq!(ready("next_plan"), 2, "{source}");
        assert_eq!(ready("last_plan"), 0, "{source}");
        let sent = ready("first_plan") + 1 + unmapped + 2;
        assert_eq!(document["held"]["sent"], sent, "{source}");
        // What is gone; these two vendors also state a subscription that came to its end as zero.
        let zeros = if ["dandh", "ingram"].contains(&source) {
            2
        } else {
            1
        };
        assert_eq!(document["held"]["zeros"], zeros, "{source}");
    }
}

#[test]
fn the_demo_of_counts_tells_the_same_story_to_the_byte_and_refuses_what_it_does_not_play() {
    let stories = [5, 5].map(|seed| counts("ingram", &["--seed", &seed.to_string()]));
    assert_eq!(stories[0].code, 0, "{:?}", stories[0]);
    assert_eq!(stories[0].out, stories[1].out);
    for option in ["--faults", "--keep"] {
        let refused = counts("sherweb", &[option]);
        assert!(
            refused.code == 1 && refused.err.contains(option),
            "{refused:?}"
        );
    }
}

/// The vendors of private clouds.
const CLOUDS: [&str; 2] = ["hyalto", "vcd"];

/// The demo of a private cloud.
fn cloud(vendor: &str, args: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let mut all = vec!["demo", "--source", vendor];
    all.extend(args);
    finish(program(folder.path(), &all))
}

#[test]
fn each_service_of_a_private_cloud_is_a_child_agreement_under_the_master_with_a_line_for_each_resource()
 {
    for vendor in CLOUDS {
        let run = cloud(vendor, &[]);
        assert_eq!(run.code, 0, "{run:?}");
        for step in 1..=8 {
            assert!(run.out.contains(&format!("\n{step}. ")), "{run:?}");
        }
        assert!(run.out.contains("new child agreement"), "{run:?}");
        assert!(run.out.contains("All came out as it should"), "{run:?}");
        assert_well_told(&run);
    }
}

#[test]
fn a_second_run_over_a_private_cloud_writes_nothing_a_resize_one_line_and_a_rename_nothing() {
    for vendor in CLOUDS {
        let run = cloud(vendor, &["--json"]);
        assert_eq!(run.code, 0, "{run:?}");
        let told: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        let figures = &told["figures"];
        // Three products; three children and a line for each of their three resources.
        assert_eq!(figures["products_made"], 3, "{figures}");
        assert_eq!(figures["first_writes"], 12, "{figures}");
        assert_eq!(figures["second_writes"], 0, "{figures}");
        assert_eq!(figures["writes_after_resize"], 1, "{figures}");
        assert_eq!(figures["writes_after_rename"], 0, "{figures}");
        assert_eq!(told["ok"], true);
    }
}

#[test]
fn the_demo_of_a_private_cloud_tells_the_same_story_to_the_byte_and_refuses_other_systems() {
    for vendor in CLOUDS {
        assert_eq!(cloud(vendor, &[]).out, cloud(vendor, &[]).out);
        for sink in ["autotask", "gradient"] {
            let run = cloud(vendor, &["--sink", sink]);
            assert_eq!(run.code, 1, "{run:?}");
            assert!(run.err.contains("--sink connectwise"), "{run:?}");
        }
    }
}
