//! Credentials show nowhere in the whole path.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::io::Write;
use std::sync::{Arc, Mutex};

use common::{World, apply, ending, secrets, small};
use tallyline_core::store::SqliteStore;
use tallyline_testkit::faults::{Fault, Match};

/// A place for everything that is logged.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_shows_in_logs_errors_debug_output_plans_or_journals() {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // Global, and so in a test binary of its own: the interest of a call site is cached for all
    // threads.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let world = World::start(small(2)).await;
    let plan = world.plan(&ending()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let journal = SqliteStore::open(&path).unwrap();
    let report = apply(&world, &plan, &journal).await;
    assert!(report.totals.done > 0);

    let lists = world.lists().await;
    world
        .psa
        .faults()
        .on(Match::get("/finance/agreements"), Fault::html_502());
    world
        .vendor
        .faults()
        .on(Match::get("/customers"), Fault::status(401));
    let psa_error = world.flow().book(&lists, &world.mapping).await;
    let vendor_error = world.flow().lists().await.unwrap_err();

    let mut texts = vec![
        format!("{:?} {:#?}", world.source, world.sink),
        format!("{vendor_error} {vendor_error:?} {psa_error:?}"),
        plan.to_text().unwrap(),
        format!("{plan:?} {report:?}"),
        String::from_utf8_lossy(&captured.0.lock().unwrap()).into_owned(),
    ];
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        texts.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    assert!(texts[4].contains("customers"), "the log was captured");
    for text in &texts {
        assert_eq!(secrets().shown_in(text), None);
    }
}
