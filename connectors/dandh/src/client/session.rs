//! The session: kept alive, and ended.

use std::sync::Arc;

use tallyline_core::http::{Request, Response, StaticHeaders};
use tallyline_core::{ErrorKind, Result};

use super::{DandhClient, Parameters};
use crate::operations;

/// An operation that returns nothing answers nothing at all, or `null`.
fn nothing(response: &Response) -> Result<()> {
    match response.bytes().trim_ascii() {
        b"" | b"null" => Ok(()),
        _ => Err(response.error(
            ErrorKind::Protocol,
            "the answer should be empty, and holds something",
        )),
    }
}

impl DandhClient {
    /// Asks whether the session is alive; signs in where there is none, or where it is over.
    ///
    /// `PingPong`
    ///
    /// # Errors
    /// `Auth` for a refused user, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// client.ping().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ping(&self) -> Result<()> {
        let request = Parameters::default().ask(&operations::PING);
        nothing(&self.inner.http.send(request).await?)
    }

    /// Ends the session that this client and its clones share, where there is one. Best effort: a
    /// failure is logged. A later call signs in again.
    ///
    /// `TerminateSessionToken`
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) {
    /// client.close().await;
    /// # }
    /// ```
    pub async fn close(&self) {
        let Some(session) = self.inner.sessions.take() else {
            return;
        };
        if let Err(error) = self.sign_out(StaticHeaders::from(session)).await {
            tracing::debug!(%error, "the session could not be ended and runs out by itself");
        }
    }

    /// Ends a session, without another one to be fetched in its place.
    async fn sign_out(&self, session: StaticHeaders) -> Result<()> {
        let http = self
            .inner
            .connection
            .tokens()
            .credentials(Arc::new(session))
            .build()?;
        let request: Request = Parameters::default().ask(&operations::SIGN_OUT);
        nothing(&http.send(request).await?)
    }
}
