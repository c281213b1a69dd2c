//! A simulated cloud, and clients and sources of it.

use std::time::Duration;

use futures::TryStreamExt as _;
use tallyline_core::http::RetryPolicy;
use tallyline_core::model::{AccountReading, Timestamp};
use tallyline_core::source::UsageRequest;
use tallyline_core::{Result, VendorSource as _};
use tallyline_hyalto::vcd::{VcdClient, VcdCredentials, VcdSource};
use tallyline_testkit::server::RecordedRequest;
use tallyline_testkit::vcd::{VcdSimulator, VcdState};

pub(crate) const API_TOKEN: &str = "a9i-t0ken-of-the-provider";
pub(crate) const PASSWORD: &str = "pa55word-of-the-reader";

/// Short waits, so that a retry costs a test nothing.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    }
}

/// A cloud and the UUIDs of what it has.
pub(crate) struct Cloud {
    pub(crate) sim: VcdSimulator,
    /// northwind, oak-legal, birch-gym.
    pub(crate) orgs: [String; 3],
    /// The two of northwind, that of oak-legal.
    pub(crate) vdcs: [String; 3],
    /// The two of northwind's first data centre.
    pub(crate) vms: [String; 2],
}

/// Three organisations: two data centres, one, none.
pub(crate) async fn cloud(edit: impl FnOnce(&mut VcdState)) -> Cloud {
    let mut state = VcdState::new();
    state.add_api_token("System", API_TOKEN);
    let northwind = state.add_org("northwind");
    let oak = state.add_org("oak-legal");
    let birch = state.add_org("birch-gym");
    state.add_user("northwind", "reader", PASSWORD);
    let first = state.add_vdc(&northwind, "nwd-vdc-01");
    state.add_policy(&first, "Gold", 307_200.into(), 1024.into());
    state.add_policy(&first, "Silver", 102_400.into(), 2048.into());
    let dc = state.add_vm(&first, "nwd-dc01", 4, 16_384, 153_600);
    let web = state.add_vm(&first, "nwd-web01", 2, 4097, 51_200);
    state.add_edge(&first, "nwd-edge");
    let second = state.add_vdc(&northwind, "nwd-vdc-02");
    let oaks = state.add_vdc(&oak, "oak-vdc-01");
    state.add_vm(&oaks, "oak-app01", 8, 32_768, 204_800);
    edit(&mut state);
    Cloud {
        sim: VcdSimulator::start(state).await.unwrap(),
        orgs: [northwind, oak, birch],
        vdcs: [first, second, oaks],
        vms: [dc, web],
    }
}

/// As the provider, by an API token.
pub(crate) fn provider(sim: &VcdSimulator) -> VcdClient {
    VcdClient::builder()
        .base_url(sim.base_url().as_str())
        .org("System")
        .credentials(VcdCredentials::api_token(API_TOKEN))
        .retry(quick())
        .jitter_seed(1)
        .build()
        .unwrap()
}

/// As northwind, by a password.
pub(crate) fn tenant(sim: &VcdSimulator) -> VcdClient {
    VcdClient::builder()
        .base_url(sim.base_url().as_str())
        .org("northwind")
        .credentials(VcdCredentials::password("reader", PASSWORD))
        .retry(quick())
        .jitter_seed(1)
        .build()
        .unwrap()
}

pub(crate) fn now(sim: &VcdSimulator) -> Timestamp {
    sim.clock().now().to_string().parse().unwrap()
}

pub(crate) async fn readings(
    source: &VcdSource,
    sim: &VcdSimulator,
) -> Result<Vec<AccountReading>> {
    let request = UsageRequest::new(now(sim));
    source.usage(&request).try_collect().await
}

/// An account with its lines by service, and what of it is not observed.
pub(crate) fn told(sim: &VcdSimulator, reading: &AccountReading) -> String {
    let state = sim.state();
    let account = reading.account.as_str();
    let org = state.orgs.iter().find(|own| own.uuid == account).unwrap();
    let name_of = |uuid: &str| {
        let vms = state.vms.iter().map(|own| (&own.uuid, &own.name));
        let vdcs = state.vdcs.iter().map(|own| (&own.uuid, &own.name));
        let edges = state.edges.iter().map(|own| (&own.uuid, &own.name));
        let mut all = vms.chain(vdcs).chain(edges);
        all.find(|(own, _)| *own == uuid).unwrap().1.clone()
    };
    let Some(lines) = reading.lines() else {
        return format!("{}: failed", org.name);
    };
    let mut items: Vec<String> = lines
        .iter()
        .map(|line| {
            let group = name_of(line.resource_group.as_ref().unwrap().as_str());
            let unit = line.unit.as_deref().unwrap_or("-");
            format!("{group} {} {} {unit}", line.service, line.quantity)
        })
        .collect();
    items.extend(
        reading
            .unobserved
            .keys()
            .map(|key| format!("{key} unobserved")),
    );
    items.sort();
    format!("{}: {}", org.name, items.join(", "))
}

pub(crate) async fn shown(source: &VcdSource, sim: &VcdSimulator) -> Vec<String> {
    let readings = readings(source, sim).await.unwrap();
    readings.iter().map(|reading| told(sim, reading)).collect()
}

/// The requests but those for a session, as method, path and the decoded query.
pub(crate) fn asked(sim: &VcdSimulator) -> Vec<String> {
    let is_session = |own: &RecordedRequest| own.method == "POST";
    let requests = sim.requests().into_iter().filter(|own| !is_session(own));
    requests
        .map(|own| {
            let query = url::form_urlencoded::parse(own.query.as_bytes());
            let query: Vec<String> = query
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            format!("{} {}?{}", own.method, own.path, query.join("&"))
        })
        .collect()
}
