//! What must hold of every decoder of outside bytes, whatever the bytes.
//!
//! Each property takes any bytes and panics when it does not hold. A fuzz target in
//! `tests/fuzz/fuzz_targets` calls the property of its name with the bytes that the fuzzer
//! finds, and `tests/decoders.rs` calls all of them with the committed seeds and with changed
//! ones.
#![allow(
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a property that does not hold panics"
)]

mod adapters;
mod answers;
mod clients;
mod conditions;
mod decimals;
mod headers;
mod json;
mod mapping;
mod models;
mod plan;
mod redactor;

pub use adapters::{sinks, sources};
pub use answers::{
    autotask_answers, cloudmore_answers, connectwise_answers, dandh_answers, gradient_answers,
    hyalto_answers, ingram_answers, sherweb_answers, vcd_answers,
};
pub use clients::{Watcher, watch_requests};
pub use conditions::conditions;
pub use decimals::decimals;
pub use headers::{base_url, link_header, retry_after};
pub use mapping::{mapping_csv, mapping_toml};
pub use models::{
    autotask_models, cloudmore_models, connectwise_models, dandh_models, gradient_models,
    hyalto_models, ingram_models, sherweb_models, vcd_models,
};
pub use plan::plan_file;
pub use redactor::redactor;

/// A property by the name of its fuzz target.
pub type Property = (&'static str, fn(&[u8]));

/// All properties.
pub const ALL: &[Property] = &[
    ("autotask_answers", autotask_answers),
    ("autotask_models", autotask_models),
    ("base_url", base_url),
    ("cloudmore_answers", cloudmore_answers),
    ("cloudmore_models", cloudmore_models),
    ("conditions", conditions),
    ("connectwise_answers", connectwise_answers),
    ("connectwise_models", connectwise_models),
    ("dandh_answers", dandh_answers),
    ("dandh_models", dandh_models),
    ("decimals", decimals),
    ("gradient_answers", gradient_answers),
    ("gradient_models", gradient_models),
    ("hyalto_answers", hyalto_answers),
    ("hyalto_models", hyalto_models),
    ("ingram_answers", ingram_answers),
    ("ingram_models", ingram_models),
    ("link_header", link_header),
    ("mapping_csv", mapping_csv),
    ("mapping_toml", mapping_toml),
    ("plan_file", plan_file),
    ("redactor", redactor),
    ("retry_after", retry_after),
    ("sherweb_answers", sherweb_answers),
    ("sherweb_models", sherweb_models),
    ("sinks", sinks),
    ("sources", sources),
    ("vcd_answers", vcd_answers),
    ("vcd_models", vcd_models),
];

/// The first line of an input, and the bytes after it.
fn first_line(data: &[u8]) -> (String, &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n');
    let (line, rest) = match end {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[][..]),
    };
    (String::from_utf8_lossy(line).into_owned(), rest)
}
