//! `map`: every decision is checked before it is kept.

use tallyline_testkit::book::BookCase;

use crate::support::{World, finish};

#[test]
fn exact_names_are_linked_and_nothing_else() {
    let world = World::new();
    let dry = world.run(&["map", "auto", "--dry-run"]);
    assert_eq!(dry.code, 0, "{dry:?}");
    assert!(!world.path("mapping.toml").exists());
    let (code, document) = world.json(&["map", "auto"]);
    assert_eq!(code, 0);
    assert_eq!(document["accounts"]["linked"].as_array().unwrap().len(), 17);
    let renamed = world.book.case(BookCase::RenamedClient).unwrap();
    let mapping = world.read("mapping.toml");
    assert!(!mapping.contains(&renamed.customer_id), "{mapping}");
    let (_, again) = world.json(&["map", "auto"]);
    assert_eq!(again["accounts"]["kept"], 17);
    assert_eq!(world.attempts_to_write(), 0);
}

#[test]
fn a_suggestion_is_linked_only_when_a_person_accepts_it() {
    let world = World::new();
    world.run(&["map", "auto"]);
    let renamed = world.book.case(BookCase::RenamedClient).unwrap();
    let before = world.read("mapping.toml");
    let (code, document) = world.json(&["map", "suggest"]);
    assert_eq!(code, 0);
    let suggested = document["accounts"].as_array().unwrap();
    assert!(
        suggested
            .iter()
            .any(|s| s["account"] == renamed.customer_id.as_str())
    );
    assert_eq!(world.read("mapping.toml"), before);
    let company = renamed.company_id.to_string();
    let accept = world.run(&[
        "map",
        "accept",
        "account",
        &renamed.customer_id,
        "--company",
        &company,
    ]);
    assert_eq!(accept.code, 0, "{accept:?}");
    let (_, list) = world.json(&["map", "list"]);
    let accounts = list["accounts"].as_array().unwrap();
    let mine = accounts
        .iter()
        .find(|a| a["id"] == renamed.customer_id.as_str())
        .unwrap();
    assert_eq!(mine["provenance"], "accepted suggestion");
    assert_eq!(mine["name"], renamed.customer_name.as_str());
}

#[test]
fn a_person_links_excludes_and_takes_back() {
    let world = World::new();
    let account = world.book.case(BookCase::TwoCompaniesOfOneName).unwrap();
    let (company, agreement) = (
        account.company_id.to_string(),
        account.agreement_id.to_string(),
    );
    let id = account.customer_id.as_str();
    let set = [
        "map",
        "set",
        "account",
        id,
        "--company",
        &company,
        "--agreement",
        &agreement,
    ];
    let run = world.run(&set);
    assert_eq!(run.code, 0, "{run:?}");
    let pack = world.book.case(BookCase::Ratio).unwrap();
    let sku = pack.sku.as_deref().unwrap();
    let product = world.psa.with_state(|state| {
        let addition = &state.additions[&pack.addition_ids[0]];
        addition.product_id.to_string()
    });
    let set = [
        "map",
        "set",
        "service",
        sku,
        "--product",
        &product,
        "--units",
        "25",
        "--per",
        "1",
    ];
    let run = world.run(&set);
    assert_eq!(run.code, 0, "{run:?}");
    let mut charged = set[..6].to_vec();
    charged.push("--charge-prorations");
    let run = world.run(&charged);
    assert_eq!(run.code, 0, "{run:?}");
    let services = world.run(&["services"]);
    let flat = services
        .out
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(flat.contains("prorations"), "{services:?}");
    let mapping = world.read("mapping.toml");
    assert!(mapping.contains("line_and_prorations"), "{mapping}");
    let both = [&charged[..], &["--as-charges"]].concat();
    assert_eq!(world.run(&both).code, 1);
    let run = world.run(&set);
    assert_eq!(run.code, 0, "{run:?}");
    let run = world.run(&[
        "map",
        "exclude",
        "service",
        "LAB-INTERNAL-MM",
        "--reason",
        "our own lab",
    ]);
    assert_eq!(run.code, 0, "{run:?}");
    let list = world.run(&["map", "list"]);
    for text in ["25 for every 1", "excluded", "our own lab", id] {
        assert!(list.out.contains(text), "`{text}` is not in {list:?}");
    }
    assert_eq!(world.run(&["map", "list", "--offline"]).code, 0);
    assert_eq!(world.run(&["map", "clear", "account", id]).code, 0);
    world
        .run(&["map", "clear", "account", id])
        .is_error_saying(&["nothing is decided", id]);
}

#[test]
fn a_link_to_what_is_not_there_is_refused_and_not_kept() {
    let world = World::new();
    let account = world.book.case(BookCase::Increase).unwrap();
    let (company, id) = (account.company_id.to_string(), account.customer_id.as_str());
    let set = |id: &str, company: &str, agreement: &str| {
        let args = [
            "map",
            "set",
            "account",
            id,
            "--company",
            company,
            "--agreement",
            agreement,
        ];
        world.run(&args)
    };
    set(id, &company, "999999").is_error_saying(&["agreement 999999 is unknown"]);
    set(id, "999999", "1").is_error_saying(&["company 999999 is unknown"]);
    set("nobody", &company, "1").is_error_saying(&["account nobody is unknown"]);
    let other = world
        .book
        .case(BookCase::Decrease)
        .unwrap()
        .agreement_id
        .to_string();
    set(id, &company, &other).is_error_saying(&["belongs to company"]);
    let run = world.run(&["map", "exclude", "account", "nobody", "--reason", "x"]);
    run.is_error_saying(&["account nobody is unknown"]);
    assert!(!world.path("mapping.toml").exists());
}

#[test]
fn an_imported_file_is_taken_whole_or_refused_by_line_and_id() {
    let world = World::mapped();
    assert_eq!(world.run(&["map", "export", "copy.toml"]).code, 0);
    let before = world.read("mapping.toml");
    let increase = world.book.case(BookCase::Increase).unwrap();
    let company = format!("company = \"{}\"", increase.company_id);
    world.edit("copy.toml", &company, "company = \"999999\"");
    let run = world.run(&["map", "import", "copy.toml"]);
    run.is_error_saying(&[
        "copy.toml",
        "line ",
        &increase.customer_id,
        "company 999999 is unknown",
    ]);
    assert_eq!(world.read("mapping.toml"), before);
    world.edit("copy.toml", "company = \"999999\"", &company);
    let (code, document) = world.json(&["map", "import", "copy.toml"]);
    assert_eq!(code, 0, "{document}");
}

#[test]
fn accounts_go_to_a_spreadsheet_and_back() {
    let world = World::mapped();
    let run = world.run(&["map", "export", "accounts.csv"]);
    assert_eq!(run.code, 0, "{run:?}");
    let account = world.book.case(BookCase::Increase).unwrap();
    let csv = world.read("accounts.csv");
    let line = csv
        .lines()
        .find(|line| line.contains(&account.customer_id))
        .unwrap();
    assert!(line.contains(&account.customer_name), "{line}");
    let (code, document) = world.json(&["map", "import", "accounts.csv"]);
    assert_eq!(code, 0, "{document}");
    world.write("accounts.csv", "nonsense,1\n");
    world
        .run(&["map", "import", "accounts.csv"])
        .is_error_saying(&["accounts.csv, line 1", "account"]);
}

#[test]
fn item_10_a_product_of_connectwise_is_found_by_its_product_id() {
    let world = World::new();
    let (id, identifier) = world.psa.with_state(|state| {
        let item = state.products.values().next().unwrap();
        (item.id, item.identifier.clone())
    });
    for text in [identifier.to_lowercase(), id.to_string()] {
        let (code, found) = world.json(&["map", "find", &text]);
        assert_eq!(code, 0, "{found}");
        let first = &found["products"][0];
        assert_eq!(first["id"], id.to_string().as_str(), "{found}");
        assert_eq!(first["identifier"], identifier.as_str());
        assert_eq!(first["whole"], true);
    }
    let words = world.run(&["map", "find", &identifier]);
    assert!(words.out.contains(&identifier), "{words:?}");
    let none = world.run(&["map", "find", "nothing of the kind"]);
    assert_eq!((none.code, none.out.trim()), (0, "nothing holds this text"));
}

#[test]
fn tags_and_notes_are_put_on_many_links_at_once_each_with_its_outcome() {
    let world = World::new();
    world.run(&["map", "auto"]);
    let ids: Vec<String> = world
        .mapping()
        .accounts()
        .take(2)
        .map(|(id, _)| id.to_string())
        .collect();
    let [one, two] = ids.as_slice() else {
        panic!("{ids:?}")
    };
    let tag = ["map", "tag", "account", one, "nobody", two, "--add", "vip"];
    let run = world.run(&tag);
    assert_eq!(run.code, 1, "one is refused: {run:?}");
    assert!(run.out.contains("account nobody is unmapped"), "{run:?}");
    assert!(run.err.contains("1 of 3 edits refused"), "{run:?}");
    let (_, again) = world.json(&tag);
    let outcomes: Vec<&str> = again["edits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edit| edit["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["unchanged", "refused", "unchanged"]);
    assert_eq!(
        world
            .run(&["map", "note", "account", one, "--text", "Call first."])
            .code,
        0
    );
    assert_eq!(
        world.run(&["map", "switch", "account", two, "--off"]).code,
        0
    );
    let (_, list) = world.json(&["map", "list", "--tag", "vip"]);
    let listed = list["accounts"].as_array().unwrap();
    assert_eq!(listed.len(), 2, "{list}");
    assert_eq!(listed[0]["tags"][0], "vip");
    assert_eq!(listed[0]["note"], "Call first.");
    assert!(
        listed[1]["decision"]
            .as_str()
            .unwrap()
            .contains("switched off")
    );
    assert_eq!(list["services"].as_array().unwrap().len(), 0);
    assert_eq!(
        world
            .run(&["map", "tag", "account", one, "--remove", "vip"])
            .code,
        0
    );
    let tags = world.run(&["map", "tag", "list"]);
    assert_eq!(tags.out.trim(), "vip: 1 account, 0 services");
    let deleted = world.run(&["map", "tag", "delete", "vip"]);
    assert_eq!(deleted.code, 0, "{deleted:?}");
    assert!(!world.read("mapping.toml").contains("vip"));
    world
        .run(&["map", "tag", "delete", "vip"])
        .is_error_saying(&["nothing carries the tag vip"]);
    world
        .run(&["map", "tag", "account", "nobody", "--add", "vip"])
        .is_error_saying(&["account nobody is unmapped"]);
    assert_eq!(
        world.run(&["map", "tag", "account", one]).code,
        1,
        "no tag is named"
    );
}

#[test]
fn item_3_what_is_excluded_is_not_outstanding_and_what_is_unmapped_is() {
    let world = World::new();
    world.run(&["map", "auto"]);
    let (_, before) = world.json(&["map", "list"]);
    let outstanding = before["outstanding"].as_u64().unwrap();
    assert_eq!(
        outstanding,
        before["coverage"]["accounts"]["unmapped"].as_u64().unwrap()
            + before["coverage"]["services"]["unmapped"].as_u64().unwrap()
    );
    assert!(outstanding > 0, "{before}");
    let sku = "LAB-INTERNAL-MM";
    let exclude = ["map", "exclude", "service", sku, "--reason", "our own lab"];
    assert_eq!(world.run(&exclude).code, 0);
    let (_, after) = world.json(&["map", "list"]);
    assert_eq!(after["outstanding"].as_u64(), Some(outstanding - 1));
    assert_eq!(after["coverage"]["services"]["excluded"], 1);
    let words = world.run(&["map", "list"]);
    assert!(words.out.contains("Outstanding: "), "{words:?}");
}

#[test]
fn what_several_commands_decide_at_once_is_all_kept() {
    let world = World::new();
    let ids: Vec<String> = world.vendor.with_state(|state| {
        let customers = state.customers.iter().take(4);
        customers.map(|customer| customer.id.clone()).collect()
    });
    let exclude = |id: &String| {
        let args = ["map", "exclude", "account", id, "--reason", "gone"];
        world.command(&args).spawn().unwrap()
    };
    let children: Vec<_> = ids.iter().map(exclude).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let kept = world.read("mapping.toml");
    for id in &ids {
        assert!(kept.contains(id.as_str()), "{id} is not in {kept}");
    }
}

#[test]
fn a_plan_and_an_export_are_written_over_files_of_their_own_kind_alone() {
    let world = World::mapped();
    world.run(&["plan"]);
    assert_ne!(world.run(&["plan"]).code, 1, "over the plan before");
    let mapping = world.read("mapping.toml");
    world.write("notes.txt", "what a person wrote");
    for args in [
        ["plan", "--out", "notes.txt"],
        ["plan", "--out", "mapping.toml"],
        ["map", "export", "notes.txt"],
        ["map", "export", "plan.json"],
        ["map", "export", "tallyline.toml"],
    ] {
        world
            .run(&args)
            .is_error_saying(&["nothing is written over it"]);
    }
    assert_eq!(world.read("notes.txt"), "what a person wrote");
    assert_eq!(world.read("mapping.toml"), mapping);
    assert_eq!(world.run(&["map", "export", "copy.toml"]).code, 0);
    assert_eq!(world.run(&["map", "export", "copy.toml"]).code, 0);
}

#[test]
fn a_plan_is_not_carried_out_once_the_mapping_says_something_else() {
    let world = World::mapped();
    world.run(&["plan"]);
    let id = &world.book.case(BookCase::Increase).unwrap().customer_id;
    world.run(&["map", "exclude", "account", id, "--reason", "gone"]);
    let run = world.run(&["apply", "plan.json", "--yes"]);
    run.is_error_saying(&["the mapping was changed since this plan was made"]);
    assert_eq!(world.attempts_to_write(), 0);
}

#[test]
fn b18_the_note_that_gets_an_accounts_metadata_is_chosen_and_written_at_the_cycles_end() {
    let world = World::mapped();
    let account = world.book.case(BookCase::Increase).unwrap();
    let (company, id) = (account.company_id.to_string(), account.customer_id.as_str());
    let agreement = account.agreement_id.to_string();
    let set = |note_of: &str| {
        let link = ["map", "set", "account", id, "--company", &company];
        let target = ["--agreement", &agreement, "--metadata-to", note_of];
        world.run(&[&link[..], &target].concat())
    };
    set("999999").is_error_saying(&["999999", "unknown in the PSA"]);
    assert_eq!(set(&agreement).code, 0);
    let list = world.run(&["map", "list"]);
    let flat = |out: &str| out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat(&list.out).contains("metadata into the"), "{list:?}");

    let plan = world.run(&["plan"]);
    assert!(
        flat(&plan.out).contains("its metadata go nowhere"),
        "{plan:?}"
    );
    let on_the_last_day = |args: &[&str]| {
        let mut command = world.command(args);
        command.env("TALLYLINE_NOW", "2026-03-31T12:00:00Z");
        finish(command)
    };
    let plan = on_the_last_day(&["plan"]);
    assert!(flat(&plan.out).contains("cannot write notes"), "{plan:?}");
    let client_id = "client_id = \"00000000-0000-4000-8000-0000000c11d0\"\n";
    let with_field = format!("{client_id}note_field = \"internal_notes\"\n");
    world.edit("tallyline.toml", client_id, &with_field);
    let plan = world.run(&["plan"]);
    let waits = "on the last day of the vendor's billing cycle, 2026-03-31";
    assert!(flat(&plan.out).contains(waits), "{plan:?}");
    let plan = on_the_last_day(&["plan"]);
    assert!(flat(&plan.out).contains("lines added"), "{plan:?}");
    assert!(flat(&plan.out).contains("| Sherweb, account"), "{plan:?}");
    let run = on_the_last_day(&["apply", "plan.json", "--yes"]);
    let written = world
        .psa
        .writes()
        .into_iter()
        .filter(|write| write.entity == "Agreement");
    assert_eq!(written.count(), 1, "{run:?}");
    let plan = on_the_last_day(&["plan"]);
    assert!(!flat(&plan.out).contains("lines added"), "{plan:?}");
}
