//! Memory looked at ahead of the work on it.
//!
//! What is waited for is memory, record by record. Records that are looked at side by side, with nothing between,
//! are waited for together.

use std::hint::black_box;

/// How many accounts or agreements are looked at together: enough to wait for together, few enough to stay at hand.
pub(super) const GROUP: usize = 8;

/// Looks at the beginning of texts.
pub(super) fn look_at<'t>(texts: impl Iterator<Item = &'t str>) {
    let first = |text: &str| text.as_bytes().first().copied().unwrap_or_default();
    black_box(texts.map(first).fold(0_u8, |all, byte| all ^ byte));
}
