//! The command-line sync over Tallyline.

fn main() {}
