//! What the simulated Gradient truly holds in the end, beside what the vendor's business is.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Serialize;
use tallyline_core::model::{AgreementId, ProductId};

use super::stage::Stage;
use crate::output::{count, safe, wrapped};

/// Client and article, by their names.
type Pair = (String, String);

/// What stands in Gradient, and how it came there.
#[derive(Serialize)]
pub(super) struct Held {
    /// Counts above zero.
    pub(super) counts: usize,
    /// Counts of zero.
    pub(super) zeros: usize,
    /// How often a count was sent, lost answers and refusals among them.
    pub(super) sent: usize,
    /// How often the billing view was built.
    views: usize,
    vendor_requests: usize,
    requests: usize,
    /// Where both differ, in words.
    differences: Vec<String>,
}

/// Compares Gradient's own record with the subscriptions of the vendor's business.
pub(super) fn held(stage: &Stage) -> Held {
    let state = stage.gradient.state();
    let account = |id: &str| state.accounts.iter().find(|it| it.id == id);
    let service = |id: &str| state.services.iter().find(|it| it.id == id);
    let mut found: BTreeMap<Pair, Decimal> = BTreeMap::new();
    for ((of, what), units) in &state.counts {
        let client = account(of).map_or_else(|| of.clone(), |it| it.name.clone());
        let article = service(what).map_or_else(|| what.clone(), |it| it.words.name.clone());
        found.insert((client, article), *units);
    }
    let mut used: BTreeMap<Pair, Decimal> = BTreeMap::new();
    for (client, article, units) in stage.market.licences() {
        *used.entry((client, article)).or_default() += units;
    }
    let none = Decimal::ZERO;
    let pairs: BTreeSet<&Pair> = found.keys().chain(used.keys()).collect();
    let differences = pairs.into_iter().filter_map(|pair| {
        let (held, uses) = (
            found.get(pair).unwrap_or(&none),
            used.get(pair).unwrap_or(&none),
        );
        let (client, article) = pair;
        (held != uses).then(|| {
            let text = format!("{client}, {article}: {held} in Gradient, {uses} at the vendor");
            safe(&text)
        })
    });
    Held {
        counts: found.values().filter(|units| !units.is_zero()).count(),
        zeros: found.values().filter(|units| units.is_zero()).count(),
        sent: sent(stage, |_, _| true),
        views: state.builds,
        vendor_requests: stage.market.vendor.requests(),
        requests: stage.gradient.request_count(),
        differences: differences.collect(),
    }
}

impl Held {
    /// Whether every count is what the vendor's client uses, and what is gone was set to zero.
    pub(super) fn is_as_used(&self) -> bool {
        self.differences.is_empty() && self.zeros > 0 && self.counts > 0
    }

    /// In words.
    pub(super) fn text(&self) -> String {
        let mut out =
            "What the simulated systems saw themselves, from the first step on:\n".to_owned();
        out.push_str(&wrapped(
            "  vendor     ",
            13,
            &format!(
                "{} requests, none of which changes anything",
                self.vendor_requests
            ),
        ));
        out.push_str(&wrapped(
            "  Gradient   ",
            13,
            &format!(
                "{} requests, of which {} a count. It holds {}, and {} of zero; its view was built anew {} times, \
                 with the last count of a run",
                self.requests,
                count(self.sent, "carries", "carry"),
                count(self.counts, "count", "counts"),
                self.zeros,
                self.views
            ),
        ));
        if self.differences.is_empty() {
            out.push_str("Every count that Gradient holds is the sum of the client's subscriptions at the vendor.\n");
        }
        for difference in &self.differences {
            out.push_str(&wrapped("NOT AS IT SHOULD BE: ", 4, difference));
        }
        out
    }
}

/// How often the count of a client and an article was sent.
pub(super) fn sent_for(stage: &Stage, (client, article): (&AgreementId, &ProductId)) -> usize {
    let path = format!("/service/{article}/count");
    let account = format!("\"{client}\"");
    sent(stage, |at, body| {
        at.ends_with(&path) && body.contains(&account)
    })
}

fn sent(stage: &Stage, is_wanted: impl Fn(&str, &str) -> bool) -> usize {
    let requests = stage.gradient.requests().into_iter();
    let counts = requests.filter(|request| {
        request.method == "POST"
            && request.path.ends_with("/count")
            && is_wanted(&request.path, &request.body)
    });
    counts.count()
}

/// The count that Gradient holds of a client and an article.
pub(super) fn count_of(
    stage: &Stage,
    (client, article): (&AgreementId, &ProductId),
) -> Option<Decimal> {
    stage
        .gradient
        .state()
        .count(client.as_str(), article.as_str())
}
