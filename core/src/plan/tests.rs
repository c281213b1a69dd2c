//! What must hold before a change is carried out, and what changes and plans are named by.

use super::*;
use crate::error::ErrorKind;
use crate::model::{
    AgreementLine, AgreementLineId, BillKey, BillStamp, BillingCycle, CivilDate, Currency, Marker,
    Money, Period, Quantity, RunId,
};
use crate::reconcile::Kind;

fn day(text: &str) -> CivilDate {
    text.parse().unwrap()
}

/// A line of 3 from the 11th to the 31st of October.
fn bounded() -> Change {
    let action = Action::CreateLine {
        quantity: 3_u32.into(),
        unit_cost: None,
        unit_price: None,
        last_day: Some(day("2026-10-31")),
        like: None,
    };
    Change::new("c1", "co", "a1", "p1", action, day("2026-10-11"))
}

fn line(product: &str, first: &str, last: Option<&str>) -> AgreementLine {
    let mut line = AgreementLine::new("l1", product, 13_u32);
    line.state.effective = Some(day(first));
    line.state.last_day = last.map(day);
    line
}

#[test]
fn a_bounded_line_may_stand_beside_an_open_one_and_beside_other_stretches() {
    let beside = [
        line("p1", "2026-01-01", None),
        line("p1", "2026-10-15", Some("2026-10-31")),
        line("p1", "2026-10-11", Some("2026-11-30")),
        line("p2", "2026-10-11", Some("2026-10-31")),
    ];
    assert_eq!(bounded().check_precondition(&beside), Ok(()));
}

#[test]
fn a_bounded_line_is_not_created_beside_one_of_the_same_days_or_of_its_marker() {
    let same_days = line("p1", "2026-10-11", Some("2026-10-31"));
    let found = bounded().check_precondition(&[same_days]).unwrap_err();
    assert_eq!(
        found,
        "line l1 of the product is already there with quantity 13 until 2026-10-31"
    );
    let mut marked = line("p1", "2026-10-12", Some("2026-10-20"));
    marked.marker = Some(Marker::new("c1"));
    assert!(bounded().check_precondition(&[marked]).is_err());
}

#[test]
fn an_open_ended_line_is_not_created_beside_one_that_still_bills() {
    let mut change = bounded();
    change.action = Action::CreateLine {
        quantity: 3_u32.into(),
        unit_cost: None,
        unit_price: None,
        last_day: None,
        like: None,
    };
    change.precondition = Precondition::NoOpenLine;
    let ends = |last| [line("p1", "2026-01-01", Some(last))];
    assert!(change.check_precondition(&ends("2026-10-11")).is_err());
    assert_eq!(change.check_precondition(&ends("2026-10-10")), Ok(()));
}

/// A change of each kind, and what may stand beside it.
fn changes_of_every_kind() -> Vec<Change> {
    let money = |amount: i64| Money::new(amount.into(), Currency::USD);
    let line = AgreementLineId::new("l1");
    let october = Period::new(day("2026-10-01"), day("2026-10-31")).unwrap();
    let bill = BillKey::new("bill \"7\" \\1", day("2026-10-31"));
    let actions = [
        Action::CreateLine {
            quantity: "2.50".parse().unwrap(),
            unit_cost: Some(money(9)),
            unit_price: Some(Money::without_currency(12.into())),
            last_day: Some(day("2026-10-31")),
            like: Some(line.clone()),
        },
        Action::SetQuantity {
            line: line.clone(),
            from: 3_u32.into(),
            to: (-4_i64).into(),
        },
        Action::SetUnitCost {
            line: line.clone(),
            from: None,
            to: money(3),
        },
        Action::SetUnitPrice {
            line: line.clone(),
            from: Some(money(2)),
            to: money(3),
        },
        Action::EndLine {
            line,
            from: 3_u32.into(),
            last_day: day("2026-10-10"),
            replaced_by: Some(4_u32.into()),
        },
        Action::CreateAgreement {
            name: "Caf\u{e9} \u{202e}\n".to_owned(),
            billing_cycle: BillingCycle::Monthly,
            last_day: None,
            parent: Some("a0".into()),
        },
        Action::AddCharge {
            account: "c-1".into(),
            bill,
            description: "Usage\tof October".to_owned(),
            quantity: Quantity::ONE,
            unit_price: money(120),
            unit_cost: Some(money(100)),
            period: Some(october),
        },
        Action::CreateAccount {
            name: "Client".to_owned(),
        },
        Action::LinkAccount {
            account: "acct".into(),
            name: "Client".to_owned(),
        },
        Action::CreateProduct {
            identifier: "SKU".to_owned(),
            name: "Seats".to_owned(),
            service: "s1".into(),
        },
        Action::WriteNote {
            owner: "vendor:acct".to_owned(),
            from: Some("old".to_owned()),
            to: "new\nlines".to_owned(),
        },
        Action::SetCount {
            from: Some(1_u32.into()),
            to: 2_u32.into(),
        },
    ];
    let changes = (1..).zip(actions).map(|(at, action)| {
        let id = format!("c{at}");
        let mut change = Change::new(id.as_str(), "co", "a1", "p1", action, day("2026-10-11"));
        change.reason = "because".to_owned();
        change.follows = (at > 1).then(|| "c1".into());
        change.evidence.usage = vec![UsageEvidence {
            account: "acct".into(),
            service: "s1".into(),
            line: "u/1".into(),
            quantity: 5_u32.into(),
        }];
        change.evidence.rules = vec!["one to one".to_owned()];
        change.evidence.as_of = Some("2026-10-11T06:00:00.5Z".parse().unwrap());
        change.evidence.undoes = Some(Undoes {
            run: RunId::new("r1"),
            changes: vec!["c0".into()],
        });
        change.blocks = vec![Block {
            guard: Guard::Currency,
            reason: "unlike".to_owned(),
        }];
        change
    });
    changes.collect()
}

/// Every value in JSON, by the keys that lead to it.
fn values(json: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    match json {
        serde_json::Value::Object(fields) => {
            let inner = fields.iter();
            inner.for_each(|(key, value)| values(value, &format!("{path}/{key}"), found));
        }
        serde_json::Value::Array(all) => {
            let inner = all.iter().enumerate();
            inner.for_each(|(at, value)| values(value, &format!("{path}/{at}"), found));
        }
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn a_change_with_one_other_value_has_other_bytes() {
    let bytes = |change: &Change| {
        let mut bytes = Vec::new();
        canonical::write(change, &mut bytes).unwrap();
        bytes
    };
    let mut edits = 0;
    for change in changes_of_every_kind() {
        let json = serde_json::to_value(&change).unwrap();
        let mut paths = Vec::new();
        values(&json, "", &mut paths);
        for path in paths {
            for other in ["2026-12-30", "7", "set_count", "no_line", "stale_reading"] {
                let mut edited = json.clone();
                *edited.pointer_mut(&path).unwrap() = other.into();
                let Ok(edited) = serde_json::from_value::<Change>(edited) else {
                    continue;
                };
                edits += 1;
                let alike = edited == change;
                assert_eq!(bytes(&edited) == bytes(&change), alike, "{path} {other}");
            }
        }
    }
    assert!(edits > 200, "{edits}");
}

/// Where ids become other ones the file's version has to as well: what was written before is no other content then.
#[test]
fn changes_and_plans_have_the_ids_of_their_version() {
    let [_, set, ..] = &changes_of_every_kind()[..] else {
        panic!("there is a change of each kind");
    };
    let intent = ("vendor", "psa", "a1", "p1", &set.action, set.effective);
    let intent = planner::intent_id(&intent).unwrap();
    assert_eq!(intent.as_str(), "540fb0665dc28af5c27b0240");
    let plan = Plan::new(content()).unwrap();
    assert_eq!(plan.id().as_str(), "56dfc3dc44781e33029f1eefcf1f2333");
    let text = plan.to_text().unwrap();
    assert!(text.contains("\"version\": 4,"));
}

#[test]
fn the_plan_of_a_run_is_read_as_it_stands_where_its_id_was_another_hash() {
    let bill = PlannedBill {
        account: "acct".into(),
        bill: BillStamp {
            key: BillKey::new("azure", day("2026-09-30")),
            digest: "0123456789abcdef".to_owned(),
        },
        changes: vec!["c1".into()],
    };
    let mut content = content();
    content.bills = vec![bill.clone()];
    let plan = Plan::new(content).unwrap();
    let text = plan.to_text().unwrap();
    assert_eq!(Plan::of_run(&text).unwrap(), plan);
    let of_another_id = text.replace(plan.id().as_str(), "00000000000000000000000000000000");
    let before = of_another_id.replace("\"version\": 4,", "\"version\": 1,");
    let error = Plan::from_text(&before).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StalePlan);
    assert!(error.to_string().contains("this program reads"), "{error}");
    let read = Plan::of_run(&before).unwrap();
    assert_eq!(read.content(), plan.content());
    assert_eq!(PlannedBill::of_plan_text(&before).unwrap(), [bill]);
    for damaged in [of_another_id, before.replace("\"account\"", "\"acount\"")] {
        let error = PlannedBill::of_plan_text(&damaged).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
    }
}

fn content() -> PlanContent {
    PlanContent {
        kind: PlanKind::Billing,
        source: "vendor".to_owned(),
        source_tenant: None,
        sink: "psa".to_owned(),
        sink_tenant: Some("tenant".to_owned()),
        strategy: Strategy::Versioned,
        made: "2026-10-11T07:00:00Z".parse().unwrap(),
        origin: None,
        today: day("2026-10-11"),
        data_as_of: None,
        refresh_seconds: Some(3_600),
        mapping_revision: 7,
        policy: Policy::default(),
        found: [(Kind::Change, 12)].into(),
        unowned_lines: 1,
        bills: Vec::new(),
        // More than are hashed together.
        changes: changes_of_every_kind()
            .into_iter()
            .cycle()
            .take(300)
            .collect(),
        notices: vec![Notice::new(Kind::Unmapped, "nothing is decided")],
    }
}
