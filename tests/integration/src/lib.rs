//! End-to-end tests of Tallyline over source, sink and simulator.
