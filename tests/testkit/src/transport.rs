//! What carries the requests of a test's clients.

use std::sync::{Arc, OnceLock};

use tallyline_core::http::{ReqwestTransport, Timeouts, Transport};

/// One transport for all clients of a test process: to set TLS up, roots and all, takes longer than a test of a
/// battery.
///
/// # Panics
///
/// When TLS cannot be set up on this machine.
pub fn shared() -> Arc<dyn Transport> {
    static SHARED: OnceLock<Arc<dyn Transport>> = OnceLock::new();
    Arc::clone(
        SHARED.get_or_init(|| match ReqwestTransport::new(&Timeouts::default()) {
            Ok(transport) => Arc::new(transport),
            Err(error) => panic!("no transport: {error}"),
        }),
    )
}
