//! Counts: one attempt each, proved by its answer.

use tallyline_core::model::{LineState, Quantity};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{Receipt, Verdict, WriteError};
use tallyline_core::{Error, ErrorKind};

use super::GradientSink;
use crate::client::CONNECTOR;
use crate::error::is_not_mapped;
use crate::models::Count;

pub(super) async fn execute(sink: &GradientSink, change: &Change) -> Result<Receipt, WriteError> {
    let Action::SetCount { to, .. } = &change.action else {
        let message = format!("Gradient cannot {}: it takes counts alone", change.action);
        let error = Error::new(ErrorKind::Unsupported, message).with_connector(CONNECTOR);
        return Err(WriteError::NotSent(error));
    };
    let run = &sink.0.run;
    let no_build = run.next(&change.id).map_err(WriteError::NotSent)?;
    let count = Count::new(change.agreement.as_str(), to.value());
    let service = change.product.as_str();
    match sink.client().set_count(service, &count, no_build).await {
        Ok(set) => {
            let mut receipt = Receipt::new(service);
            receipt.state = Some(counted(*to));
            receipt.request_id = set.request_id;
            Ok(receipt)
        }
        Err(error) => {
            run.close(&error);
            Err(sorted(error))
        }
    }
}

/// That the MSP has mapped nothing to a pair is normal; all else is what it is anywhere.
fn sorted(error: Error) -> WriteError {
    let message = error.http().and_then(|http| http.vendor_message.as_deref());
    if error.status() == Some(404) && message.is_some_and(is_not_mapped) {
        return WriteError::NotMapped(error);
    }
    WriteError::from(error)
}

fn counted(quantity: Quantity) -> LineState {
    LineState {
        quantity,
        ..LineState::default()
    }
}

/// The answer to a count is all that shows it.
pub(super) fn verify(change: &Change, receipt: Option<&Receipt>) -> Verdict {
    let Action::SetCount { to, .. } = &change.action else {
        return Verdict::Conflict {
            detail: format!("this sink cannot {}", change.action),
            observed: None,
        };
    };
    let answered =
        receipt.and_then(|receipt| Some((receipt.line.as_ref()?, receipt.state.as_ref()?)));
    match answered {
        Some((line, state)) if state.quantity == *to => Verdict::Landed {
            line: line.clone(),
            observed: state.clone(),
        },
        _ => Verdict::CannotTell {
            detail: "Gradient does not tell what it holds, and the answer to the count is missing"
                .into(),
        },
    }
}
