//! Behaviour of the runtime as a whole.
