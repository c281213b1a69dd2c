//! A small provider at the simulated VMware Cloud Director, and calls to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tallyline_testkit::json::Json;
use tallyline_testkit::vcd::{VcdSimulator, VcdState};

use super::{Answer, send};

pub(crate) const LEGACY: (&str, &str) = ("Accept", "application/*+json;version=37.0");
pub(crate) const OPEN: (&str, &str) = ("Accept", "application/json;version=37.0");
pub(crate) const ANY: (&str, &str) = ("Accept", "application/*;version=37.0");
pub(crate) const SESSIONS: &str = "/cloudapi/1.0.0/sessions";
pub(crate) const PROVIDER: &str = "/cloudapi/1.0.0/sessions/provider";
pub(crate) const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

pub(crate) struct Cloud {
    pub(crate) sim: VcdSimulator,
    /// Two organisations; the first has a data centre with two machines beside the two that do not count.
    pub(crate) orgs: [String; 2],
}

pub(crate) async fn cloud() -> Cloud {
    let mut state = VcdState::new();
    let first = state.add_org("northwind");
    let second = state.add_org("oak-legal");
    state.add_user("northwind", "reader", "tenant-password");
    let vdc = state.add_vdc(&first, "nwd-vdc-01");
    state.add_policy(&vdc, "Gold", 512_000.into(), 1000.into());
    state.add_vm(&vdc, "nwd-dc01", 4, 16_384, 153_600);
    state.add_vm(&vdc, "nwd-web;01", 2, 4096, 51_201);
    state.add_edge(&vdc, "nwd-edge");
    let other = state.add_vdc(&second, "oak-vdc-01");
    state.add_edge(&other, "oak-edge");
    Cloud {
        sim: VcdSimulator::start(state).await.unwrap(),
        orgs: [first, second],
    }
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

impl Cloud {
    pub(crate) async fn raw(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        send(self.sim.base_url(), method, target, headers, body)
            .await
            .unwrap()
    }

    pub(crate) async fn sign_in(&self, path: &str, user: &str, password: &str) -> Answer {
        let basic = basic(user, password);
        self.raw("POST", path, &[ANY, ("Authorization", &basic)], "")
            .await
    }

    /// The header of a fresh session of the provider.
    pub(crate) async fn provider(&self) -> String {
        let answer = self
            .sign_in(PROVIDER, "administrator@System", "example-password")
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        format!(
            "Bearer {}",
            answer.header("x-vmware-vcloud-access-token").unwrap()
        )
    }

    /// The header of a fresh session of the first organisation.
    pub(crate) async fn tenant(&self) -> String {
        let answer = self
            .sign_in(SESSIONS, "reader@northwind", "tenant-password")
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        format!(
            "Bearer {}",
            answer.header("x-vmware-vcloud-access-token").unwrap()
        )
    }

    pub(crate) async fn query(&self, session: &str, query: &str) -> Answer {
        let headers = [LEGACY, ("Authorization", session)];
        let target = format!("/api/query?{query}");
        self.raw("GET", &target, &headers, "").await
    }

    pub(crate) async fn open(&self, session: &str, target: &str) -> Answer {
        let headers = [OPEN, ("Authorization", session)];
        self.raw("GET", &format!("/cloudapi/1.0.0/{target}"), &headers, "")
            .await
    }
}

/// The names in a list.
pub(crate) fn names(answer: &Answer, list: &str) -> Vec<String> {
    let body = answer.json();
    let rows = body.get(list).and_then(Json::items).unwrap_or_default();
    let name = |row: &Json| {
        row.get("name")
            .and_then(Json::text)
            .unwrap_or("")
            .to_owned()
    };
    rows.iter().map(name).collect()
}
