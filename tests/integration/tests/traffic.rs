//! All traffic of the suite is held to the vendors' documents, or is listed here with the reason why it is not.
//!
//! Held are, wherever `TALLYLINE_SPECS` names the documents: every exchange with a simulator of a documented system, every
//! request and every hand-written answer of a `MockVendor`, every request to the servers under the tables of hostile
//! answers and of credentials with its valid answer, and what passes a `HeldTransport`. In these, three things are not
//! held, since they are what the tests are about:
//!
//! - what a fault answers or makes of an answer (`Fault`), and the hostile answers of a table;
//! - the members that a hand-written answer leaves out, and the body of a hand-written failure: a gateway may have said it;
//! - violations that a test names with its reason: `expect_violations` for requests, `expect_odd_answers` for answers.
//!
//! Where simulator and document disagree, `contract::EXCEPTIONS` says so and why, and the README of the connector lists it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tallyline_testkit::contract::System;

/// Where traffic can pass that nothing holds: the file, what stands in it, and why it is not held there.
const NOT_HELD: &[(&str, &str, &str)] = &[
    (
        "core/src/http/tests/mod.rs",
        "Transport for",
        "the runtime's own tests: their operations are made up, of no vendor",
    ),
    (
        "core/src/http/tests/wire.rs",
        "MockServer::start",
        "the runtime's own tests: their operations are made up, of no vendor",
    ),
    (
        "core/src/http/tests/wire.rs",
        "TcpListener::bind",
        "the runtime's own tests: connections that break in the middle",
    ),
    (
        "core/src/http/reqwest_transport.rs",
        "Transport for",
        "the transport of production: what it carries is held where it arrives",
    ),
    (
        "examples/tests/custom_source.rs",
        "Simulator::serve(",
        "a made-up vendor of a third party, without a document",
    ),
    (
        "tests/testkit/src/bin/bench/limit.rs",
        "Simulator::serve(",
        "a server that does nothing but count requests, to measure how a limit is kept",
    ),
    (
        "tests/testkit/tests/doubles/acorn.rs",
        "Simulator::serve(",
        "the made-up vendor of the broken doubles, without a document",
    ),
    (
        "tests/testkit/tests/doubles/carrier.rs",
        "Transport for",
        "a broken double of the made-up vendor, around the transport of production",
    ),
    (
        "psa/connectwise/tests/conformance_teeth.rs",
        "Transport for",
        "broken doubles around the transport of production: what they send is held at the simulator",
    ),
    (
        "psa/autotask/tests/budget.rs",
        "Transport for",
        "counts calls on paused time; a `HeldTransport` around it holds them",
    ),
    (
        "tests/testkit/src/in_process.rs",
        "Transport for",
        "the simulator on paused time; the tests put a `HeldTransport` around it",
    ),
    (
        "tests/testkit/src/schedule/wire.rs",
        "Transport for",
        "loses and delays writes around the transport of production: what arrives is held at the simulator",
    ),
    (
        "tests/integration/src/decoders/answers.rs",
        "Transport for",
        "gives a fuzzer's bytes as answers; tests/decoders.rs holds every request",
    ),
    (
        "tests/integration/src/decoders/adapters.rs",
        "Transport for",
        "gives a fuzzer's bytes as answers; tests/decoders.rs holds every request",
    ),
    (
        "tests/testkit/tests/contract.rs",
        "Transport for",
        "answers for the test of the `HeldTransport` around it",
    ),
    (
        "tests/testkit/src/contract/transport.rs",
        "Transport for",
        "the `HeldTransport` itself",
    ),
    (
        "tests/testkit/src/mock.rs",
        "MockServer::start",
        "the mock behind a `MockVendor`, whose front holds what passes",
    ),
    (
        "tests/testkit/src/server.rs",
        "TcpListener::bind",
        "the server under every simulator, which does the holding",
    ),
    (
        "tests/testkit/src/raw.rs",
        "TcpListener::bind",
        "the server under the tables, which does the holding",
    ),
    (
        "tests/testkit/src/conformance/auth.rs",
        "Simulator::serve(",
        "another host: the test fails when anything at all reaches it",
    ),
    (
        "tests/testkit/src/credentials/mod.rs",
        "RawServer::start(None",
        "another host: the table fails when anything at all reaches it",
    ),
    (
        "tests/testkit/src/cloudmore/mod.rs",
        "Simulator::serve(",
        "Cloudmore publishes no document",
    ),
    (
        "connectors/cloudmore/tests/common/mod.rs",
        "MockVendor::undocumented",
        "Cloudmore publishes no document",
    ),
    (
        "connectors/cloudmore/tests/hostile.rs",
        "the table of cloudmore",
        "Cloudmore publishes no document",
    ),
    (
        "connectors/cloudmore/tests/hostile_operations.rs",
        "the table of cloudmore",
        "Cloudmore publishes no document",
    ),
    (
        "connectors/cloudmore/tests/raw/mod.rs",
        "the table of cloudmore",
        "Cloudmore publishes no document",
    ),
    (
        "connectors/cloudmore/tests/credentials.rs",
        "the table of cloudmore",
        "Cloudmore publishes no document",
    ),
    (
        "tests/testkit/src/dandh/mod.rs",
        "Simulator::serve(",
        "D&H publishes no OpenAPI document",
    ),
    (
        "connectors/dandh/tests/common/mod.rs",
        "MockVendor::undocumented",
        "D&H publishes no OpenAPI document",
    ),
    (
        "connectors/dandh/tests/raw/mod.rs",
        "the table of dandh",
        "D&H publishes no OpenAPI document",
    ),
    (
        "connectors/dandh/tests/hostile.rs",
        "the table of dandh",
        "D&H publishes no OpenAPI document",
    ),
    (
        "connectors/dandh/tests/hostile_operations.rs",
        "the table of dandh",
        "D&H publishes no OpenAPI document",
    ),
    (
        "connectors/dandh/tests/credentials.rs",
        "the table of dandh",
        "D&H publishes no OpenAPI document",
    ),
    (
        "tests/testkit/src/gradient/mod.rs",
        "Simulator::serve(",
        "Gradient publishes no OpenAPI document that is kept",
    ),
    (
        "psa/gradient/tests/common/mod.rs",
        "MockVendor::undocumented",
        "Gradient publishes no OpenAPI document that is kept",
    ),
    (
        "psa/gradient/tests/raw/mod.rs",
        "the table of gradient",
        "Gradient publishes no OpenAPI document that is kept",
    ),
    (
        "psa/gradient/tests/hostile_operations.rs",
        "the table of gradient",
        "Gradient publishes no OpenAPI document that is kept",
    ),
    (
        "psa/gradient/tests/credentials.rs",
        "the table of gradient",
        "Gradient publishes no OpenAPI document that is kept",
    ),
    (
        "connectors/hyalto/src/auth.rs",
        "Transport for",
        "hands every exchange on to the transport that it is given, and looks at the status of the answer alone",
    ),
    (
        "tests/testkit/src/hyalto/mod.rs",
        "Simulator::serve(",
        "HyAlto publishes no document",
    ),
    (
        "connectors/hyalto/tests/common/mod.rs",
        "MockVendor::undocumented",
        "HyAlto publishes no document",
    ),
    (
        "connectors/hyalto/tests/raw/mod.rs",
        "the table of hyalto",
        "HyAlto publishes no document",
    ),
    (
        "connectors/hyalto/tests/hostile.rs",
        "the table of hyalto",
        "HyAlto publishes no document",
    ),
    (
        "connectors/hyalto/tests/credentials.rs",
        "the table of hyalto",
        "HyAlto publishes no document",
    ),
    (
        "tests/testkit/src/vcd/mod.rs",
        "Simulator::serve(",
        "no OpenAPI document of VMware Cloud Director is kept",
    ),
    (
        "connectors/hyalto/tests/vcd/hostile.rs",
        "the table of vcd",
        "no OpenAPI document of VMware Cloud Director is kept",
    ),
    (
        "connectors/hyalto/tests/vcd/credentials.rs",
        "the table of vcd",
        "no OpenAPI document of VMware Cloud Director is kept",
    ),
    (
        "tests/testkit/tests/tables.rs",
        "the table of wrong",
        "broken doubles of a made-up client, for the tables themselves",
    ),
    (
        "tests/testkit/tests/tables.rs",
        "the table of right",
        "the runtime's own client on made-up operations, for the tables themselves",
    ),
    (
        "tests/testkit/tests/tables.rs",
        "the table of no limit",
        "a broken double of a made-up client, for the tables themselves",
    ),
];

/// What lets requests pass that nothing holds.
const WAYS: [&str; 6] = [
    "Transport for",
    "MockServer::start",
    "MockVendor::undocumented",
    "Simulator::serve(",
    "RawServer::start(None",
    "TcpListener::bind",
];

/// The tables, which hold the requests of a system that they know by its name.
const TABLES: [&str; 4] = [
    "HostileClient::new(",
    "HostileStreams::source(",
    "HostileStreams::sink(",
    "CredentialClient::new(",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every Rust file below a folder but those that were built.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// The ways in a source, without those in its comments.
fn ways(source: &str) -> BTreeSet<String> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let open = WAYS.iter().filter(|way| code.contains(**way));
    let mut ways: BTreeSet<String> = open.map(|way| (*way).to_owned()).collect();
    for table in TABLES {
        for call in code.split(table).skip(1) {
            // A name that is no literal is a test's own parameter: it stands with its values there.
            let name = call.trim_start().strip_prefix('"');
            let name = name.and_then(|rest| rest.split('"').next());
            if let Some(name) = name.filter(|name| System::named(name).is_none()) {
                ways.insert(format!("the table of {name}"));
            }
        }
    }
    ways
}

#[test]
fn what_is_not_held_to_a_vendors_document_is_listed_with_its_reason() {
    let root = root();
    let here = Path::new(file!()).file_name().unwrap();
    let mut files = Vec::new();
    for room in ["core", "connectors", "psa", "examples", "tests"] {
        sources(&root.join(room), &mut files);
    }
    assert!(files.len() > 300, "only {} files were seen", files.len());
    let mut found = BTreeSet::new();
    for file in files.iter().filter(|file| file.file_name() != Some(here)) {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap();
        let source = std::fs::read_to_string(file).unwrap();
        found.extend(ways(&source).into_iter().map(|way| (name.to_owned(), way)));
    }
    let listed: BTreeSet<(String, String)> = NOT_HELD
        .iter()
        .map(|(file, way, _)| ((*file).to_owned(), (*way).to_owned()))
        .collect();
    let unlisted: Vec<_> = found.difference(&listed).collect();
    let stale: Vec<_> = listed.difference(&found).collect();
    assert!(
        unlisted.is_empty() && stale.is_empty(),
        "not listed: {unlisted:#?}\nlisted and gone: {stale:#?}"
    );
    assert!(NOT_HELD.iter().all(|(_, _, why)| why.len() > 20));
}
