//! What every store says of the changes that were written.

use super::{
    Claim, ClaimRequest, Event, Journal, Lease, MemoryStore, RecordedEvent, RunRecord, SkipCause,
    WrittenPosition, WrittenQuery,
};
use crate::apply::Approval;
use crate::model::{LineState, RunId, Timestamp};
use crate::plan::{Action, Change, Undoes};
use crate::sink::{Receipt, Verdict};

fn stores() -> Vec<Box<dyn Journal>> {
    vec![
        Box::new(MemoryStore::new()),
        #[cfg(feature = "sqlite")]
        Box::new(super::SqliteStore::open_in_memory().unwrap()),
    ]
}

fn state(quantity: u32) -> LineState {
    LineState {
        quantity: quantity.into(),
        ..LineState::default()
    }
}

fn change(id: &str, company: &str, agreement: &str, product: &str, line: Option<&str>) -> Change {
    let action = match line {
        Some(line) => Action::SetQuantity {
            line: line.into(),
            from: 1_u32.into(),
            to: 2_u32.into(),
        },
        None => Action::CreateLine {
            quantity: 2_u32.into(),
            unit_cost: None,
            unit_price: None,
            last_day: None,
            like: None,
        },
    };
    let day = "2026-02-01".parse().unwrap();
    Change::new(id, company, agreement, product, action, day)
}

/// The lease on an agreement.
pub(super) async fn take(journal: &dyn Journal, agreement: &str) -> Lease {
    let request = ClaimRequest {
        sink: "psa".into(),
        agreement: agreement.into(),
        holder: "teller".into(),
        now: Timestamp::EPOCH,
        until: Timestamp::EPOCH,
    };
    match journal.claim(&request).await.unwrap() {
        Claim::Taken { lease, .. } => lease,
        Claim::Held(lease) => panic!("{lease:?}"),
    }
}

struct Told<'a> {
    journal: &'a dyn Journal,
    run: RunId,
}

impl<'a> Told<'a> {
    async fn begin(journal: &'a dyn Journal, run: &str, changes: &[Change]) -> Self {
        let start = Timestamp::EPOCH;
        let approval = Approval::of_plan("plan".into(), "dana", start);
        let record = RunRecord::new(run.into(), "vendor", "psa", start, approval);
        journal.begin(&record, "{}", changes, &[]).await.unwrap();
        Self {
            journal,
            run: run.into(),
        }
    }

    async fn lease_for(&self, change: &str) -> Lease {
        let changes = self.journal.changes(&self.run).await.unwrap();
        let mut records = changes.into_iter();
        let record = records.find(|record| record.change.id.as_str() == change);
        take(self.journal, record.unwrap().change.agreement.as_str()).await
    }

    async fn tell(&self, change: &str, at: &str, events: &[Event]) {
        let known = self.journal.events(&self.run).await.unwrap();
        let first = known.iter().filter(|e| e.change.as_str() == change).count();
        for (seq, event) in (first..).zip(events) {
            let recorded = RecordedEvent {
                change: change.into(),
                seq: u32::try_from(seq).unwrap(),
                at: at.parse().unwrap(),
                event: event.clone(),
            };
            let lease = self.lease_for(change).await;
            let added = self.journal.append(&lease, &self.run, &recorded).await;
            added.unwrap();
        }
    }
}

fn sent() -> Vec<Event> {
    vec![
        Event::Intended { overridden: None },
        Event::Sent { attempt: 1 },
    ]
}

fn landed(line: &str) -> Vec<Event> {
    let verdict = Verdict::Landed {
        line: line.into(),
        observed: state(2),
    };
    vec![
        Event::Verified { verdict },
        Event::Done { recovered: false },
    ]
}

/// Two runs: the first is resumed after the second has written.
async fn tell_two_runs(journal: &dyn Journal) {
    let mut undo = change("u1", "co1", "a1", "p1", Some("l1"));
    undo.evidence.undoes = Some(Undoes {
        run: "r1".into(),
        changes: vec!["c1".into()],
    });
    let first = [
        change("c1", "co1", "a1", "p1", Some("l1")),
        change("c2", "co2", "a2", "p2", None),
        change("c3", "co2", "a2", "p3", Some("l3")),
        change("c4", "co2", "a2", "p4", Some("l4")),
    ];
    let one = Told::begin(journal, "r1", &first).await;
    one.tell("c1", "2026-02-01T23:59:59.5Z", &sent()).await;
    one.tell("c1", "2026-02-02T00:00:01Z", &landed("l1")).await;
    let skipped = Event::Skipped {
        cause: SkipCause::Earlier,
        reason: "told".into(),
    };
    one.tell("c4", "2026-02-02T00:00:01Z", &[skipped]).await;
    let two = Told::begin(journal, "r2", &[undo]).await;
    two.tell("u1", "2026-02-02T00:00:00Z", &sent()).await;
    one.tell("c2", "2026-02-03T08:00:00Z", &sent()).await;
    let receipt = Receipt::new("new-1");
    one.tell("c2", "2026-02-03T08:00:01Z", &[Event::Answered { receipt }])
        .await;
    one.tell("c3", "2026-02-03T09:00:00Z", &sent()).await;
    let again = [Event::Sent { attempt: 2 }];
    one.tell("c3", "2026-02-04T09:00:00Z", &again).await;
}

async fn found(journal: &dyn Journal, query: &WrittenQuery) -> Vec<String> {
    let all = journal
        .written(query, WrittenPosition::default(), 100)
        .await;
    let all = all.unwrap();
    all.iter().map(|w| w.record.change.id.to_string()).collect()
}

#[tokio::test]
async fn written_changes_come_in_the_order_of_their_first_writes_over_all_runs() {
    for journal in stores() {
        tell_two_runs(&*journal).await;
        let all = found(&*journal, &WrittenQuery::default()).await;
        assert_eq!(
            all,
            ["c1", "u1", "c2", "c3"],
            "what was skipped is not there"
        );
        let mut after = WrittenPosition::default();
        let mut paged = Vec::new();
        loop {
            let page = journal.written(&WrittenQuery::default(), after, 1).await;
            let Some(one) = page.unwrap().pop() else {
                break;
            };
            assert!(one.position > after);
            after = one.position;
            assert_eq!(one.run.approval.by, "dana");
            paged.push((one.record.change.id.to_string(), one.record.events.len()));
        }
        let expected = [("c1", 4), ("u1", 2), ("c2", 3), ("c3", 3)];
        assert_eq!(paged, expected.map(|(id, events)| (id.to_owned(), events)));
    }
}

#[tokio::test]
async fn written_changes_are_found_by_each_condition_and_by_all_together() {
    for journal in stores() {
        tell_two_runs(&*journal).await;
        let query = |set: &dyn Fn(&mut WrittenQuery)| {
            let mut query = WrittenQuery::default();
            set(&mut query);
            query
        };
        let cases: [(WrittenQuery, &[&str]); 9] = [
            (query(&|q| q.company = Some("co2".into())), &["c2", "c3"]),
            (query(&|q| q.agreement = Some("a1".into())), &["c1", "u1"]),
            (query(&|q| q.product = Some("p3".into())), &["c3"]),
            (query(&|q| q.line = Some("l1".into())), &["c1", "u1"]),
            (query(&|q| q.line = Some("new-1".into())), &["c2"]),
            (query(&|q| q.line = Some("l4".into())), &[]),
            (query(&|q| q.undoes = Some("r1".into())), &["u1"]),
            (
                query(&|q| q.since = Some("2026-02-02".parse().unwrap())),
                &["u1", "c2", "c3"],
            ),
            (
                query(&|q| {
                    q.company = Some("co1".into());
                    q.since = Some("2026-02-02".parse().unwrap());
                }),
                &["u1"],
            ),
        ];
        for (query, expected) in cases {
            assert_eq!(found(&*journal, &query).await, expected, "{query:?}");
        }
    }
}
