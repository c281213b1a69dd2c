use std::sync::atomic::{AtomicUsize, Ordering};

use secrecy::SecretString;

use super::*;
use crate::error::{ErrorKind, Result, Retry, Sent};

const HOUR: Duration = Duration::from_secs(3600);

/// Tells the answers of a list, the last one over and over.
#[derive(Debug)]
struct Teller {
    answers: Mutex<VecDeque<Option<&'static str>>>,
    asked: AtomicUsize,
}

impl Teller {
    fn new(answers: &[Option<&'static str>]) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.iter().copied().collect()),
            asked: AtomicUsize::new(0),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl AddressFinder for Teller {
    async fn find(&self) -> Result<BaseUrl> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_secs(1)).await;
        let mut answers = self.answers.lock().unwrap();
        let answer = match answers.len() {
            0 | 1 => answers.front().copied().flatten(),
            _ => answers.pop_front().flatten(),
        };
        match answer {
            Some(url) => BaseUrl::parse(url),
            None => Err(Error::new(ErrorKind::Unavailable, "nobody tells").with_sent(Sent::Maybe)),
        }
    }
}

fn client(script: &Arc<Script>, teller: &Arc<Teller>) -> HttpClient {
    let finder = Arc::clone(teller) as Arc<dyn AddressFinder>;
    script
        .builder()
        .credentials(Arc::new(
            StaticHeaders::new().header("x-key", SecretString::from("the key")),
        ))
        .address(Arc::new(AddressCache::new(finder, HOUR)))
        .build()
        .unwrap()
}

const A: &str = "https://a.example/rest";
const B: &str = "https://b.example/rest";

#[tokio::test(start_paused = true)]
async fn the_address_is_asked_for_once_however_many_calls_wait_for_it() {
    let script = Script::new((0..20).map(|_| answer(200, "")));
    let teller = Teller::new(&[Some(A)]);
    let client = client(&script, &teller);
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.send(read()).await.map(|_| ()) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(teller.asked(), 1);
    assert!(
        script
            .urls()
            .iter()
            .all(|url| url == "https://a.example/rest/things/1")
    );
}

#[tokio::test(start_paused = true)]
async fn an_old_address_is_asked_for_again_and_kept_where_nobody_answers() {
    let script = Script::new((0..4).map(|_| answer(200, "")));
    let teller = Teller::new(&[Some(A), None, Some(B)]);
    let client = client(&script, &teller);
    client.send(read()).await.unwrap();
    tokio::time::advance(HOUR).await;
    client.send(read()).await.unwrap();
    // Not again for each call while nobody answers.
    client.send(read()).await.unwrap();
    assert_eq!(teller.asked(), 2);
    tokio::time::advance(Duration::from_secs(61)).await;
    client.send(read()).await.unwrap();
    let hosts: Vec<bool> = script
        .urls()
        .iter()
        .map(|url| url.contains("a.example"))
        .collect();
    assert_eq!(hosts, [true, true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn without_an_address_nothing_is_sent() {
    let script = Script::new([]);
    let teller = Teller::new(&[None]);
    let error = fails(&client(&script, &teller), create()).await;
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::Unavailable, Sent::No)
    );
    assert!(
        error
            .context()
            .contains(&("needed for", "things.create".to_owned()))
    );
    assert_eq!(script.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_tried_once_where_the_tenant_has_moved_to_writes_included() {
    for request in [read(), create()] {
        let script = Script::new([answer(401, ""), answer(200, "")]);
        let teller = Teller::new(&[Some(A), Some(B)]);
        let client = client(&script, &teller);
        client.send(request).await.unwrap();
        assert!(script.urls()[1].starts_with(B));
        assert_eq!(teller.asked(), 2);
    }
    let script = Script::new([answer(401, ""), answer(401, "")]);
    let teller = Teller::new(&[Some(A), Some(B), Some(A)]);
    let error = fails(&client(&script, &teller), read()).await;
    assert_eq!((error.kind(), script.count()), (ErrorKind::Auth, 2));
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_final_where_the_tenant_has_not_moved_or_nobody_tells() {
    for later in [Some(A), None] {
        let script = Script::new([answer(401, "")]);
        let teller = Teller::new(&[Some(A), later]);
        let error = fails(&client(&script, &teller), read()).await;
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::Auth, Retry::Permanent)
        );
        assert_eq!((script.count(), teller.asked()), (1, 2));
    }
    // Other refusals ask nobody.
    let script = Script::new([answer(403, "")]);
    let teller = Teller::new(&[Some(A), Some(B)]);
    fails(&client(&script, &teller), read()).await;
    assert_eq!(teller.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_move_that_another_call_found_is_not_asked_for_again() {
    let script = Script::new([
        answer(200, ""),
        answer(401, ""),
        answer(401, ""),
        answer(200, ""),
        answer(200, ""),
    ]);
    let teller = Teller::new(&[Some(A), Some(B)]);
    let client = client(&script, &teller);
    client.send(read()).await.unwrap();
    let (first, second) = tokio::join!(client.send(read()), client.send(read()));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(teller.asked(), 2);
}
