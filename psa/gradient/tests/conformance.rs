//! The conformance batteries on the Gradient sink.

mod harness;

use std::path::Path;

use harness::Gradient;
use tallyline_testkit::conformance::run_sink;

#[tokio::test]
async fn the_sink_passes_the_batteries_and_its_row_is_current() {
    let report = run_sink(&Gradient::sound()).await;
    assert!(report.is_conformant(), "{}", report.to_markdown());
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/testkit/CONFORMANCE.md");
    report.check_table(&table).unwrap();
}
