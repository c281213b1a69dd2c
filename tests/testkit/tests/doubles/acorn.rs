//! The simulator of the source's vendor, and the harness, which may lie.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tallyline_core::Error;
use tallyline_testkit::conformance::{
    BadConfig, Profile, Situation, SourceHarness, SourceUnderTest, Tokens, UNREACHABLE, Vendor,
    World,
};
use tallyline_testkit::faults::Match;
use tallyline_testkit::http::{SimAnswer, SimRequest, router};
use tallyline_testkit::json::Json;
use tallyline_testkit::secrets::Secrets;
use tallyline_testkit::server::Simulator;

use crate::flaw::{Flaw, Lie};
use crate::source::AcornSource;

const KEY: &str = "acorn-k3y-of-the-harness";

/// Records in a page of any list.
pub(crate) const PAGE: usize = 6;

/// What the simulated vendor knows.
struct State {
    world: World,
    may_read: bool,
    /// Grows when tokens expire: only the newest token is taken.
    token: u32,
}

fn refused(status: u16, why: &str) -> SimAnswer {
    SimAnswer::json(status, &Json::object().with("message", why.to_owned()))
}

/// One page of a list. The next is told in three ways: a token, an address in the body, and one in a header.
fn page(request: &SimRequest, name: &str, records: Vec<Json>) -> SimAnswer {
    let from = request.query("after").map_or(0, |at| at.parse().unwrap());
    let next = from + PAGE;
    let more = next < records.len();
    let records = records.into_iter().skip(from).take(PAGE);
    let body = Json::object().with(name, Json::Array(records.collect()));
    if !more {
        return SimAnswer::json(200, &body);
    }
    let (host, path) = (request.header("host").unwrap(), &request.path);
    let address = format!("http://{host}{path}?after={next}");
    let body = body
        .with("next", next.to_string())
        .with("next_page", &address);
    SimAnswer::json(200, &body).header("link", format!("<{address}>; rel=\"next\""))
}

/// Answers one request.
fn answer(state: &State, request: &SimRequest) -> SimAnswer {
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
    let world = &state.world;
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["v1", "clients"]) => {
            let clients = world.accounts.iter().enumerate().map(|(at, account)| {
                Json::object()
                    .with("id", format!("c{at}"))
                    .with("name", &account.name)
                    .with("state", "active")
            });
            page(request, "clients", clients.collect())
        }
        ("GET", ["v1", "clients", id, "seats"]) => {
            let at: usize = id.trim_start_matches('c').parse().unwrap();
            let seats = world.accounts[at].items.iter().enumerate();
            let seats = seats.map(|(n, (sku, count))| {
                let last_day = world.committed.get(sku);
                Json::object()
                    .with("id", format!("{id}-{n}"))
                    .with("sku", sku)
                    .with("count", count.value())
                    .with("note", "as ordered")
                    .with("committed_until", last_day.map(ToString::to_string))
            });
            page(request, "seats", seats.collect())
        }
        ("POST", ["v1", "reports"]) => {
            SimAnswer::json(201, &Json::object().with("report", "prices"))
        }
        ("GET", ["v1", "reports", "prices"]) => {
            let prices = world.unit_costs.iter().map(|(sku, cost)| {
                Json::object()
                    .with("sku", sku)
                    .with("cost", cost.amount)
                    .with("currency", cost.currency.unwrap().to_string())
            });
            let body = Json::object().with("prices", Json::Array(prices.collect()));
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

/// A source that is broken in one way, or a harness that says one thing which is not so.
pub(crate) struct Broken(pub(crate) Flaw, pub(crate) Lie);

impl Broken {
    fn lie(&self, profile: &mut Profile) {
        match self.1 {
            Lie::SkipsATestThatThereIsNot => {
                profile.skips.push(("there_is_no_such_test", "it is told"));
            }
            Lie::SkipsWithoutAReason => profile.skips.push(("names_keep_every_letter", " ")),
            Lie::SkipsTheTestOfItself => {
                let it = ("the_harness_names_what_there_is", "it is in the way");
                profile.skips.push(it);
            }
            Lie::TriesNoWorld => profile.worlds = 0,
            Lie::HidesARequest => profile.details.truncate(1),
            Lie::NamesARequestThatIsNotSent => profile.starts.push(Match::post("/v1/jobs")),
            Lie::NamesAListThatIsNotThere => profile.open_enums = &["state", "mood"],
            Lie::NamesAMemberThatIsNotThere => profile.optional_members = &["note", "remark"],
            Lie::HidesThatListsArePaged => profile.page_size = Err("its lists are not paged"),
            Lie::None | Lie::StartsNothing => {}
        }
    }
}

#[async_trait]
impl SourceHarness for Broken {
    fn profile(&self) -> Profile {
        let mut profile = Profile::new(
            "acorn",
            Secrets::of(KEY),
            Match::get("/v1/clients").path_end("/clients"),
            Match::get("/seats"),
        );
        profile.details.push(Match::get("/v1/reports/"));
        profile.starts.push(Match::post("/v1/reports"));
        profile.reads_by_post.push(Match::post("/v1/reports"));
        profile.page_size = Ok(PAGE);
        profile.optional_members = &["note"];
        profile.open_enums = &["state"];
        // Enough for every double; the connectors' own runs try more.
        profile.worlds = 2;
        profile.tokens = Ok(Tokens {
            requests: Match::post("/v1/token"),
            per_client: 1,
        });
        if self.0 != Flaw::RefusesLongAnswers {
            let reason = "one double alone is about size";
            profile
                .skips
                .push(("a_page_of_four_mebibytes_is_read", reason));
        }
        self.lie(&mut profile);
        profile
    }

    async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> Result<SourceUnderTest, &'static str> {
        if self.1 == Lie::StartsNothing {
            return Err("it is told");
        }
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
