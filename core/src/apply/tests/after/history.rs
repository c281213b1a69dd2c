use futures::TryStreamExt;

use super::*;
use crate::apply::Override;
use crate::apply::after::{HistoryEntry, Proof, history};
use crate::apply::tests::set_quantity;
use crate::plan::{Block, Guard, UsageEvidence};
use crate::store::WrittenQuery;

async fn entries(desk: &Desk, query: WrittenQuery) -> Vec<HistoryEntry> {
    let entries = history(&desk.bench.journal, query);
    entries.try_collect().await.unwrap()
}

/// Two runs with each kind of proof, and a write that was refused.
async fn tell(desk: &Desk) {
    let mut evident = set_quantity("c1", "a1", "p1", "l1", (10, 12));
    evident.labels.company = "=cmd()".into();
    evident.labels.agreement = "Cloud".into();
    evident.labels.product = "MAIL".into();
    evident.reason = "the vendor shows 12".into();
    evident.evidence.usage.push(UsageEvidence {
        account: "A-1".into(),
        service: "MAIL-A".into(),
        line: "sub:1".into(),
        quantity: 12_u32.into(),
    });
    let changes = [
        evident,
        set_quantity("c2", "a1", "p2", "l2", (5, 6)),
        set_quantity("c3", "a1", "p3", "l3", (4, 5)),
        set_quantity("c4", "a2", "p1", "l9", (7, 8)),
    ];
    desk.fault("c2", &[Fault::LostButLanded]);
    desk.fault("c3", &[Fault::Rejected]);
    desk.fault("c4", &[Fault::Lost]);
    desk.run("r1", &changes).await;
    desk.run("r2", &[set_quantity("d1", "a1", "p1", "l1", (12, 3))])
        .await;
}

#[tokio::test]
async fn history_says_who_changed_what_from_what_to_what_and_how_it_was_proved() {
    let desk = Desk::new();
    tell(&desk).await;
    let all = entries(&desk, WrittenQuery::default()).await;
    let mut found: Vec<_> = all.iter().map(|e| (e.change.as_str(), e.proof)).collect();
    found[..3].sort_unstable_by_key(|(id, _)| *id);
    assert_eq!(
        found,
        [
            ("c1", Proof::ReadBack),
            ("c2", Proof::ReadBackAlone),
            ("c4", Proof::Open),
            ("d1", Proof::ReadBack),
        ],
        "a write that was refused changed nothing"
    );
    let first = all.iter().find(|e| e.change.as_str() == "c1").unwrap();
    assert_eq!(
        (first.run.as_str(), first.plan.as_str()),
        ("r1", "plan of r1")
    );
    assert_eq!(first.approved_by, "dana");
    assert_eq!(first.request_id.as_deref(), Some("req-c1"));
    let quantities = [&first.before, &first.after].map(|s| s.as_ref().unwrap().quantity);
    assert_eq!(quantities, [10_u32.into(), 12_u32.into()]);
}

#[tokio::test]
async fn history_of_a_line_is_in_the_order_of_the_writes() {
    let desk = Desk::new();
    tell(&desk).await;
    let query = WrittenQuery {
        line: Some("l1".into()),
        ..WrittenQuery::default()
    };
    let all = entries(&desk, query).await;
    let found: Vec<&str> = all.iter().map(|e| e.change.as_str()).collect();
    assert_eq!(found, ["c1", "d1"]);
    assert!(all[0].at < all[1].at);
}

#[tokio::test]
async fn history_is_read_a_page_at_a_time() {
    let desk = Desk::new();
    let total = 2 * crate::apply::after::PAGE + 1;
    for step in 0..total {
        let (from, to) = if step % 2 == 0 { (10, 12) } else { (12, 10) };
        let change = set_quantity("c1", "a1", "p1", "l1", (from, to));
        desk.run(&format!("r{step}"), &[change]).await;
    }
    let all = entries(&desk, WrittenQuery::default()).await;
    assert_eq!(all.len(), total);
    assert_eq!(all[total - 1].run.as_str(), format!("r{}", total - 1));
}

#[tokio::test]
async fn history_as_csv_states_its_units_and_holds_no_formula() {
    let desk = Desk::new();
    tell(&desk).await;
    let all = entries(&desk, WrittenQuery::default()).await;
    let first = all.iter().find(|e| e.change.as_str() == "c1").unwrap();
    let text = HistoryEntry::csv_titles().unwrap() + &first.csv_line().unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let titles = reader.headers().unwrap().clone();
    let row = reader.records().next().unwrap().unwrap();
    let cell = |title: &str| {
        let at = titles.iter().position(|known| known == title);
        row[at.unwrap_or_else(|| panic!("no column {title}"))].to_owned()
    };
    for (title, expected) in [
        ("company", "'=cmd()"),
        ("product", "MAIL"),
        ("change", "set quantity 10 -> 12"),
        ("quantity before (units)", "10"),
        ("quantity after (units)", "12"),
        ("cost after (per unit)", "1.00"),
        ("currency", "USD"),
        ("proof", "written and read back"),
        ("approved by", "dana"),
        ("why", "the vendor shows 12"),
        (
            "usage (account service line = units)",
            "A-1 MAIL-A sub:1 = 12",
        ),
        ("line id", "l1"),
        ("run", "r1"),
        ("request id", "req-c1"),
    ] {
        assert_eq!(cell(title), expected, "{title}");
    }
}

#[tokio::test]
async fn history_names_what_was_contradicted_and_who_overrode_a_guard() {
    let desk = Desk::new();
    let mut blocked = set_quantity("c1", "a1", "p1", "l1", (10, 3));
    blocked.blocks.push(Block {
        guard: Guard::TotalReduction,
        reason: "takes away 70 %".into(),
    });
    let mut bench = desk.bench;
    bench.changes = vec![blocked, set_quantity("c2", "a2", "p1", "l9", (7, 8))];
    let word = Override::new("kim", "the client left");
    bench.approval = bench.approval.with_override("c1", word.clone());
    bench.fault("c2", &[Fault::Overwritten]);
    bench.apply().await;
    let found: Vec<_> = history(&bench.journal, WrittenQuery::default())
        .map_ok(|entry| (entry.change.to_string(), entry.proof, entry.overridden))
        .try_collect()
        .await
        .unwrap();
    let told = |change: &str| found.iter().find(|(id, ..)| id == change).unwrap();
    assert_eq!(told("c1").1, Proof::ReadBack);
    assert_eq!(told("c1").2, Some(word));
    assert_eq!(told("c2").1, Proof::Contradicted);
    assert_eq!(told("c2").2, None);
}
