//! Under a system that limits: alone, beside another client, and after it went.

use proptest::prelude::*;

use super::model::{Rule, Server, Travel, another, send_all};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn window(requests: u32, millis: u64) -> RollingWindow {
    RollingWindow {
        requests: NonZeroU32::new(requests).unwrap(),
        per: Duration::from_millis(millis),
    }
}

type Pair = (Arc<Limiter>, Arc<Server>);

/// A limiter and a system of the same window.
fn windowed(max_concurrent: usize, window: RollingWindow) -> Pair {
    let options = LimiterOptions {
        max_concurrent,
        window: Some(window),
        ..LimiterOptions::default()
    };
    let server = Server::new(Rule::Window(window));
    (Arc::new(Limiter::new(options)), server)
}

/// A limiter and a system of the same bucket.
fn bucket(max_concurrent: usize, per_second: u32, burst: u32) -> Pair {
    let options = LimiterOptions {
        max_concurrent,
        per_second: NonZeroU32::new(per_second),
        burst: NonZeroU32::new(burst),
        ..LimiterOptions::default()
    };
    let server = Server::new(Rule::Bucket(SECOND / per_second, burst));
    (Arc::new(Limiter::new(options)), server)
}

/// Both, of 100 requests in 2 seconds or 50 a second, made when its turn comes.
const BOTH: [fn() -> Pair; 2] = [|| windowed(16, window(100, 2000)), || bucket(16, 50, 50)];

async fn run(limiter: &Arc<Limiter>, server: &Arc<Server>, travel: &Arc<Travel>, seconds: u64) {
    let until = Instant::now() + SECOND * u32::try_from(seconds).unwrap();
    send_all(limiter, server, travel, until).await;
}

/// Runs on a clock of its own that does not wait.
fn on_paused_time<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

fn travel_times(most: u64) -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::vec((0..=most, 0..=most), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_window_that_the_system_keeps_as_well_is_never_refused_however_long_requests_travel(
        requests in 1_u32..40,
        millis in 100_u64..3000,
        concurrent in 1_usize..20,
        times in travel_times(400),
    ) {
        let refused = on_paused_time(async {
            let (limiter, server) = windowed(concurrent, window(requests, millis));
            run(&limiter, &server, &Travel::of(times), 12).await;
            server.refused((0, 12))
        });
        prop_assert_eq!(refused, 0);
    }

    #[test]
    fn a_quota_whose_burst_outlasts_the_travel_is_never_refused(
        per_second in 1_u32..100,
        burst in 2_u32..60,
        concurrent in 1_usize..20,
        times in travel_times(1000),
    ) {
        // A timer that fires late takes one interval of them.
        let most = u64::from(burst - 2) * 1000 / u64::from(per_second);
        let times = times.into_iter().map(|(to, fro)| (to.min(most), fro)).collect();
        let refused = on_paused_time(async {
            let (limiter, server) = bucket(concurrent, per_second, burst);
            run(&limiter, &server, &Travel::of(times), 20).await;
            server.refused((0, 20))
        });
        prop_assert_eq!(refused, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn alone_nearly_all_that_is_allowed_is_used() {
    for millis in [0, 5, 50] {
        for made in BOTH {
            let (limiter, server) = made();
            let travel = Travel::of(vec![(millis / 2, millis - millis / 2)]);
            run(&limiter, &server, &travel, 60).await;
            let used = server.use_of_the_rest((0, 60));
            assert!(used >= 95, "{used} % at {millis} ms");
            assert_eq!(server.refused((0, 60)), 0, "at {millis} ms");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_quota_keeps_its_rate_where_answers_take_longer_than_the_burst() {
    for burst in [1, 3] {
        let (limiter, server) = bucket(16, 10, burst);
        run(&limiter, &server, &Travel::of(vec![(400, 600)]), 60).await;
        let used = server.use_of_the_rest((0, 60));
        assert!(used >= 95, "{used} %, burst {burst}");
        assert_eq!(server.refused((0, 60)), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_client_takes_is_left_to_it_within_ten_seconds() {
    // How often the other sends, and how many: a quarter of all, and half.
    for (every, at_once) in [(80, 1), (40, 1), (210, 5)] {
        for millis in [1, 5, 50] {
            for made in BOTH {
                let (limiter, server) = made();
                let every = Duration::from_millis(every);
                another(&server, (2, 90), every, at_once);
                let travel = Travel::of(vec![(millis / 2, millis - millis / 2)]);
                run(&limiter, &server, &travel, 90).await;
                let case = format!(
                    "{at_once} every {every:?}, {millis} ms, {:?}: {:?}",
                    limiter.options(),
                    server.refusals()
                );
                let first = server.refusals().first().expect(&case).as_secs();
                let adapted = (first + 10, first + 50);
                assert!(adapted.1 < 90, "{case}");
                assert_eq!(server.refused(adapted), 0, "{case}");
                let used = server.use_of_the_rest(adapted);
                assert!(used >= 90, "{used} %: {case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn while_another_client_stays_more_is_tried_seldom_and_costs_little() {
    for made in BOTH {
        let (limiter, server) = made();
        another(&server, (2, 3600), Duration::from_millis(40), 1);
        run(&limiter, &server, &Travel::of(vec![(5, 5)]), 3600).await;
        // After 1, 2 and 4 minutes, and then every eight.
        let refused = server.refused((20, 3600));
        assert!((1..=20).contains(&refused), "{:?}", server.refusals());
        let used = server.use_of_the_rest((20, 3600));
        assert!(used >= 90, "{used} %");
    }
}

#[tokio::test(start_paused = true)]
async fn all_is_used_again_after_the_other_client_went() {
    for made in BOTH {
        let (limiter, server) = made();
        another(&server, (2, 40), Duration::from_millis(40), 1);
        run(&limiter, &server, &Travel::of(vec![(5, 5)]), 240).await;
        assert_eq!(server.refused((20, 240)), 0, "{:?}", server.refusals());
        let used = server.use_of_the_rest((120, 240));
        assert!(used >= 95, "{used} %");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_chance_costs_seconds() {
    for made in BOTH {
        let (limiter, server) = made();
        let stray = Arc::clone(&server);
        tokio::spawn(async move {
            tokio::time::sleep(SECOND * 20).await;
            stray.refuse_once();
        });
        run(&limiter, &server, &Travel::of(vec![(5, 5)]), 100).await;
        assert_eq!(server.refused((0, 100)), 1);
        let spans = [(0, 20), (25, 55), (60, 100)];
        let used = spans.map(|span| server.use_of_the_rest(span));
        assert!(used.iter().all(|used| *used >= 95), "{used:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_window_still_counts_what_was_refused() {
    let (limiter, _) = windowed(4, window(2, 60_000));
    limiter.acquire(None, MINUTE).await.unwrap().refused(None);
    limiter.acquire(None, MINUTE * 2).await.unwrap();
    let wait = limiter.acquire(None, Duration::ZERO).await.unwrap_err();
    assert!(wait > SECOND, "{wait:?}");
}

#[tokio::test(start_paused = true)]
async fn refusals_of_what_left_together_slow_the_next_down_once() {
    let (limiter, _) = bucket(16, 10, 16);
    let mut left = Vec::new();
    for _ in 0..16 {
        left.push(limiter.acquire(None, MINUTE).await.unwrap());
    }
    for slots in left {
        slots.refused(Some(SECOND * 2));
    }
    let start = Instant::now();
    let mut times = Vec::new();
    for _ in 0..3 {
        limiter.acquire(None, MINUTE).await.unwrap();
        times.push(start.elapsed().as_millis() / 10 * 10);
    }
    assert_eq!(times, [2000, 2250, 2500]);
}

#[tokio::test(start_paused = true)]
async fn without_a_window_and_quotas_a_refusal_slows_nothing_down() {
    let limiter = Limiter::new(LimiterOptions::default());
    let slots = limiter.acquire(None, MINUTE).await.unwrap();
    slots.refused(Some(SECOND));
    let start = Instant::now();
    for _ in 0..50 {
        limiter.acquire(None, MINUTE).await.unwrap();
    }
    assert_eq!(start.elapsed().as_millis() / 10, 100);
}

/// How long each of the next requests waits, one after the other, in tens of milliseconds.
async fn departures<const COUNT: usize>(limiter: &Limiter) -> [u128; COUNT] {
    let start = Instant::now();
    let mut times = [0; COUNT];
    for time in &mut times {
        limiter.acquire(None, MINUTE).await.unwrap();
        *time = start.elapsed().as_millis() / 10;
    }
    times
}

#[tokio::test(start_paused = true)]
async fn others_are_given_their_time_after_the_longest_pause_that_was_asked_for() {
    let (limiter, _) = bucket(16, 10, 16);
    let first = limiter.acquire(None, MINUTE).await.unwrap();
    let second = limiter.acquire(None, MINUTE).await.unwrap();
    first.refused(Some(SECOND));
    second.refused(Some(SECOND * 30));
    assert_eq!(departures(&limiter).await, [3000, 3025, 3050]);
}

#[tokio::test(start_paused = true)]
async fn no_burst_is_let_go_right_after_all_was_tried_for_others_may_have_taken_it() {
    let (limiter, _) = bucket(16, 10, 10);
    limiter.acquire(None, MINUTE).await.unwrap().refused(None);
    // 16 requests' worth of time, and half a minute.
    tokio::time::advance(Duration::from_millis(31_600)).await;
    assert_eq!(departures(&limiter).await, [0, 10, 20]);
    tokio::time::advance(SECOND).await;
    assert_eq!(departures(&limiter).await, [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_pace_that_is_slower_than_the_time_for_others_ends_with_it() {
    let limiter = Limiter::new(LimiterOptions {
        per_minute: NonZeroU32::new(1),
        ..LimiterOptions::default()
    });
    limiter.acquire(None, MINUTE).await.unwrap().refused(None);
    // 150 s from one to the next for 30 s, then as the quota has it.
    assert_eq!(departures(&limiter).await, [6000, 12000]);
}
