//! The system's own rules for the days of a line, checked before anything is sent.

use tallyline_core::model::CivilDate;
use tallyline_core::plan::Change;
use tallyline_core::{ErrorKind, Result};

use super::ConnectWiseSink;
use super::map;
use super::read::next_invoice;
use super::write::refusal;
use crate::models::Agreement;

/// Refuses a line from the change's first day on that the agreement would not bill, or that the
/// system would refuse.
pub(super) async fn check(
    sink: &ConnectWiseSink,
    change: &Change,
    last_day: Option<CivilDate>,
    id: i64,
    wire: &Agreement,
) -> Result<()> {
    let date = |text: Option<&String>, field| {
        map::date(text.map(String::as_str), "agreement", Some(id), field)
    };
    let first = change.effective;
    let refuse = |why: String| Err(refusal(ErrorKind::Invalid, why));
    let owner = wire.company.as_ref().and_then(|company| company.id);
    if let Some(owner) = owner
        && owner.to_string() != change.company.as_str()
    {
        return Err(refusal(
            ErrorKind::Conflict,
            format!(
                "agreement {id} is of company {owner}, not {}",
                change.company
            ),
        ));
    }
    if let Some(last) = last_day.filter(|last| *last < first) {
        return refuse(format!(
            "the line would end on {last}, before it starts on {first}"
        ));
    }
    let bill_start = date(wire.bill_start_date.as_ref(), "billStartDate")?;
    if let Some(start) = bill_start.filter(|start| first < *start) {
        return refuse(format!(
            "the line would start on {first}, before agreement {id} starts to bill on {start}"
        ));
    }
    let start = date(wire.start_date.as_ref(), "startDate")?;
    if let Some(start) = start.filter(|start| first < *start) {
        return refuse(format!(
            "the line would start on {first}, before agreement {id} itself on {start}"
        ));
    }
    let end = match wire.no_ending_date_flag {
        Some(true) => None,
        _ => date(wire.end_date.as_ref(), "endDate")?,
    };
    if let Some(end) = end.filter(|end| first > *end || last_day.is_some_and(|last| last > *end)) {
        let until = last_day.map_or_else(String::new, |last| format!(" until {last}"));
        return refuse(format!(
            "the line would bill from {first}{until}, and agreement {id} ends on {end}"
        ));
    }
    if wire.prorate_flag == Some(true) {
        return Ok(());
    }
    let mut next = date(wire.next_invoice_date.as_ref(), "nextInvoiceDate")?;
    let parent = wire.parent_agreement.as_ref().and_then(|parent| parent.id);
    if next.is_none()
        && let Some(parent) = parent
    {
        next = next_invoice(sink, parent).await?;
    }
    if let Some(next) = next.filter(|next| first < *next) {
        return refuse(format!(
            "the line would start on {first}, in a period already invoiced: agreement {id} does \
             not prorate and is next invoiced on {next}"
        ));
    }
    Ok(())
}
