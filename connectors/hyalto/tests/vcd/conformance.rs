//! The conformance batteries on the source.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use tallyline_core::Error;
use tallyline_core::http::RetryPolicy;
use tallyline_core::model::ServiceKey;
use tallyline_hyalto::vcd::{
    Granularity, StorageLines, VcdClient, VcdCredentials, VcdProperty, VcdSource, VcdUnits,
};
use tallyline_testkit::conformance::{
    BadConfig, Profile, Situation, SourceHarness, SourceUnderTest, Tokens, UNREACHABLE, World,
    run_source,
};
use tallyline_testkit::faults::Match;
use tallyline_testkit::secrets::Secrets;
use tallyline_testkit::vcd::{VcdSimulator, VcdState};

const USER: &str = "harness-reader";
const PASSWORD: &str = "pa55word/of+the harness";

/// Records of a page.
const PAGE: u32 = 8;

struct Vcd;

fn client(org: &str, password: &str, base_url: &str) -> (Result<VcdClient, Error>, String) {
    let retry = RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    };
    let builder = VcdClient::builder()
        .base_url(base_url)
        .org(org)
        .credentials(VcdCredentials::password(USER, password))
        .page_size(PAGE)
        .retry(retry)
        .jitter_seed(1);
    let shown = format!("{builder:?}");
    (builder.build(), shown)
}

fn query(kind: &str) -> Match {
    Match::get("/api/query").query(&format!("type={kind}&"))
}

#[async_trait]
impl SourceHarness for Vcd {
    fn profile(&self) -> Profile {
        let mut profile = Profile::new(
            "vcd",
            Secrets::of(PASSWORD),
            query("organization"),
            query("adminOrgVdcStorageProfile"),
        );
        profile.details.push(query("adminOrgVdc"));
        profile.details.push(query("adminVM"));
        profile.page_size = Ok(8);
        profile.tokens = Ok(Tokens {
            requests: Match::post("/cloudapi/1.0.0/sessions/provider"),
            per_client: 1,
        });
        profile.optional_members = &["displayName", "orgName", "status", "guestOs"];
        profile.open_enums = &["status"];
        profile
    }

    /// Each item of an account is a data centre with one storage policy of the item's name, which is a service of its own.
    async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> Result<SourceUnderTest, &'static str> {
        let mut state = VcdState::new();
        state.add_user("System", USER, PASSWORD);
        let mut accounts = Vec::new();
        for account in &world.accounts {
            let org = state.add_org(&account.name);
            for (item, quantity) in &account.items {
                let vdc = state.add_vdc(&org, &format!("vdc of {item}"));
                state.add_policy(&vdc, item, quantity.value(), 0.into());
            }
            accounts.push(org.into());
        }
        let mut password = PASSWORD;
        match situation {
            Situation::WrongCredentials => password = "another-password-than-the-right",
            Situation::MissingPermission => {
                state.denied.insert("organization".to_owned());
            }
            Situation::Good | Situation::Unreachable => {}
        }
        let simulator = VcdSimulator::start(state).await.unwrap();
        let base_url = match situation {
            Situation::Unreachable => UNREACHABLE.to_owned(),
            _ => simulator.base_url().to_string(),
        };
        let (client, mut shown) = client("System", password, &base_url);
        let source = VcdSource::builder()
            .client(client.unwrap())
            .granularity(Granularity::Both)
            .storage(StorageLines::ByPolicy)
            .properties(BTreeSet::from([VcdProperty::Storage]))
            .units(VcdUnits::MhzAndMb)
            .build()
            .unwrap();
        shown.push_str(&format!("{source:?}"));
        Ok(SourceUnderTest {
            source: Box::new(source),
            shown,
            vendor: Box::new(simulator),
            accounts,
        })
    }

    fn service_key(&self, service: &str) -> ServiceKey {
        format!("vdc/storage:{service}").into()
    }

    fn bad_configs(&self) -> Vec<BadConfig> {
        let build = |names, org, password, base_url| BadConfig {
            names,
            error: client(org, password, base_url).0.err(),
        };
        vec![
            build("organisation", " ", PASSWORD, UNREACHABLE),
            build("password", "System", "", UNREACHABLE),
            build("URL", "System", PASSWORD, "nowhere"),
        ]
    }

    fn plain_http(&self) -> Option<Error> {
        client("System", PASSWORD, "http://vcd.example.com").0.err()
    }
}

#[tokio::test]
async fn the_source_passes_the_batteries_and_its_row_is_current() {
    let report = run_source(&Vcd).await;
    assert!(report.is_conformant(), "{}", report.to_markdown());
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/testkit/CONFORMANCE.md");
    report.check_table(&table).unwrap();
}
