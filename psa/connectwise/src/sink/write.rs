//! Carrying out one change: one write.

use tallyline_core::error::Sent;
use tallyline_core::model::{AgreementLine, AgreementLineId, CivilDate, Currency, Money, Quantity};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{Receipt, Verdict, WriteError};
use tallyline_core::{Error, ErrorKind, Result};

use super::ConnectWiseSink;
use super::dates;
use super::make;
use super::map::{self, same_amount};
use super::note;
use super::product;
use super::read::wire_id;
use super::terms::{Terms, shows_terms};
use super::verify::{self, NewLine};
use crate::client::{CONNECTOR, operations};
use crate::error::names_custom_field;
use crate::json::ExactJson;
use crate::models::{Addition, BillCustomer, NewAddition, RecordRef, midnight};
use crate::patch::{FieldName, Patch};

pub(super) type Written = std::result::Result<Receipt, WriteError>;

pub(super) async fn execute(sink: &ConnectWiseSink, change: &Change) -> Written {
    let written = carry_out(sink, change).await;
    written.map_err(|error| match error {
        WriteError::Rejected(error) if error.kind() == ErrorKind::PermissionDenied => {
            WriteError::Rejected(without_right(error))
        }
        WriteError::Unknown(error) if error.operation().is_none() => {
            WriteError::Unknown(named(error, change))
        }
        other => other,
    })
}

/// The right that a write takes.
fn right_of(operation: &str) -> Option<&'static str> {
    let rights = [
        (
            &operations::ADDITIONS_CREATE,
            "Finance / Agreements needs Add = All",
        ),
        (
            &operations::ADDITIONS_PATCH,
            "Finance / Agreements needs Edit = All",
        ),
        (
            &operations::AGREEMENTS_CREATE,
            "Finance / Agreements needs Add = All",
        ),
        (
            &operations::AGREEMENTS_PATCH,
            "Finance / Agreements needs Edit = All",
        ),
        (
            &operations::CATALOG_CREATE,
            "Procurement / Product Catalog needs Add = All",
        ),
    ];
    let right = rights.into_iter().find(|(of, _)| of.name == operation);
    right.map(|(_, right)| right)
}

/// A refused write, with the right that it takes; what is no write is as it was.
fn without_right(error: Error) -> Error {
    let Some(right) = error.operation().and_then(right_of) else {
        return error;
    };
    let message = format!("the API member's security role lacks a right: {right}");
    let mut named = refusal(ErrorKind::PermissionDenied, message).with_sent(error.sent());
    if let Some(http) = error.http() {
        named = named.with_http(http.clone());
    }
    if let Some(operation) = error.operation() {
        named = named.with_operation(operation);
    }
    named.with_source(error)
}

/// An error over an answer, with the write that it was the answer to.
fn named(error: Error, change: &Change) -> Error {
    let operation = match change.action {
        Action::CreateLine { .. } => &operations::ADDITIONS_CREATE,
        Action::CreateAgreement { .. } => &operations::AGREEMENTS_CREATE,
        Action::CreateProduct { .. } => &operations::CATALOG_CREATE,
        Action::WriteNote { .. } => &operations::AGREEMENTS_PATCH,
        _ => &operations::ADDITIONS_PATCH,
    };
    let error = error
        .with_operation(operation.name)
        .with_context("agreement", change.agreement.to_string());
    match change.action.line() {
        Some(line) => error.with_context("line", line.to_string()),
        None => error,
    }
}

async fn carry_out(sink: &ConnectWiseSink, change: &Change) -> Written {
    match &change.action {
        Action::CreateLine {
            quantity,
            unit_cost,
            unit_price,
            last_day,
            like,
        } => {
            let new = NewLine {
                change,
                quantity: *quantity,
                unit_cost: unit_cost.as_ref(),
                unit_price: unit_price.as_ref(),
                last_day: *last_day,
            };
            create(sink, &new, like.as_ref()).await
        }
        Action::SetQuantity { line, to, .. } => {
            let wanted = Wanted::Quantity(*to);
            set(
                sink,
                change,
                line,
                FieldName::QUANTITY,
                (*to).try_into(),
                wanted,
            )
            .await
        }
        Action::SetUnitCost { line, to, .. } => {
            let value = to.amount.try_into();
            set(
                sink,
                change,
                line,
                FieldName::UNIT_COST,
                value,
                Wanted::UnitCost(*to),
            )
            .await
        }
        Action::SetUnitPrice { line, to, .. } => {
            let value = to.amount.try_into();
            set(
                sink,
                change,
                line,
                FieldName::UNIT_PRICE,
                value,
                Wanted::UnitPrice(*to),
            )
            .await
        }
        Action::EndLine {
            line,
            last_day,
            replaced_by,
            ..
        } => {
            if replaced_by.is_some() {
                replaceable(sink, change, line, *last_day)
                    .await
                    .map_err(WriteError::NotSent)?;
            }
            let value = sink.0.cancelled_date.cancelled(*last_day).try_into();
            let wanted = Wanted::LastDay(*last_day);
            set(sink, change, line, FieldName::CANCELLED_DATE, value, wanted).await
        }
        Action::CreateAgreement { .. } => make::execute(sink, change).await,
        Action::CreateProduct { .. } => product::execute(sink, change).await,
        Action::WriteNote { .. } => note::execute(sink, change).await,
        other => Err(WriteError::NotSent(refusal(
            ErrorKind::Unsupported,
            format!("this sink cannot {other}"),
        ))),
    }
}

/// An error found before anything was written.
pub(super) fn refusal(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error::new(kind, message).with_connector(CONNECTOR)
}

/// An answer that does not show what was sent: only reading back can tell.
pub(super) fn unclear(message: impl Into<String>) -> WriteError {
    WriteError::Unknown(
        Error::new(ErrorKind::Protocol, message)
            .with_connector(CONNECTOR)
            .with_sent(Sent::Maybe),
    )
}

/// Checks all that the line to come needs, before the old one ends: an end without it would
/// leave the client unbilled.
async fn replaceable(
    sink: &ConnectWiseSink,
    change: &Change,
    line: &AgreementLineId,
    last_day: CivilDate,
) -> Result<()> {
    let agreement = sink.agreement_id(&change.agreement).await?;
    let id = wire_id("a line", line.as_str())?;
    if last_day.plus_days(1) != change.effective {
        return Err(refusal(
            ErrorKind::Invalid,
            format!(
                "the line would end on {last_day}, and the one in its place start on {}",
                change.effective
            ),
        ));
    }
    let wire = sink.client().agreement(agreement).await?;
    sink.remember_currency(agreement, map::currency(wire.currency.as_ref()));
    dates::check(sink, change, None, agreement, &wire).await?;
    let terms = Terms::read(sink, change, agreement, id).await?;
    terms.check_replaceable(&sink.0.marker)
}

async fn create(
    sink: &ConnectWiseSink,
    new: &NewLine<'_>,
    like: Option<&AgreementLineId>,
) -> Written {
    let NewLine {
        change,
        quantity,
        unit_cost,
        unit_price,
        last_day,
    } = *new;
    let agreement = sink.agreement_id(&change.agreement).await;
    let agreement = agreement.map_err(WriteError::NotSent)?;
    let product = wire_id("a product", change.product.as_str()).map_err(WriteError::NotSent)?;
    let wire = sink
        .client()
        .agreement(agreement)
        .await
        .map_err(WriteError::NotSent)?;
    let currency = map::currency(wire.currency.as_ref());
    sink.remember_currency(agreement, currency);
    same_currency(currency, [unit_cost, unit_price]).map_err(WriteError::NotSent)?;
    dates::check(sink, change, last_day, agreement, &wire)
        .await
        .map_err(WriteError::NotSent)?;
    let mut addition = NewAddition {
        product: RecordRef::by_id(product),
        quantity: Some(quantity.value()),
        unit_cost: unit_cost.map(|money| money.amount),
        unit_price: unit_price.map(|money| money.amount),
        bill_customer: Some(BillCustomer::Billable),
        effective_date: Some(midnight(change.effective)),
        cancelled_date: last_day.map(|day| midnight(sink.0.cancelled_date.cancelled(day))),
        ..NewAddition::default()
    };
    if let Some(like) = like {
        take_over(sink, new, agreement, like, &mut addition)
            .await
            .map_err(WriteError::NotSent)?;
    }
    sink.0
        .marker
        .put(&change.marker, &mut addition)
        .map_err(WriteError::NotSent)?;
    let written = sink.client().post_addition(agreement, &addition).await?;
    if let Ok(answer) = &written.record
        && !shows_terms(&addition, answer)
    {
        return Err(unclear(
            "the answer shows other terms than were sent: units free of charge, or whether it is \
             billed",
        ));
    }
    let line = read_answer(sink, written.record, currency)?;
    if line.product != change.product {
        return Err(unclear(format!(
            "the answer shows product {} where {} was sent",
            line.product, change.product
        )));
    }
    if line.state.effective != Some(change.effective) {
        return Err(unclear(format!(
            "the answer shows another effective date than {}",
            change.effective
        )));
    }
    if line.state.last_day != last_day {
        return Err(unclear(
            "the answer shows another end of the line than was sent",
        ));
    }
    Wanted::Quantity(quantity).shown_in(&line)?;
    if let Some(cost) = unit_cost {
        Wanted::UnitCost(*cost).shown_in(&line)?;
    }
    if let Some(price) = unit_price {
        Wanted::UnitPrice(*price).shown_in(&line)?;
    }
    Ok(receipt(line, written.request_id))
}

/// Puts the terms of another line on a new one.
async fn take_over(
    sink: &ConnectWiseSink,
    new: &NewLine<'_>,
    agreement: i64,
    like: &AgreementLineId,
    addition: &mut NewAddition,
) -> Result<()> {
    let id = wire_id("a line", like.as_str())?;
    let marker = &sink.0.marker;
    let terms = Terms::read(sink, new.change, agreement, id).await?;
    let replaces = new.last_day.is_none();
    if replaces {
        terms.check_replaceable(marker)?;
    } else {
        terms.check_catch_up(new.quantity)?;
    }
    terms.put(replaces, marker, addition);
    Ok(())
}

/// Refuses an amount in another currency than the agreement's.
fn same_currency<'a>(
    currency: Option<Currency>,
    amounts: impl IntoIterator<Item = Option<&'a Money>>,
) -> Result<()> {
    let Some(currency) = currency else {
        return Ok(());
    };
    for amount in amounts.into_iter().flatten() {
        if let Some(other) = amount.currency
            && other != currency
        {
            return Err(refusal(
                ErrorKind::Invalid,
                format!("{amount} cannot be set on an agreement in {currency}"),
            ));
        }
    }
    Ok(())
}

/// What the answer to a write must show.
enum Wanted {
    Quantity(Quantity),
    UnitCost(Money),
    UnitPrice(Money),
    LastDay(CivilDate),
}

impl Wanted {
    fn shown_in(&self, line: &AgreementLine) -> std::result::Result<(), WriteError> {
        let state = &line.state;
        let (what, shown) = match self {
            Self::Quantity(to) => ("quantity", state.quantity == *to),
            Self::UnitCost(to) => ("unit cost", same_amount(state.unit_cost.as_ref(), Some(to))),
            Self::UnitPrice(to) => (
                "unit price",
                same_amount(state.unit_price.as_ref(), Some(to)),
            ),
            Self::LastDay(day) => ("end", state.last_day == Some(*day)),
        };
        if shown {
            return Ok(());
        }
        Err(unclear(format!(
            "the write was accepted, but line {} does not show the {what} that was sent",
            line.id
        )))
    }

    fn money(&self) -> Option<&Money> {
        match self {
            Self::UnitCost(money) | Self::UnitPrice(money) => Some(money),
            Self::Quantity(_) | Self::LastDay(_) => None,
        }
    }
}

async fn set(
    sink: &ConnectWiseSink,
    change: &Change,
    line: &AgreementLineId,
    field: FieldName,
    value: Result<ExactJson>,
    wanted: Wanted,
) -> Written {
    let agreement = sink.agreement_id(&change.agreement).await;
    let agreement = agreement.map_err(WriteError::NotSent)?;
    let id = wire_id("a line", line.as_str()).map_err(WriteError::NotSent)?;
    let currency = sink
        .currency_of(agreement)
        .await
        .map_err(WriteError::NotSent)?;
    same_currency(currency, [wanted.money()]).map_err(WriteError::NotSent)?;
    let patch = value
        .map(|value| Patch::new().replace_json(field, value))
        .map_err(WriteError::NotSent)?;
    let written = match sink.client().send_patch(agreement, id, &patch).await {
        Ok(written) => written,
        Err(error) if wants_custom_fields(&error) => {
            // A 400 means that nothing was done: the same change is sent once more, with the
            // custom fields as they stand, which some installations ask for.
            let Some(patch) = with_custom_fields(sink, agreement, id, patch).await else {
                return Err(error.into());
            };
            sink.client().send_patch(agreement, id, &patch).await?
        }
        Err(error) => return Err(error.into()),
    };
    let shown = read_answer(sink, written.record, currency)?;
    if shown.id != *line {
        return Err(unclear(format!(
            "the answer shows line {} where {line} was changed",
            shown.id
        )));
    }
    if !shows_what_was(sink, change, &shown) {
        wanted.shown_in(&shown)?;
    }
    Ok(receipt(shown, written.request_id))
}

/// Whether the answer shows the line as it was: it was accepted and not done. It is no open question then, which
/// would be settled by sending it again: reading back tells what became of it.
fn shows_what_was(sink: &ConnectWiseSink, change: &Change, shown: &AgreementLine) -> bool {
    let verdict = verify::shown_by(sink, change, None, std::slice::from_ref(shown));
    verdict == Verdict::NotLanded
}

pub(super) fn wants_custom_fields(error: &Error) -> bool {
    error.status() == Some(400)
        && error
            .http()
            .and_then(|http| http.vendor_message.as_deref())
            .is_some_and(names_custom_field)
}

/// The patch with the addition's custom fields echoed; none when there is nothing to echo.
async fn with_custom_fields(
    sink: &ConnectWiseSink,
    agreement: i64,
    id: i64,
    patch: Patch,
) -> Option<Patch> {
    let addition = sink.client().addition(agreement, id).await.ok()?;
    let fields: Vec<_> = addition
        .custom_fields
        .iter()
        .filter_map(|field| field.echo())
        .collect();
    if fields.is_empty() {
        return None;
    }
    patch.custom_fields(&fields).ok()
}

/// The line in the answer to a write. What cannot be read leaves the outcome open.
fn read_answer(
    sink: &ConnectWiseSink,
    record: Result<Addition>,
    currency: Option<Currency>,
) -> std::result::Result<AgreementLine, WriteError> {
    record
        .and_then(|addition| map::line(&addition, currency, sink.0.cancelled_date, &sink.0.marker))
        .map_err(|error| WriteError::Unknown(error.with_sent(Sent::Maybe)))
}

fn receipt(line: AgreementLine, request_id: Option<String>) -> Receipt {
    let mut receipt = Receipt::new(line.id);
    receipt.state = Some(line.state);
    receipt.request_id = request_id;
    receipt
}

#[cfg(test)]
mod tests {
    use tallyline_core::http::Idempotency;

    use super::*;

    #[test]
    fn the_right_that_a_refused_write_lacked_is_that_of_its_own_operation() {
        let writes = operations::ALL
            .into_iter()
            .filter(|operation| operation.idempotency != Idempotency::Safe);
        for write in writes.filter(|write| write.name != operations::ADDITIONS_DELETE.name) {
            let place = match write.template.split('/').nth(1) {
                Some("procurement") => "Procurement / Product Catalog",
                _ => "Finance / Agreements",
            };
            let right = if write.method.as_str() == "POST" {
                "Add"
            } else {
                "Edit"
            };
            let error = Error::new(ErrorKind::PermissionDenied, "Forbidden");
            let told = without_right(error.with_operation(write.name)).to_string();
            let wanted = format!("{place} needs {right} = All");
            assert!(told.contains(&wanted), "{}: {told}", write.name);
        }
    }

    #[test]
    fn what_is_refused_on_the_way_to_a_write_is_told_as_it_is() {
        let error = Error::new(ErrorKind::PermissionDenied, "Forbidden");
        let read = error.with_operation(operations::BILLING_CYCLES_LIST.name);
        assert!(!without_right(read).to_string().contains("needs"));
    }
}
