//! A block of an agreement's note, beside what people write there.

use tallyline_core::model::{note_block, note_text, with_note_block};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{MadeRecord, Receipt, Verdict, WriteError};
use tallyline_core::{ErrorKind, Result};

use super::ConnectWiseSink;
use super::make::conflict;
use super::write::{Written, refusal, unclear, wants_custom_fields};
use crate::models::Agreement;
use crate::patch::{FieldName, Patch};

/// The text of an agreement that is its note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteField {
    /// `invoiceDescription`: clients read it on their invoices.
    InvoiceDescription,
    /// `internalNotes`: the MSP alone reads it.
    InternalNotes,
}

impl NoteField {
    /// The note of an agreement; empty where it has none.
    pub(super) fn of(self, agreement: &Agreement) -> &str {
        self.shown_in(agreement).unwrap_or_default()
    }

    fn shown_in(self, agreement: &Agreement) -> Option<&str> {
        let text = match self {
            Self::InvoiceDescription => &agreement.invoice_description,
            Self::InternalNotes => &agreement.internal_notes,
        };
        text.as_deref()
    }

    const fn name(self) -> FieldName {
        match self {
            Self::InvoiceDescription => FieldName::INVOICE_DESCRIPTION,
            Self::InternalNotes => FieldName::INTERNAL_NOTES,
        }
    }
}

/// Writes the block that a change asks for, unless it is there. The system takes the text as a whole: what
/// somebody writes between the read and the write is lost, as it has nothing to tell the two apart by.
pub(super) async fn execute(sink: &ConnectWiseSink, change: &Change) -> Written {
    let wanted = Wanted::of(sink, change).map_err(WriteError::NotSent)?;
    let id = sink.agreement_id(&change.agreement).await;
    let id = id.map_err(WriteError::NotSent)?;
    let agreement = sink.client().agreement(id).await;
    let agreement = agreement.map_err(WriteError::NotSent)?;
    match wanted.verdict(id, &agreement) {
        Verdict::Made { record, .. } => return Ok(Receipt::made(record)),
        Verdict::Conflict { detail, .. } => {
            let refused = refusal(ErrorKind::Conflict, detail);
            return Err(WriteError::NotSent(refused));
        }
        _ => {}
    }
    let patch = wanted.patch(&agreement).map_err(WriteError::NotSent)?;
    let written = match sink.client().send_agreement_patch(id, &patch).await {
        Ok(written) => written,
        Err(error) if wants_custom_fields(&error) => {
            // Nothing was done: some installations ask for the custom fields with every patch.
            let fields = agreement.custom_fields.iter();
            let fields: Vec<_> = fields.filter_map(|field| field.echo()).collect();
            let patch = patch.custom_fields(&fields).map_err(WriteError::NotSent)?;
            sink.client().send_agreement_patch(id, &patch).await?
        }
        Err(error) => return Err(error.into()),
    };
    let shown = written.record.ok();
    let shown = shown.filter(|answer| answer.id == Some(id));
    // An answer without the field shows nothing.
    let shown = shown.filter(|answer| wanted.field.shown_in(answer).is_some());
    match shown.map(|answer| wanted.verdict(id, &answer)) {
        // Shown as it was, it was accepted and not done: reading back tells what became of it.
        Some(Verdict::Made { .. } | Verdict::NotLanded) => {
            let mut receipt = Receipt::made(MadeRecord::Note(id.to_string().into()));
            receipt.request_id = written.request_id;
            Ok(receipt)
        }
        _ => Err(unclear(format!(
            "the write was accepted, but agreement {id} does not show the block that was sent"
        ))),
    }
}

/// Reads back whether the note has the block.
pub(super) async fn verify(sink: &ConnectWiseSink, change: &Change) -> Result<Verdict> {
    let wanted = Wanted::of(sink, change)?;
    let id = sink.agreement_id(&change.agreement).await?;
    Ok(wanted.verdict(id, &sink.client().agreement(id).await?))
}

/// The block that a change is to write.
struct Wanted<'a> {
    field: NoteField,
    owner: &'a str,
    from: Option<&'a str>,
    to: &'a str,
}

impl<'a> Wanted<'a> {
    fn of(sink: &ConnectWiseSink, change: &'a Change) -> Result<Self> {
        let (Action::WriteNote { owner, from, to }, Some(field)) =
            (&change.action, sink.0.note_field)
        else {
            let what = format!("this sink is not set up to {}", change.action);
            return Err(refusal(ErrorKind::Unsupported, what));
        };
        Ok(Self {
            field,
            owner,
            from: from.as_deref(),
            to,
        })
    }

    fn patch(&self, agreement: &Agreement) -> Result<Patch> {
        let text = with_note_block(self.field.of(agreement), self.owner, self.to)?;
        Patch::new().replace(self.field.name(), text.as_str())
    }

    fn verdict(&self, id: i64, agreement: &Agreement) -> Verdict {
        let found = match note_block(self.field.of(agreement), self.owner) {
            Ok(found) => found,
            // A person has to put the marks right.
            Err(error) => return conflict(error.message()),
        };
        match found.as_deref() {
            Some(block) if block == note_text(self.to) => Verdict::Made {
                record: MadeRecord::Note(id.to_string().into()),
                detail: format!("the note of agreement {id} has the block"),
            },
            found if found.map(str::to_owned) == self.from.map(note_text) => Verdict::NotLanded,
            Some(_) => conflict(format!(
                "the block of the note of agreement {id} is neither what was there nor what was sent"
            )),
            None => conflict(format!("the block of the note of agreement {id} is gone")),
        }
    }
}
