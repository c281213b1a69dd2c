//! Stateful simulators of the systems Tallyline connects, with fault injection, for tests and demos.
