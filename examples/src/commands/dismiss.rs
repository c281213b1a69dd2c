//! `dismiss` and `restore`: lines that stay as they are for the rest of the billing period.

use serde::Serialize;
use tallyline_core::flow::Flow;
use tallyline_core::model::{AgreementId, ProductId};
use tallyline_core::reconcile::{Comparison, Dismissal, Row};
use tallyline_core::{Error, ErrorKind, Result};

use super::{Context, apply, plan, runs};
use crate::cli::{DismissArgs, RestoreArgs};
use crate::connect;
use crate::dismissals_file;
use crate::mapping_file;
use crate::outcome::Outcome;
use crate::output::{safe, wrapped};

/// What became of one line.
#[derive(Serialize)]
struct Line {
    agreement: AgreementId,
    product: ProductId,
    done: bool,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dismissal: Option<Dismissal>,
}

/// Reads both sides, so that what is dismissed is what they show, and keeps it.
pub(crate) async fn dismiss(context: &Context, args: &DismissArgs) -> Result<Outcome> {
    let config = context.config()?;
    let _turn = mapping_file::turn(&config)?;
    let by = apply::approver(args.by.as_deref())?;
    let connections = connect::both(&config)?;
    let ledger = plan::ledger(&config, &connections).await?;
    let flow = Flow::new(connections.source.as_ref(), connections.sink.as_ref());
    let mapping = mapping_file::load(&config)?;
    let history = runs::count_history(&config, &mapping)?;
    let mut flow = flow.with_ledger(&ledger);
    if let Some(history) = &history {
        flow = flow.with_count_history(history);
    }
    let lists = flow.lists().await?;
    let book = flow.book(&lists, &mapping).await?;
    let now = context.now();
    let comparison = flow.compare_on(&book, &lists, &mapping, now).await?;
    let mut dismissals = dismissals_file::load(&config)?;
    dismissals.forget_past(now.date());
    let mut lines = Vec::new();
    for product in &args.products {
        let found = row(&comparison, &args.agreement, product);
        let dismissed = found.and_then(|row| Dismissal::of(row, &by, now, &args.reason));
        let (message, dismissal) = match dismissed {
            Ok(dismissal) => {
                dismissals.dismiss(dismissal.clone());
                (dismissal.words(), Some(dismissal))
            }
            Err(error) => (error.message().to_owned(), None),
        };
        lines.push(Line {
            agreement: args.agreement.clone(),
            product: product.clone(),
            done: dismissal.is_some(),
            message,
            dismissal,
        });
    }
    if lines.iter().any(|line| line.done) {
        dismissals_file::save(&config, &dismissals)?;
    }
    show(context, &lines)
}

/// The line of an agreement and a product, which is named by its id or its identifier.
fn row<'c>(
    comparison: &'c Comparison<'_>,
    agreement: &AgreementId,
    product: &ProductId,
) -> Result<Row<'c>> {
    let mut of_agreement = comparison.rows().filter(|row| {
        row.charge().is_none()
            && (row.agreement_id() == *agreement || row.agreement().id == *agreement)
    });
    let is_it = |row: &Row<'_>| {
        let known = row.book().product(row.product());
        row.product() == product || known.is_some_and(|known| known.identifier == product.as_str())
    };
    of_agreement.find(is_it).ok_or_else(|| {
        Error::new(
            ErrorKind::Mapping,
            "no line of this agreement and product is compared; see `tallyline --json plan` for the ids",
        )
    })
}

/// Takes dismissals back; needs no connection.
pub(crate) fn restore(context: &Context, args: &RestoreArgs) -> Result<Outcome> {
    let config = context.config()?;
    let _turn = mapping_file::turn(&config)?;
    let mut dismissals = dismissals_file::load(&config)?;
    let restore = |product: &ProductId| {
        let done = dismissals.restore(&args.agreement, product);
        let message = if done {
            "the dismissal is taken back"
        } else {
            "it is not dismissed; see `tallyline status`"
        };
        Line {
            agreement: args.agreement.clone(),
            product: product.clone(),
            done,
            message: message.to_owned(),
            dismissal: None,
        }
    };
    let lines: Vec<Line> = args.products.iter().map(restore).collect();
    if lines.iter().any(|line| line.done) {
        dismissals_file::save(&config, &dismissals)?;
    }
    show(context, &lines)
}

fn show(context: &Context, lines: &[Line]) -> Result<Outcome> {
    context
        .out
        .print(&serde_json::json!({ "lines": lines }), || {
            let words = |line: &Line| {
                let place = format!("agreement {}, product {}", line.agreement, line.product);
                let text = format!("{place}: {}", line.message);
                wrapped("", 2, &safe(&text))
            };
            lines.iter().map(words).collect()
        })?;
    Ok(if lines.iter().all(|line| line.done) {
        Outcome::Done
    } else {
        Outcome::Failed
    })
}
