//! Lines that a sink lets stand for the changes that come next, or hands on with a read-back.

use std::time::Duration;

use super::{Bench, DONE, Fault, Outcome, RECOVERED, outcome, set_quantity};

/// A bench whose sink lets lines stand for a minute, with changes of three lines and one more of the first.
fn holding(bench: &mut Bench) {
    bench.sink.let_lines_hold(Duration::from_secs(60));
    bench.changes = vec![
        set_quantity("c1", "a1", "p1", "l1", (10, 12)),
        set_quantity("c2", "a1", "p2", "l2", (5, 6)),
        set_quantity("c3", "a1", "p3", "l3", (4, 5)),
    ];
}

/// A bench whose sink reads all lines with each read-back and lets none stand longer, with two changes of one line and
/// one of another.
fn handing_on(bench: &mut Bench) {
    holding(bench);
    bench.sink.let_lines_hold(Duration::ZERO);
    bench.sink.hand_lines_on();
    bench.changes[2] = set_quantity("c3", "a1", "p1", "l1", (12, 14));
}

on_every_store! {

async fn the_lines_of_a_read_back_are_those_that_the_next_change_is_compared_with(bench) {
    handing_on(&mut bench);
    assert!(bench.apply().await.is_all_done());
    assert_eq!(bench.sink.world().list_reads, [0]);
    assert_eq!(bench.quantity("a1", "p1"), ["14"]);
}

async fn an_edit_that_a_read_back_shows_on_another_line_keeps_its_change_from_being_written(bench) {
    handing_on(&mut bench);
    bench.sink.world().edited_with.insert("c1".into(), "l2".into());
    let report = bench.apply().await;
    assert_eq!((outcome(&report, "c1"), outcome(&report, "c2")), (DONE, Outcome::Drifted));
    assert_eq!((bench.attempts("c2"), outcome(&report, "c3")), (0, DONE));
    assert_eq!(bench.sink.world().list_reads, [0]);
}

async fn after_a_refused_write_lines_are_read_again_and_after_a_late_proof_they_are_at_hand(bench) {
    handing_on(&mut bench);
    bench.fault("c1", &[Fault::Rejected]);
    bench.fault("c2", &[Fault::LostButLanded]);
    bench.sink.world().late.insert("c2".into(), 1);
    bench.changes.push(set_quantity("c4", "a1", "p3", "l3", (4, 5)));
    let report = bench.apply().await;
    assert_eq!((outcome(&report, "c2"), outcome(&report, "c4")), (RECOVERED, DONE));
    assert_eq!(bench.sink.world().list_reads, [0, 1], "after c1 alone");
}

async fn lines_that_may_stand_are_read_once_for_the_changes_of_several_lines(bench) {
    holding(&mut bench);
    assert!(bench.apply().await.is_all_done());
    assert_eq!(bench.sink.world().list_reads, [0]);
    assert_eq!(bench.sink.world().expected, ["c1", "c2", "c3"]);
}

async fn without_the_sinks_word_lines_are_read_before_each_write(bench) {
    holding(&mut bench);
    bench.sink.let_lines_hold(Duration::ZERO);
    assert!(bench.apply().await.is_all_done());
    assert_eq!(bench.sink.world().list_reads, [0, 1, 2]);
}

async fn lines_are_read_again_before_a_second_change_of_the_line_that_was_written(bench) {
    holding(&mut bench);
    bench.changes.push(set_quantity("c4", "a1", "p1", "l1", (12, 14)));
    assert!(bench.apply().await.is_all_done());
    assert_eq!(bench.sink.world().list_reads, [0, 1], "after c1, and not after c2");
}

async fn lines_stand_no_longer_than_the_sink_lets_them(bench) {
    holding(&mut bench);
    bench.options.lease = Duration::from_secs(600);
    let clock = bench.clock.clone();
    bench.options = bench.options.with_on_event(move |told| {
        if told.change.id.as_str() == "c1" && told.event.name() == "sent" {
            clock.advance(Duration::from_secs(61));
        }
    });
    assert!(bench.apply().await.is_all_done());
    assert_eq!(bench.sink.world().list_reads, [0, 1]);
    assert!(!bench.history("c2").await.contains(&"held_back"));
}

async fn a_lost_answer_is_settled_and_the_lines_are_read_again(bench) {
    holding(&mut bench);
    bench.fault("c1", &[Fault::LostButLanded]);
    let report = bench.apply().await;
    assert_eq!((outcome(&report, "c1"), outcome(&report, "c3")), (RECOVERED, DONE));
    assert_eq!(bench.sink.world().list_reads, [0, 1]);
}

}
