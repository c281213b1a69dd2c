//! Typed client of the ConnectWise PSA REST API, and a Tallyline PSA sink.
