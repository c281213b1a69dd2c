//! The batteries have teeth: a source that is broken in one way fails in the group of that way, and in no other.
#![allow(clippy::unwrap_used, reason = "a double may panic as its test may")]

#[path = "doubles/source.rs"]
mod source;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use source::{AcornSource, Flaw};
use tallyline_core::Error;
use tallyline_testkit::conformance::{
    BadConfig, Group, Profile, Situation, SourceHarness, SourceUnderTest, Tokens, UNREACHABLE,
    Vendor, World, run_source,
};
use tallyline_testkit::faults::Match;
use tallyline_testkit::http::{SimAnswer, SimRequest, router};
use tallyline_testkit::json::Json;
use tallyline_testkit::secrets::Secrets;
use tallyline_testkit::server::Simulator;

const KEY: &str = "acorn-k3y-of-the-harness";
const PAGE: usize = 4;

/// What the simulated vendor knows.
struct State {
    world: World,
    may_read: bool,
    /// Grows when tokens expire: only the newest token is taken.
    token: u32,
}

/// Answers one request.
fn answer(state: &State, request: &SimRequest) -> SimAnswer {
    let refused = |status: u16, why: &str| {
        SimAnswer::json(status, &Json::object().with("message", why.to_owned()))
    };
    let token = format!("acorn-token-{:06}", state.token);
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if request.method == "POST" && segments == ["v1", "token"] {
        if request.body_text() != format!("key={KEY}") {
            return refused(401, "the key is not known");
        }
        let body = Json::object()
            .with("token", token)
            .with("expires_in", 3600_i64);
        return SimAnswer::json(200, &body);
    }
    if request.header("authorization") != Some(&format!("Bearer {token}")) {
        return refused(401, "the token is not valid");
    }
    if !state.may_read {
        return refused(403, "the key may not read clients");
    }
    let accounts = &state.world.accounts;
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["v1", "clients"]) => {
            let from = request.query("after").map_or(0, |at| at.parse().unwrap());
            let clients = accounts.iter().enumerate().skip(from).take(PAGE);
            let clients = clients.map(|(at, account)| {
                Json::object()
                    .with("id", format!("c{at}"))
                    .with("name", &account.name)
            });
            let body = Json::object().with("clients", Json::Array(clients.collect()));
            let next = from + PAGE;
            if next >= accounts.len() {
                return SimAnswer::json(200, &body);
            }
            // Told in three ways: a token, an address in the body, and one in a header.
            let host = request.header("host").unwrap();
            let address = format!("http://{host}/v1/clients?after={next}");
            let body = body
                .with("next", next.to_string())
                .with("next_page", &address);
            SimAnswer::json(200, &body).header("link", format!("<{address}>; rel=\"next\""))
        }
        ("GET", ["v1", "clients", id, "seats"]) => {
            let at: usize = id.trim_start_matches('c').parse().unwrap();
            let items = accounts[at].items.iter().enumerate();
            let seats = items.map(|(n, (sku, count))| {
                Json::object()
                    .with("id", format!("{id}-{n}"))
                    .with("sku", sku)
                    .with("count", count.value())
            });
            let body = Json::object().with("seats", Json::Array(seats.collect()));
            SimAnswer::json(200, &body)
        }
        _ => refused(404, "there is no such path"),
    }
}

/// The running vendor.
struct Acorn {
    server: Simulator,
    state: Arc<Mutex<State>>,
}

impl Vendor for Acorn {
    fn server(&self) -> &Simulator {
        &self.server
    }

    fn expire_tokens(&self) {
        self.state.lock().unwrap().token += 1;
    }
}

/// A source that is broken in one way.
struct Broken(Flaw);

#[async_trait]
impl SourceHarness for Broken {
    fn profile(&self) -> Profile {
        let mut profile = Profile::new(
            "acorn",
            Secrets::of(KEY),
            Match::get("/v1/clients").path_end("/clients"),
            Match::get("/seats"),
        );
        profile.page_size = Ok(PAGE);
        // Enough for every double; the connectors' own runs try more.
        profile.worlds = 5;
        profile.skips = vec![(
            "a_page_of_four_mebibytes_is_read",
            "no double is about size",
        )];
        profile.tokens = Ok(Tokens {
            requests: Match::post("/v1/token"),
            per_client: 1,
        });
        profile
    }

    async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> Result<SourceUnderTest, &'static str> {
        let state = Arc::new(Mutex::new(State {
            world: world.clone(),
            may_read: situation != Situation::MissingPermission,
            token: 1,
        }));
        let shared = Arc::clone(&state);
        let router = router(move |request| answer(&shared.lock().unwrap(), &request));
        let server = Simulator::serve(router, 0).await.unwrap();
        let base_url = match situation {
            Situation::Unreachable => UNREACHABLE,
            _ => server.base_url().as_str(),
        };
        let key = match situation {
            Situation::WrongCredentials => "another-key-than-the-right",
            _ => KEY,
        };
        let source = AcornSource::new(base_url, key, self.0).unwrap();
        Ok(SourceUnderTest {
            shown: format!("{source:?}"),
            source: Box::new(source),
            accounts: (0..world.accounts.len())
                .map(|at| format!("c{at}").into())
                .collect(),
            vendor: Box::new(Acorn { server, state }),
        })
    }

    fn bad_configs(&self) -> Vec<BadConfig> {
        let build = |names, base_url, key| BadConfig {
            names,
            error: AcornSource::new(base_url, key, self.0).err(),
        };
        vec![build("key", UNREACHABLE, " "), build("URL", "nowhere", KEY)]
    }

    fn plain_http(&self) -> Option<Error> {
        AcornSource::new("http://api.example.com", KEY, self.0).err()
    }
}

async fn fails_in(flaw: Flaw, groups: &[Group]) {
    let report = run_source(&Broken(flaw)).await;
    assert_eq!(
        report.failed_groups(),
        groups,
        "{flaw:?}\n{}",
        report.to_markdown()
    );
}

/// One test for each double.
macro_rules! doubles {
    ($($name:ident: $flaw:ident => [$($group:ident),*],)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                fails_in(Flaw::$flaw, &[$(Group::$group),*]).await;
            }
        )+
    };
}

doubles! {
    a_sound_source_fails_nowhere: Nothing => [],
    a_secret_in_debug_output_fails_in_config: ShowsItsKeyInDebug => [Config],
    a_blank_key_that_is_taken_fails_in_config: TakesABlankKey => [Config],
    a_wrong_kind_for_403_fails_in_check: CallsAMissingRightBadCredentials => [Check],
    a_panic_with_a_key_fails_in_auth_and_in_check_where_it_happened: PanicsWithItsKey => [Check, Auth],
    a_dropped_page_fails_in_read: DropsAPage => [Read],
    an_error_read_as_empty_fails_in_read: ReadsAnErrorAsEmpty => [Read],
    an_account_with_nothing_that_is_left_out_fails_in_read: LeavesOutAccountsWithNothing => [Read],
    services_that_are_not_listed_fail_in_read: ListsNoServices => [Read],
    a_missing_count_taken_for_zero_fails_in_wire: TakesAMissingCountForZero => [Wire],
    a_quantity_through_a_float_fails_in_wire: CountsThroughAFloat => [Wire],
    a_dropped_sign_fails_in_wire: DropsTheSign => [Wire],
    a_wait_cut_short_fails_in_retry: HidesRetryAfter => [Retry],
    a_reading_asked_for_without_end_fails_in_retry: AsksForReadingsWithoutEnd => [Retry],
    a_key_in_the_identity_fails_in_auth: ShowsItsKeyInItsIdentity => [Auth],
    a_followed_redirect_of_a_token_call_fails_in_auth: FollowsRedirectsOfTokenCalls => [Auth],
    a_logged_token_fails_in_auth: LogsItsToken => [Auth],
    a_token_logged_in_base64_behind_a_user_fails_in_auth: LogsItsTokenInBase64 => [Auth],
    a_key_logged_in_hexadecimal_fails_in_auth: LogsItsKeyInHex => [Auth],
    a_token_that_is_never_renewed_fails_in_auth: NeverRenewsItsToken => [Auth],
    a_followed_redirect_fails_in_auth: FollowsRedirects => [Auth],
    a_followed_link_to_another_host_fails_in_auth: FollowsForeignLinks => [Auth],
    a_followed_next_page_on_another_host_fails_in_auth: FollowsForeignNextPages => [Auth],
    a_source_that_writes_fails_in_sink: WritesWhileItReads => [Sink],
    a_span_name_with_an_account_fails_in_telemetry: NamesSpansByAccount => [Telemetry],
    records_that_are_alike_and_counted_once_fail_in_model: CountsRecordsThatAreAlikeOnce => [Model],
    a_subscription_that_is_left_out_fails_in_model: KeepsOneSubscriptionPerService => [Model],
}
