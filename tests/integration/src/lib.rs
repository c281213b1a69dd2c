//! End-to-end tests of Tallyline over source, sink and simulator, and the properties of every
//! decoder of outside bytes, shared with the fuzz targets in `tests/fuzz`.

pub mod decoders;
