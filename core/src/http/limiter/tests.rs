mod limited;
mod model;

use tokio::time::sleep;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn limiter(per_second: u32, burst: u32) -> Limiter {
    Limiter::new(LimiterOptions {
        per_second: NonZeroU32::new(per_second),
        burst: NonZeroU32::new(burst),
        ..LimiterOptions::default()
    })
}

async fn block(limiter: &Limiter, wait: Duration) {
    let slots = limiter.acquire(None, MINUTE).await.unwrap();
    slots.refused(Some(wait));
}

#[tokio::test(start_paused = true)]
async fn a_quota_spaces_requests_evenly_after_the_burst() {
    let limiter = limiter(10, 3);
    let start = Instant::now();
    let mut times = Vec::new();
    for _ in 0..6 {
        limiter.acquire(None, MINUTE).await.unwrap();
        times.push(start.elapsed().as_millis() / 10 * 10);
    }
    assert_eq!(times, [0, 0, 0, 100, 200, 300]);
}

#[tokio::test(start_paused = true)]
async fn a_block_holds_everything_and_one_beyond_the_wait_is_refused_at_once() {
    let limiter = limiter(1000, 1000);
    block(&limiter, Duration::from_secs(20)).await;
    let start = Instant::now();
    let wait = limiter
        .acquire(None, Duration::from_secs(5))
        .await
        .unwrap_err();
    assert_eq!((wait.as_secs(), start.elapsed().as_secs()), (20, 0));
    limiter.acquire(None, MINUTE).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_block_that_grows_during_the_wait_is_kept() {
    let limiter = Arc::new(limiter(1000, 1000));
    let under_way = limiter.acquire(None, MINUTE).await.unwrap();
    block(&limiter, Duration::from_secs(2)).await;
    let start = Instant::now();
    let waiting = tokio::spawn({
        let limiter = Arc::clone(&limiter);
        async move { limiter.acquire(None, MINUTE).await.map(|_| Instant::now()) }
    });
    tokio::task::yield_now().await;
    under_way.refused(Some(Duration::from_secs(9)));
    let passed = waiting.await.unwrap().unwrap();
    assert_eq!(passed.duration_since(start).as_secs(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_under_a_long_window_costs_the_wait_that_is_asked_for_and_no_pace_after_it() {
    let window = |per| {
        Limiter::new(LimiterOptions {
            window: Some(RollingWindow {
                requests: NonZeroU32::new(4_000).unwrap(),
                per,
            }),
            ..LimiterOptions::default()
        })
    };
    let mut took = Vec::new();
    for per in [MINUTE * 60, MINUTE] {
        let limiter = window(per);
        block(&limiter, Duration::from_secs(20)).await;
        let start = Instant::now();
        for _ in 0..1_000 {
            limiter.acquire(None, MINUTE).await.unwrap();
        }
        took.push(start.elapsed().as_secs());
    }
    assert_eq!(took[0], 20);
    assert!(took[1] > 40, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_slots_are_given_out_and_none_gets_lost() {
    let limiter = Limiter::new(LimiterOptions {
        max_concurrent: 0,
        ..LimiterOptions::default()
    });
    let slot = limiter.acquire(None, MINUTE).await.unwrap();
    let second = tokio::time::timeout(MINUTE, limiter.acquire(None, MINUTE)).await;
    assert!(second.is_err());
    drop(slot);
    assert!(limiter.acquire(None, MINUTE).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_absurd_block_heals_within_an_hour() {
    let limiter = limiter(1, 1);
    block(&limiter, Duration::MAX).await;
    assert!(limiter.acquire(None, LONGEST_BLOCK).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_window_lets_its_requests_pass_at_once_and_the_next_when_the_first_is_old() {
    let limiter = Limiter::new(LimiterOptions {
        window: Some(RollingWindow {
            requests: NonZeroU32::new(3).unwrap(),
            per: MINUTE,
        }),
        ..LimiterOptions::default()
    });
    let start = Instant::now();
    for _ in 0..2 {
        limiter.acquire(None, MINUTE).await.unwrap();
    }
    tokio::time::advance(Duration::from_secs(10)).await;
    limiter.acquire(None, MINUTE).await.unwrap();
    let wait = limiter.acquire(None, Duration::from_secs(49)).await;
    assert_eq!(wait.unwrap_err().as_secs(), 50);
    for expected in [60, 60, 70, 120] {
        limiter.acquire(None, MINUTE).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_narrower_window_counts_what_passed_before_it() {
    let limiter = Limiter::new(LimiterOptions {
        window: Some(RollingWindow {
            requests: NonZeroU32::new(100).unwrap(),
            per: MINUTE,
        }),
        ..LimiterOptions::default()
    });
    for _ in 0..5 {
        limiter.acquire(None, MINUTE).await.unwrap();
    }
    limiter.set_window(RollingWindow {
        requests: NonZeroU32::new(2).unwrap(),
        per: MINUTE,
    });
    let wait = limiter.acquire(None, Duration::ZERO).await.unwrap_err();
    assert_eq!(wait.as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn each_group_has_slots_of_its_own() {
    let limiter = Limiter::new(LimiterOptions {
        max_per_group: Some(2),
        ..LimiterOptions::default()
    });
    let held = [
        limiter.acquire(Some("a"), MINUTE).await.unwrap(),
        limiter.acquire(Some("a"), MINUTE).await.unwrap(),
    ];
    let third = limiter.acquire(Some("a"), MINUTE);
    assert!(tokio::time::timeout(MINUTE, third).await.is_err());
    assert!(limiter.acquire(Some("b"), MINUTE).await.is_ok());
    assert!(limiter.acquire(None, MINUTE).await.is_ok());
    drop(held);
    assert!(limiter.acquire(Some("a"), MINUTE).await.is_ok());
}

/// A window of so many a minute.
fn a_minute(requests: u32) -> Limiter {
    Limiter::new(LimiterOptions {
        window: Some(RollingWindow {
            requests: NonZeroU32::new(requests).unwrap(),
            per: MINUTE,
        }),
        ..LimiterOptions::default()
    })
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_counts_until_its_answer_came_and_a_span_after() {
    let limiter = a_minute(1);
    let start = Instant::now();
    let under_way = limiter.acquire(None, MINUTE).await.unwrap();
    let next = limiter.acquire(None, MINUTE * 2);
    let answer = async {
        sleep(Duration::from_secs(25)).await;
        drop(under_way);
    };
    let (next, ()) = tokio::join!(next, answer);
    assert!(next.is_ok());
    assert_eq!(start.elapsed().as_secs(), 85);
}

#[tokio::test(start_paused = true)]
async fn turns_come_in_the_order_of_asking() {
    let limiter = Arc::new(a_minute(2));
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..7 {
        let (limiter, order) = (Arc::clone(&limiter), Arc::clone(&order));
        tasks.spawn(async move {
            limiter.acquire(None, MINUTE * 9).await.unwrap();
            order.lock().unwrap().push(index);
        });
        tokio::task::yield_now().await;
    }
    tasks.join_all().await;
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_behind_others_is_refused_at_once_where_its_turn_surely_comes_too_late() {
    for limiter in [
        a_minute(2),
        Limiter::new(LimiterOptions {
            per_minute: NonZeroU32::new(2),
            burst: NonZeroU32::new(2),
            ..LimiterOptions::default()
        }),
    ] {
        for _ in 0..2 {
            limiter.acquire(None, MINUTE).await.unwrap();
        }
        let start = Instant::now();
        let fifth = async {
            tokio::task::yield_now().await;
            let wait = limiter.acquire(None, MINUTE).await.unwrap_err();
            (wait.as_secs(), start.elapsed().as_secs())
        };
        let third = limiter.acquire(None, MINUTE);
        let fourth = limiter.acquire(None, MINUTE);
        let (third, fourth, (wait, after)) = tokio::join!(third, fourth, fifth);
        assert!(third.is_ok() && fourth.is_ok());
        assert!(wait > 60 && wait <= 120, "{wait} s");
        assert_eq!(after, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn no_wait_is_longer_than_allowed_although_nobody_knows_when_the_answer_comes() {
    let limiter = a_minute(1);
    let start = Instant::now();
    let _never_answered = limiter.acquire(None, MINUTE).await.unwrap();
    let gives_up = async |after: Duration| {
        assert!(limiter.acquire(None, after).await.is_err());
        start.elapsed()
    };
    let (second, third) = tokio::join!(gives_up(MINUTE * 3), gives_up(MINUTE * 2));
    assert!(
        second <= MINUTE * 3 && third <= MINUTE * 2,
        "{second:?} {third:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_takes_no_room_and_holds_no_one_up() {
    let limiter = Arc::new(a_minute(1));
    limiter.acquire(None, MINUTE).await.unwrap();
    let start = Instant::now();
    let wait = |after: u64| {
        let limiter = Arc::clone(&limiter);
        let waiting = async move { limiter.acquire(None, MINUTE * 9).await.map(drop) };
        tokio::spawn(tokio::time::timeout(Duration::from_secs(after), waiting))
    };
    let (front, behind, patient) = (wait(10), wait(20), wait(600));
    assert!(front.await.unwrap().is_err() && behind.await.unwrap().is_err());
    assert!(patient.await.unwrap().is_ok());
    assert_eq!(start.elapsed().as_secs(), 60);
    assert_eq!(limiter.turns.state().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_under_way_counts_for_a_span_and_no_longer() {
    let limiter = Arc::new(a_minute(1));
    let start = Instant::now();
    let dropped = async {
        let _slots = limiter.acquire(None, MINUTE).await.unwrap();
        std::future::pending::<()>().await;
    };
    let after = Duration::from_secs(5);
    tokio::time::timeout(after, dropped).await.unwrap_err();
    limiter.acquire(None, MINUTE).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 65);
    assert_eq!(limiter.turns.state().under_way, 0);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_grows_beyond_the_wait_ends_it_at_once() {
    let limiter = Arc::new(limiter(1000, 1000));
    let under_way = limiter.acquire(None, MINUTE).await.unwrap();
    block(&limiter, Duration::from_secs(2)).await;
    let start = Instant::now();
    let waiting = tokio::spawn({
        let limiter = Arc::clone(&limiter);
        async move { limiter.acquire(None, MINUTE).await.map(drop) }
    });
    tokio::task::yield_now().await;
    under_way.refused(Some(MINUTE * 5));
    assert_eq!(waiting.await.unwrap(), Err(MINUTE * 5));
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_wider_window_lets_those_that_wait_go_at_once() {
    let limiter = Arc::new(a_minute(1));
    limiter.acquire(None, MINUTE).await.unwrap();
    let start = Instant::now();
    let waiting = tokio::spawn({
        let limiter = Arc::clone(&limiter);
        async move { limiter.acquire(None, MINUTE).await.map(drop) }
    });
    tokio::task::yield_now().await;
    limiter.set_window(RollingWindow {
        requests: NonZeroU32::new(2).unwrap(),
        per: MINUTE,
    });
    assert_eq!(waiting.await.unwrap(), Ok(()));
    assert_eq!(start.elapsed(), Duration::ZERO);
}
