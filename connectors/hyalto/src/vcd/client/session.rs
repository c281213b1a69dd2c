//! Versions and sessions.

use std::sync::Arc;

use tallyline_core::Result;
use tallyline_core::http::{HttpClient, Request, StaticHeaders};

use super::{VcdClient, named};
use crate::vcd::models::{Session, SupportedVersions};
use crate::vcd::operations;

/// What the versions are asked for in: no version, since it is what is asked for.
const UNVERSIONED: &str = "application/*+json";

impl VcdClient {
    /// The versions of the API that the server offers. Needs no session, and sends no credentials.
    ///
    /// `GET /api/versions`
    ///
    /// # Errors
    /// `Unavailable`, `Timeout`, `RateLimited`; `Protocol` for an answer of another form, such as XML.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_hyalto::vcd::VcdClient) -> tallyline_core::Result<()> {
    /// for own in client.versions().await?.version_info {
    ///     println!("{}, deprecated: {:?}", own.version, own.deprecated);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn versions(&self) -> Result<SupportedVersions> {
        let request = Request::new(&operations::VERSIONS).header("accept", UNVERSIONED);
        self.inner.open.json(request).await
    }

    /// The session that is used: whose it is, and of which organisation. Signs in where there is none.
    ///
    /// `GET /cloudapi/1.0.0/sessions/current`
    ///
    /// # Errors
    /// `Auth` for refused credentials, `Config` for a version that the server does not offer, `PermissionDenied`,
    /// `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn current_session(&self) -> Result<Session> {
        self.session_by(&self.inner.http).await
    }

    async fn session_by(&self, http: &HttpClient) -> Result<Session> {
        let request = Request::new(&operations::CURRENT_SESSION);
        http.json(request.header("accept", &self.inner.accepts.open))
            .await
    }

    /// Ends the session, where there is one. Sessions run out by themselves when they are not used: a failure is logged,
    /// and nothing else. A later call signs in again.
    ///
    /// `GET /cloudapi/1.0.0/sessions/current`, `DELETE /cloudapi/1.0.0/sessions/{sessionId}`
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_hyalto::vcd::VcdClient) {
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

    /// Ends a session, without another one to be opened in its place.
    async fn sign_out(&self, session: StaticHeaders) -> Result<()> {
        let http = named(self.inner.connection.writes())
            .credentials(Arc::new(session))
            .build()?;
        let session = self.session_by(&http).await?;
        let request = Request::new(&operations::SIGN_OUT)
            .path("sessionId", &session.id)
            .header("accept", &self.inner.accepts.open);
        http.send(request).await.map(|_| ())
    }
}
