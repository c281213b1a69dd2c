//! Jobs: started by a POST, whose answer names them, and asked about until they give their result.

use std::time::Duration;

use tallyline_core::http::{Ask, JobState, Operation, Request, Response, poll_job};
use tallyline_core::{Error, ErrorKind, Result};

use super::CloudmoreClient;
use crate::models::{FreeForm, Json, Object, TaskId};

/// Members that may hold a job's status.
const STATUS: [&str; 4] = ["status", "state", "taskStatus", "jobStatus"];

/// Words of a status that say that the job is finished.
const FINISHED: [&str; 9] = [
    "finished",
    "completed",
    "complete",
    "done",
    "succeeded",
    "success",
    "successful",
    "ready",
    "ok",
];

/// Words of a status that say that the job will never be finished.
const FAILED: [&str; 6] = [
    "failed",
    "failure",
    "faulted",
    "error",
    "cancelled",
    "canceled",
];

/// What one answer says of a job. How the vendor says "not yet" is not documented: 202, 204, an empty
/// body, and a status member that does not say "finished" are taken for it.
fn state_of(response: &Response) -> Result<JobState<FreeForm>> {
    let not_yet = || Ok(JobState::NotYet(response.retry_after()));
    let blank = response.bytes().iter().all(u8::is_ascii_whitespace);
    if matches!(response.status(), 202 | 204) || blank {
        return not_yet();
    }
    let body: FreeForm = response.json()?;
    if !body.as_str().trim_start().starts_with(['{', '[']) {
        return Err(response.error(
            ErrorKind::Protocol,
            "the job's result is neither a list nor an object",
        ));
    }
    match status(&body) {
        None => Ok(JobState::Done(body)),
        Some(word) if among(&FINISHED, &word) => Ok(JobState::Done(body)),
        Some(word) if among(&FAILED, &word) => Err(response.error(
            ErrorKind::Unavailable,
            format!("the job ended without a result: {word}"),
        )),
        Some(_) => not_yet(),
    }
}

fn among(words: &[&str], word: &str) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// The status that an object states of its job.
fn status(body: &FreeForm) -> Option<String> {
    if !body.as_str().trim_start().starts_with('{') {
        return None;
    }
    let fields: Object = match body.decode::<Json>() {
        Ok(Json::Object(fields)) => fields,
        _ => return None,
    };
    STATUS.iter().find_map(|name| fields.text(name))
}

impl CloudmoreClient {
    /// Starts a job, once: nothing makes it safe to repeat. Its id is in the answer's `Location`.
    pub(super) async fn start_job(&self, request: Request, collection: &str) -> Result<TaskId> {
        let response = self.write(request).await?;
        let location = response.header("location");
        let id = location.and_then(|location| TaskId::from_location(location, collection));
        id.ok_or_else(|| {
            response.error(
                ErrorKind::Protocol,
                "the job was started, and no Location names it",
            )
        })
    }

    /// Asks about a job until it is done, within the client's deadline.
    pub(super) async fn await_job(
        &self,
        operation: &'static Operation,
        place: &'static str,
        id: &TaskId,
    ) -> Result<FreeForm> {
        let ask = |ask: Ask| async move {
            let request = self.of_reseller(operation).path(place, id);
            self.ask_job(request, ask.waited).await
        };
        poll_job(&self.inner.poll, &*self.inner.clock, ask)
            .await
            .map_err(|error| named(error, operation).with_context("task", id.as_str()))
    }

    /// One ask. A job that is not found shortly after its start is not noted yet.
    async fn ask_job(&self, request: Request, waited: Duration) -> Result<JobState<FreeForm>> {
        match self.send(request).await {
            Ok(response) => state_of(&response),
            Err(error) if error.kind() == ErrorKind::NotFound && waited <= self.inner.job_grace => {
                Ok(JobState::NotYet(None))
            }
            Err(error) => Err(error),
        }
    }
}

/// The operation, on an error of the waiting itself.
fn named(error: Error, operation: &'static Operation) -> Error {
    if error.operation().is_some() {
        return error;
    }
    error
        .with_connector(super::CONNECTOR)
        .with_operation(operation.name)
}
