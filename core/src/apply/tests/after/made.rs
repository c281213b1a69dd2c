//! What becomes afterwards of what a run made: agreements, charges and accounts.

use super::retry::retried;
use super::*;
use crate::apply::tests::made::{charge, create_account, create_agreement, link_account};

#[tokio::test]
async fn what_was_made_stays_and_says_what_a_person_can_do() {
    let desk = Desk::new();
    let of_lines = [create_agreement("c1"), charge("c2", "2026-03-06")];
    let of_accounts = [create_account("c3", "7"), link_account("c4", "8")];
    desk.run("lines", &of_lines).await;
    desk.run("accounts", &of_accounts).await;
    let said = |undo: &Undo| -> Vec<(String, String)> {
        let refused = undo.refused.iter();
        refused
            .map(|refused| (refused.change.id.to_string(), refused.refusal.to_string()))
            .collect()
    };
    let lines = desk.undo("lines").await;
    let accounts = desk.undo("accounts").await;
    for undo in [&lines, &accounts] {
        assert!(undo.plan.changes().is_empty());
    }
    for (change, words) in [
        ("c1", "stays once it is created: end it in the PSA"),
        ("c2", "is billed once and stays: delete it in the PSA"),
        ("c3", "stays once it is created: remove it at the vendor"),
        ("c4", "keeps the company's id: take it out at the vendor"),
    ] {
        let all = said(&lines).into_iter().chain(said(&accounts));
        let of_change: Vec<_> = all.filter(|(id, _)| id == change).collect();
        let [(_, told)] = &of_change[..] else {
            panic!("{change}: {of_change:?}");
        };
        assert!(told.contains(words), "{change}: {told}");
    }
    assert!(lines.plan.content().kind.is_billing());
    assert_eq!(accounts.plan.content().kind, PlanKind::Accounts);
    assert!(!accounts.plan.content().kind.is_billing());
}

#[tokio::test]
async fn an_account_that_was_refused_is_brought_again_though_one_of_its_name_is_there_by_now() {
    let desk = Desk::new();
    let changes = [create_account("c1", "7"), create_account("c2", "8")];
    for refused in ["c1", "c2"] {
        desk.fault(refused, &[Fault::Rejected]);
    }
    desk.run("r1", &changes).await;
    let fresh = [
        link_account("n1", "7"),
        create_account("n2", "8"),
        create_account("n3", "9"),
    ];
    let retry = retried(&desk, &plan_of(fresh.to_vec())).await;
    assert_eq!(ids(retry.plan.changes()), ["n1", "n2"]);
}
