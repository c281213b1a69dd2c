//! From a request to what goes out.
