use super::*;
use crate::error::{ErrorKind, Sent};
use crate::sink::WriteError;

#[tokio::test(start_paused = true)]
async fn a_write_without_a_clear_answer_is_sent_once_and_its_outcome_is_open() {
    for request in [set(), create()] {
        for step in [
            answer(500, ""),
            answer(408, ""),
            with_headers(503, &[("retry-after", "1")], ""),
            Step::Fail(Phase::Sent),
            Step::Fail(Phase::Body),
            Step::Slow(Duration::from_secs(100), Box::new(answer(200, ""))),
        ] {
            let script = Script::new([step]);
            let error = fails(&script.client(), request.clone()).await;
            assert_eq!(error.sent(), Sent::Maybe, "{error}");
            assert!(!error.is_retryable() && error.may_have_been_applied());
            assert!(matches!(WriteError::from(error), WriteError::Unknown(_)));
            assert_eq!(script.count(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_write_is_rejected_and_an_unsent_one_was_not_written() {
    for (status, kind) in [
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Auth),
        (403, ErrorKind::PermissionDenied),
        (404, ErrorKind::NotFound),
        (409, ErrorKind::Conflict),
    ] {
        let script = Script::new([answer(status, "")]);
        let error = fails(&script.client(), create()).await;
        assert_eq!((error.kind(), error.sent()), (kind, Sent::Yes));
        assert!(matches!(WriteError::from(error), WriteError::Rejected(_)));
    }
    let script = Script::new((0..4).map(|_| answer(429, "")));
    let error = fails(&script.client(), create()).await;
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(matches!(WriteError::from(error), WriteError::NotSent(_)));
    let script = Script::new((0..4).map(|_| Step::Fail(Phase::Connect)));
    let error = fails(&script.client(), create()).await;
    assert!(matches!(WriteError::from(error), WriteError::NotSent(_)));
}
