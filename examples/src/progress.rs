//! Progress bars on standard error; none where that is no terminal.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tallyline_core::flow::Progress;

/// The bars of one command.
#[derive(Debug)]
pub(crate) struct Bars {
    agreements: ProgressBar,
    accounts: ProgressBar,
}

impl Bars {
    /// Bars for a read of both sides.
    pub(crate) fn for_reading() -> Self {
        Self {
            agreements: bar("reading agreements"),
            accounts: bar("reading accounts"),
        }
    }

    /// Moves the bars.
    pub(crate) fn report(&self, progress: Progress) {
        match progress {
            Progress::Agreements(count) => start(&self.agreements, count),
            Progress::AgreementRead => self.agreements.inc(1),
            Progress::Accounts(count) => {
                self.agreements.finish_and_clear();
                start(&self.accounts, count);
            }
            Progress::AccountRead => self.accounts.inc(1),
            _ => {}
        }
    }

    /// Takes the bars away.
    pub(crate) fn finish(&self) {
        self.agreements.finish_and_clear();
        self.accounts.finish_and_clear();
    }
}

fn start(bar: &ProgressBar, count: usize) {
    bar.set_length(count as u64);
    if std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::stderr());
    }
}

/// A bar that is not drawn until it is started.
pub(crate) fn bar(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {pos} of {len}") {
        bar.set_style(style);
    }
    bar.with_message(what)
}

/// Starts a bar of a known length.
pub(crate) fn begin(bar: &ProgressBar, count: usize) {
    start(bar, count);
}
