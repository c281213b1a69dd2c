//! The client and the source against hostile answers.

use std::time::Duration;

use tallyline_core::Result;
use tallyline_core::http::{Limits, Records, RetryPolicy, Timeouts};
use tallyline_hyalto::vcd::{Filter, VcdClient, VcdCredentials, VcdSource, operations};
use tallyline_testkit::hostile::{Field, HostileClient, HostileStreams, Probe, covers};
use tallyline_testkit::raw::Route;

use super::common::{API_TOKEN, quick};

const MAX_BODY: usize = 1 << 20;

/// The token of the routes.
pub(crate) const ACCESS: &str = "acce55-t0ken-of-the-routes";

const ORG: &str = "https://vcd.example.com/api/org/0a1b2c3d-0000-4000-8000-00000000000";
const VDC: &str = "https://vcd.example.com/api/vdc/0a1b2c3d-0000-4000-8000-00000000010";

pub(crate) fn token() -> Route {
    Route::post("/oauth/provider/token", token_body())
}

fn token_body() -> String {
    format!(r#"{{"access_token":"{ACCESS}","token_type":"Bearer","expires_in":3600}}"#)
}

/// A page of the query service that is the only one.
fn page(records: &[String]) -> String {
    format!(
        r#"{{"total":{},"page":1,"pageSize":128,"record":[{}]}}"#,
        records.len(),
        records.join(",")
    )
}

pub(crate) fn orgs() -> String {
    let org = |number: u8, name: &str| {
        format!(
            r#"{{"href":"{ORG}{number}","name":"{name}","displayName":"{name} Ltd","numberOfVdcs":1}}"#
        )
    };
    page(&[org(1, "northwind"), org(2, "oak"), org(3, "birch")])
}

pub(crate) fn query(kind: &str, body: &str) -> Route {
    Route::get("/api/query", body).query("type", kind)
}

fn vdcs(number: u8, ram: u32) -> String {
    page(&[format!(
        r#"{{"href":"{VDC}{number}","org":"{ORG}{number}","name":"vdc","cpuAllocationMhz":1000,"cpuUsedMhz":500,"memoryAllocationMB":{ram},"memoryUsedMB":1,"numberOfVMs":2,"storageLimitMB":1024,"storageUsedMB":5}}"#
    )])
}

fn vms() -> String {
    page(&[format!(
        r#"{{"href":"https://vcd.example.com/api/vApp/vm-0a1b2c3d-0000-4000-8000-000000000201","org":"{ORG}1","name":"vm","numberOfCpus":4,"memoryMB":1024,"totalStorageAllocatedMb":2048,"status":"POWERED_ON"}}"#
    )])
}

fn policies() -> String {
    page(&[format!(
        r#"{{"href":"https://vcd.example.com/api/vdcStorageProfile/0a1b2c3d-0000-4000-8000-000000000301","vdc":"{VDC}1","org":"{ORG}1","name":"Gold","storageLimitMB":512,"storageUsedMB":5}}"#
    )])
}

fn edges() -> String {
    page(&[format!(
        r#"{{"href":"https://vcd.example.com/api/admin/edgeGateway/0a1b2c3d-0000-4000-8000-000000000401","name":"edge","vdc":"{VDC}1"}}"#
    )])
}

fn open(values: &str, count: u8) -> String {
    format!(
        r#"{{"resultTotal":{count},"pageCount":1,"page":1,"pageSize":128,"values":[{values}]}}"#
    )
}

pub(crate) fn edge_gateways() -> Route {
    Route::get(
        "/cloudapi/1.0.0/edgeGateways",
        open(
            r#"{"id":"urn:vcloud:gateway:0a1b2c3d-0000-4000-8000-000000000401","name":"edge","orgRef":{"name":"northwind","id":"urn:vcloud:org:0a1b2c3d-0000-4000-8000-000000000001"}}"#,
            1,
        ),
    )
}

fn cloud_orgs() -> Route {
    Route::get(
        "/cloudapi/1.0.0/orgs",
        open(
            r#"{"id":"urn:vcloud:org:0a1b2c3d-0000-4000-8000-000000000001","name":"northwind","orgVdcCount":2}"#,
            1,
        ),
    )
}

fn connect_as(base: &str, org: &str) -> Result<VcdClient> {
    VcdClient::builder()
        .base_url(base)
        .org(org)
        .credentials(VcdCredentials::api_token(API_TOKEN))
        .retry(RetryPolicy {
            max_attempts: 2,
            ..quick()
        })
        .timeouts(Timeouts {
            attempt: Some(Duration::from_millis(400)),
            ..Timeouts::default()
        })
        .limits(Limits {
            max_body: MAX_BODY,
            max_pages: 5,
        })
        .jitter_seed(1)
        .build()
}

fn connect(base: &str) -> Result<VcdClient> {
    connect_as(base, "System")
}

async fn all<T>(records: Records<T>) -> Result<String>
where
    T: serde::de::DeserializeOwned + std::fmt::Debug,
{
    Ok(format!("{:?}", records.try_collect_all(1000).await?))
}

/// What a sync reads, and the other lists.
fn main_table() -> HostileClient<VcdClient> {
    let quantities = |probe: Probe<VcdClient>, members: &[&str]| {
        members.iter().fold(probe, |probe, member| {
            probe.field(Field::quantity(&format!("/record/0/{member}")).optional())
        })
    };
    let record = |probe: Probe<VcdClient>| {
        probe
            .field(Field::text_id("/record/0/href"))
            .field(Field::name("/record/0/name"))
    };
    let organizations = Probe::new(
        "organizations",
        query("organization", &orgs()),
        |client: VcdClient| async move { all(client.organizations(&Filter::new())).await },
    );
    let org_vdcs = Probe::new(
        "org vdcs",
        query("adminOrgVdc", &vdcs(1, 2048)),
        |client: VcdClient| async move { all(client.org_vdcs(&Filter::new())).await },
    );
    let machines = Probe::new(
        "vms",
        query("adminVM", &vms()),
        |client: VcdClient| async move { all(client.vms(&Filter::new())).await },
    );
    let storage = Probe::new(
        "storage policies",
        query("adminOrgVdcStorageProfile", &policies()),
        |client: VcdClient| async move { all(client.storage_policies(&Filter::new())).await },
    );
    let gateways = Probe::new(
        "edge gateway records",
        query("edgeGateway", &edges()),
        |client: VcdClient| async move { all(client.edge_gateway_records(&Filter::new())).await },
    );
    let open_orgs = Probe::new("orgs", cloud_orgs(), |client: VcdClient| async move {
        all(client.orgs(&Filter::new())).await
    });
    let open_edges = Probe::new(
        "edge gateways",
        edge_gateways(),
        |client: VcdClient| async move { all(client.edge_gateways(&Filter::new())).await },
    );
    let versions = Probe::new(
        "versions",
        Route::get(
            "/api/versions",
            r#"{"versionInfo":[{"version":"37.0","deprecated":false}]}"#,
        ),
        |client: VcdClient| async move { Ok(format!("{:?}", client.versions().await?)) },
    );
    let session = Probe::new(
        "current session",
        Route::get(
            "/cloudapi/1.0.0/sessions/current",
            r#"{"id":"urn:vcloud:session:1","user":{"name":"reader"},"org":{"name":"System"}}"#,
        ),
        |client: VcdClient| async move { Ok(format!("{:?}", client.current_session().await?)) },
    );
    HostileClient::new("vcd", connect)
        .max_body(MAX_BODY)
        .route(token())
        .probe(record(organizations))
        .probe(quantities(
            record(org_vdcs),
            &["cpuAllocationMhz", "memoryAllocationMB", "numberOfVMs"],
        ))
        .probe(quantities(
            record(machines),
            &["numberOfCpus", "memoryMB", "totalStorageAllocatedMb"],
        ))
        .probe(quantities(record(storage).brief(), &["storageLimitMB"]))
        .probe(record(gateways).brief())
        .probe(
            open_orgs
                .field(Field::text_id("/values/0/id"))
                .field(Field::name("/values/0/name"))
                .brief(),
        )
        .probe(
            open_edges
                .field(Field::text_id("/values/0/id"))
                .field(Field::name("/values/0/orgRef/name")),
        )
        .probe(
            versions
                .field(Field::text_id("/versionInfo/0/version"))
                .brief(),
        )
        .probe(
            session
                .field(Field::text_id("/id").named("Session"))
                .field(Field::name("/user/name").named("Session"))
                .brief(),
        )
}

/// The call for a token, of the provider or of a tenant: a client for each case, since a token is kept.
fn token_table(org: &'static str, path: &str) -> HostileClient<String> {
    HostileClient::new("vcd", |base| Ok(base.to_owned()))
        .max_body(MAX_BODY)
        .route(query("organization", &orgs()))
        .probe(Probe::new(
            "token",
            Route::post(path, token_body()),
            move |base: String| async move {
                let client = connect_as(&base, org)?;
                all(client.organizations(&Filter::new())).await
            },
        ))
}

fn provider_table() -> HostileClient<String> {
    token_table("System", "/oauth/provider/token")
}

fn tenant_table() -> HostileClient<String> {
    token_table("northwind", "/oauth/tenant/northwind/token")
}

/// Why a query stands in the table and is not seen there.
const BY_TYPE: &str = "tables tell operations apart by their paths, and queries differ by a parameter: its type is in the table";

/// Operations whose answers are not read, and those that the table cannot tell apart.
const EXCUSED: &[(&str, &str)] = &[
    ("query.organizations", BY_TYPE),
    ("query.org_vdcs", BY_TYPE),
    ("query.vms", BY_TYPE),
    ("query.edge_gateways", BY_TYPE),
    (
        "sessions.create",
        "the body of its answer is not read, and its header is held in the tests of sessions",
    ),
    (
        "sessions.create_provider",
        "the body of its answer is not read, and its header is held in the tests of sessions",
    ),
    ("sessions.delete", "its answer is not read"),
];

#[test]
fn every_operation_is_in_a_table_of_hostile_answers() {
    let covered = main_table()
        .covered()
        .and(provider_table().covered())
        .and(tenant_table().covered());
    assert_eq!(
        covers(operations::ALL.iter().copied(), &covered, EXCUSED),
        Ok(())
    );
}

#[tokio::test]
async fn no_answer_harms_the_client_and_every_wrong_one_is_named() {
    let report = main_table().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_token_answer_harms_the_client_of_provider_or_tenant() {
    for table in [provider_table(), tenant_table()] {
        let report = table.run().await;
        println!("{} cases", report.cases());
        report.assert_held();
    }
}

fn source(base: &str) -> Result<VcdSource> {
    VcdSource::builder().client(connect(base)?).build()
}

/// The data centres of one organisation.
fn vdcs_of(number: u8, ram: u32) -> Route {
    let filter = format!("org=={ORG}{number}");
    query("adminOrgVdc", &vdcs(number, ram)).query("filter", &filter)
}

#[tokio::test]
async fn a_hostile_answer_for_one_organisation_fails_that_one_alone() {
    let victim = vdcs_of(2, 2048);
    let table = HostileStreams::source(
        "vcd",
        source,
        "0a1b2c3d-0000-4000-8000-000000000002",
        victim.clone(),
    )
    .max_body(MAX_BODY)
    .route(token())
    .route(query("organization", &orgs()))
    .route(vdcs_of(1, 1024))
    .route(victim)
    .route(vdcs_of(3, 4096))
    .route(query("adminOrgVdcStorageProfile", &page(&[])))
    .route(Route::get("/cloudapi/1.0.0/edgeGateways", open("", 0)))
    .field(Field::quantity("/record/0/memoryAllocationMB").optional())
    .field(Field::quantity("/record/0/numberOfVMs").optional())
    .field(Field::text_id("/record/0/href"))
    .field(Field::name("/record/0/name"));
    let report = table.run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}
