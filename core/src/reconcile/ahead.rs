//! Memory looked at ahead of the work on it.
//!
//! What is waited for is memory, record by record. Records that are looked at side by side, with nothing between,
//! are waited for together.

use std::hint::black_box;

use crate::model::{AgreementLine, UsageLine};

/// How many accounts, agreements, rows or changes are looked at together: enough to wait for together, few enough to stay at hand.
pub(crate) const GROUP: usize = 8;

/// Looks at the beginning of texts.
pub(crate) fn look_at<'t>(texts: impl Iterator<Item = &'t str>) {
    let first = |text: &str| text.as_bytes().first().copied().unwrap_or_default();
    black_box(texts.map(first).fold(0_u8, |all, byte| all ^ byte));
}

/// Looks at what is compared of agreement lines: one is longer than what memory gives at once.
pub(super) fn look_at_lines<'l>(lines: impl Iterator<Item = &'l AgreementLine>) {
    let of_line = |line: &AgreementLine| {
        let first = line.product.as_str().as_bytes().first().copied();
        let ends = line.state.last_day.is_some();
        let is_zero = line.state.quantity.is_zero();
        first.unwrap_or_default() ^ u8::from(ends) ^ u8::from(is_zero)
    };
    black_box(lines.map(of_line).fold(0_u8, |all, byte| all ^ byte));
}

/// Looks at what is asked of every usage line, as [`look_at_lines`].
pub(super) fn look_at_usage<'l>(lines: impl Iterator<Item = &'l UsageLine>) {
    let of_line = |line: &UsageLine| {
        let first = line.service.as_str().as_bytes().first().copied();
        let is_zero = line.quantity.is_zero();
        let states_price = line.unit_price.is_some();
        first.unwrap_or_default() ^ u8::from(is_zero) ^ u8::from(states_price)
    };
    black_box(lines.map(of_line).fold(0_u8, |all, byte| all ^ byte));
}
