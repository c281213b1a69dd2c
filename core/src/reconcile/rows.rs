//! The rows in their compact form, in the parts in which they were made.

use std::cmp::Ordering;
use std::iter;

use super::book::index;
use super::comparison::{ChargeData, EvidenceLine, Kind, VendorCost};
use super::look::Staying;
use super::plain::StayingLine;
use super::sorted::SortedLine;
use crate::model::{CivilDate, Quantity, Timestamp};

/// What stands for no position.
const NONE: u32 = u32::MAX;

/// How many rows there are of each kind.
type Found = [u64; Kind::ALL.len()];

/// The rows of some agreements, in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    agreements: Vec<AgreementRows>,
    rows: Vec<RowData>,
    /// For each row, positions of usage lines.
    evidence: Vec<u32>,
    more: Vec<More>,
    found: Found,
    /// The positions of the rows that are not among those that agree.
    telling: Vec<u32>,
    agreeing: Agreeing,
    pub(super) charges: Vec<ChargeData>,
}

/// Rows of one line each that agrees with the vendor's side, and of which there is nothing to tell.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Agreeing {
    pub(crate) lines: u64,
    /// What they bill. Each bills a whole number, so that the sum is the same in any order.
    pub(crate) units: i128,
}

/// The rows of one agreement: from the first to before the last.
#[derive(Clone, Debug)]
struct AgreementRows {
    agreement: u32,
    rows: (u32, u32),
    telling: (u32, u32),
    as_of: Option<Timestamp>,
    /// What it is put in order by, before ids are compared.
    order: u64,
}

/// A row in its compact form.
#[derive(Clone, Debug)]
pub(super) struct RowData {
    pub(super) product: u32,
    pub(super) kind: Kind,
    /// Whether one of its usage lines is billed by years.
    pub(super) has_yearly: bool,
    pub(super) vendor: Option<Quantity>,
    /// The position of the one open line among the agreement's lines.
    line: u32,
    evidence: (u32, u32),
    /// The position of what few rows have.
    more: u32,
}

/// What few rows have.
#[derive(Clone, Debug)]
struct More {
    cost: VendorCost,
    price: VendorCost,
    reason: Option<Box<str>>,
    /// The position of the bill's sum, where the row is a charge.
    charge: Option<u32>,
}

/// A row as it is made.
#[derive(Debug)]
pub(super) struct NewRow<'r> {
    pub(super) plain: PlainRow,
    pub(super) cost: &'r VendorCost,
    pub(super) price: &'r VendorCost,
    pub(super) reason: Option<String>,
    pub(super) charge: Option<u32>,
}

/// What every row has.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlainRow {
    pub(super) product: u32,
    pub(super) kind: Kind,
    pub(super) has_yearly: bool,
    pub(super) vendor: Option<Quantity>,
    pub(super) line: Option<u32>,
}

impl PlainRow {
    /// What its line bills, where that agrees, is a whole number and has nothing to tell.
    #[inline]
    fn agreeing_units(&self) -> Option<i64> {
        let agrees = self.kind == Kind::NoChange && self.line.is_some() && !self.has_yearly;
        self.vendor.filter(|_| agrees)?.seats()
    }
}

impl Part {
    /// With room for the rows of so many usage lines, and for some more of lines without usage: to move rows to
    /// another place costs more than room that is not used.
    pub(super) fn with_room(usage_lines: usize) -> Self {
        Self {
            rows: Vec::with_capacity(usage_lines + usage_lines / 8),
            evidence: Vec::with_capacity(usage_lines),
            ..Self::default()
        }
    }

    /// Begins the rows of an agreement, that comes in the order of a number among those of others.
    pub(super) fn begin(&mut self, agreement: u32, order: u64, as_of: Option<Timestamp>) {
        let first = index(self.rows.len());
        let telling = index(self.telling.len());
        self.agreements.push(AgreementRows {
            agreement,
            rows: (first, first),
            telling: (telling, telling),
            as_of,
            order,
        });
    }

    /// Puts its agreements in the order that was given with each, and of `compare` where that is the same.
    pub(super) fn put_in_order(&mut self, compare: impl Fn(u32, u32) -> Ordering) {
        self.agreements.sort_unstable_by(|a, b| {
            let by_order = a.order.cmp(&b.order);
            by_order.then_with(|| compare(a.agreement, b.agreement))
        });
    }

    /// Adds usage lines to those behind the row that was added last.
    pub(super) fn rests_on(&mut self, evidence: impl Iterator<Item = u32>) {
        self.evidence.extend(evidence);
        if let Some(row) = self.rows.last_mut() {
            row.evidence.1 = index(self.evidence.len());
        }
    }

    /// Adds a row to the agreement that was begun last.
    pub(super) fn push(&mut self, row: NewRow<'_>) {
        let states = |amount: &VendorCost| !matches!(amount, VendorCost::Unknown);
        let states = states(row.cost) || states(row.price);
        if !(states || row.reason.is_some() || row.charge.is_some()) {
            self.push_plain(row.plain);
            return;
        }
        self.add(row.plain, index(self.more.len()));
        self.tell();
        self.more.push(More {
            cost: *row.cost,
            price: *row.price,
            reason: row.reason.map(String::into_boxed_str),
            charge: row.charge,
        });
    }

    /// Adds a row that has nothing that few rows have.
    #[inline]
    pub(super) fn push_plain(&mut self, row: PlainRow) {
        self.add(row, NONE);
        match row.agreeing_units() {
            Some(units) => {
                self.agreeing.lines += 1;
                self.agreeing.units += i128::from(units);
            }
            None => self.tell(),
        }
    }

    /// Counts the row that was added last among those that have something to tell.
    fn tell(&mut self) {
        self.telling.push(index(self.rows.len().saturating_sub(1)));
        if let Some(agreement) = self.agreements.last_mut() {
            agreement.telling.1 = index(self.telling.len());
        }
    }

    fn rows_of<'t>(&'t self, agreement: &'t AgreementRows) -> impl Iterator<Item = RowPlace<'t>> {
        let (from, to) = agreement.rows;
        let rows = self.rows.get(from as usize..to as usize);
        let rows = rows.unwrap_or_default().iter();
        rows.map(move |data| self.place(agreement, data))
    }

    fn telling_rows_of<'t>(
        &'t self,
        agreement: &'t AgreementRows,
        (from, to): (u32, u32),
    ) -> impl Iterator<Item = RowPlace<'t>> {
        let positions = self.telling.get(from as usize..to as usize);
        let positions = positions.unwrap_or_default().iter();
        let rows = positions.filter_map(|at| self.rows.get(*at as usize));
        rows.map(move |data| self.place(agreement, data))
    }

    fn place<'t>(&'t self, agreement: &'t AgreementRows, data: &'t RowData) -> RowPlace<'t> {
        RowPlace {
            part: self,
            agreement,
            data,
        }
    }

    #[inline]
    fn add(&mut self, row: PlainRow, more: u32) {
        let from = index(self.evidence.len());
        self.found[row.kind as usize] += 1;
        // Made where it stays.
        self.rows.extend(iter::once_with(|| RowData {
            product: row.product,
            kind: row.kind,
            has_yearly: row.has_yearly,
            vendor: row.vendor,
            line: row.line.unwrap_or(NONE),
            evidence: (from, from),
            more,
        }));
        if let Some(agreement) = self.agreements.last_mut() {
            agreement.rows.1 = index(self.rows.len());
        }
    }
}

/// All rows, in their order.
#[derive(Clone, Debug)]
pub(super) struct RowTable {
    parts: Vec<Part>,
    order: Vec<Place>,
    count: usize,
}

/// Where the rows of an agreement are.
#[derive(Clone, Copy, Debug)]
struct Place {
    part: u32,
    /// Its position among the part's agreements.
    place: u32,
    /// Its own: to look for rows that have something to tell, no agreement is looked at.
    telling: (u32, u32),
}

impl RowTable {
    /// The rows of parts that are each in the order of `compare`, in that order as a whole.
    pub(super) fn new(parts: Vec<Part>, compare: impl Fn(u32, u32) -> Ordering) -> Self {
        let mut order = Vec::with_capacity(parts.iter().map(|part| part.agreements.len()).sum());
        for (at, part) in (0..).zip(&parts) {
            let agreements = (0..).zip(&part.agreements);
            order.extend(agreements.map(|(place, of)| {
                let place = Place {
                    part: at,
                    place,
                    telling: of.telling,
                };
                (of.order, of.agreement, place)
            }));
        }
        // A stable sort finds the parts in their order, and joins them.
        order.sort_by(|(a, first, _), (b, second, _)| {
            a.cmp(b).then_with(|| compare(*first, *second))
        });
        Self {
            count: parts.iter().map(|part| part.rows.len()).sum(),
            order: order.into_iter().map(|(.., place)| place).collect(),
            parts,
        }
    }

    pub(super) fn iter(&self) -> Rows<'_> {
        Rows {
            table: self,
            order: self.order.iter(),
            at: None,
            left: self.count,
        }
    }

    /// The rows in so many pieces at most, one after the other; those of an agreement are in one piece.
    pub(super) fn pieces(
        &self,
        most: usize,
    ) -> impl Iterator<Item = impl Iterator<Item = RowPlace<'_>>> {
        self.orders(most).map(|order| {
            let agreements = order.iter().filter_map(|place| self.agreement(*place));
            agreements.flat_map(|(part, of)| part.rows_of(of))
        })
    }

    /// As [`pieces`](Self::pieces), without the rows that agree and have nothing to tell.
    pub(super) fn telling_pieces(
        &self,
        most: usize,
    ) -> impl Iterator<Item = impl Iterator<Item = RowPlace<'_>>> {
        self.orders(most).map(|order| {
            let telling = order
                .iter()
                .filter(|place| place.telling.0 < place.telling.1);
            telling.flat_map(|place| {
                let agreement = self.agreement(*place).into_iter();
                agreement.flat_map(|(part, of)| part.telling_rows_of(of, place.telling))
            })
        })
    }

    fn orders(&self, most: usize) -> impl Iterator<Item = &[Place]> {
        let agreements = self.order.len().div_ceil(most.max(1)).max(1);
        self.order.chunks(agreements)
    }

    /// The rows that agree and have nothing to tell.
    pub(super) fn agreeing(&self) -> Agreeing {
        let all = self.parts.iter().map(|part| part.agreeing);
        all.fold(Agreeing::default(), |sum, part| Agreeing {
            lines: sum.lines + part.lines,
            units: sum.units + part.units,
        })
    }

    /// The oldest state behind any row.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        let agreements = self.parts.iter().flat_map(|part| &part.agreements);
        let with_rows = agreements.filter(|of| of.rows.0 < of.rows.1);
        with_rows.filter_map(|of| of.as_of).min()
    }

    /// How many rows were found to be of each kind.
    pub(super) fn found(&self) -> Found {
        let mut found = Found::default();
        for part in &self.parts {
            for (all, of_part) in found.iter_mut().zip(part.found) {
                *all += of_part;
            }
        }
        found
    }

    fn agreement(&self, place: Place) -> Option<(&Part, &AgreementRows)> {
        let part = self.parts.get(place.part as usize)?;
        Some((part, part.agreements.get(place.place as usize)?))
    }
}

/// The rows, one after the other.
#[derive(Debug)]
pub(super) struct Rows<'t> {
    table: &'t RowTable,
    order: std::slice::Iter<'t, Place>,
    at: Option<(&'t Part, &'t AgreementRows, std::slice::Iter<'t, RowData>)>,
    left: usize,
}

impl<'t> Iterator for Rows<'t> {
    type Item = RowPlace<'t>;

    fn next(&mut self) -> Option<RowPlace<'t>> {
        loop {
            if let Some((part, agreement, rows)) = &mut self.at
                && let Some(data) = rows.next()
            {
                self.left = self.left.saturating_sub(1);
                return Some(RowPlace {
                    part,
                    agreement,
                    data,
                });
            }
            let (part, agreement) = self.table.agreement(*self.order.next()?)?;
            let (from, to) = agreement.rows;
            let rows = part.rows.get(from as usize..to as usize)?;
            self.at = Some((part, agreement, rows.iter()));
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Rows<'_> {}

/// A row where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowPlace<'t> {
    part: &'t Part,
    agreement: &'t AgreementRows,
    pub(super) data: &'t RowData,
}

impl<'t> RowPlace<'t> {
    pub(super) fn agreement(&self) -> u32 {
        self.agreement.agreement
    }

    pub(super) fn as_of(&self) -> Option<Timestamp> {
        self.agreement.as_of
    }

    pub(super) fn line(&self) -> Option<u32> {
        (self.data.line != NONE).then_some(self.data.line)
    }

    fn more(&self) -> Option<&'t More> {
        self.part.more.get(self.data.more as usize)
    }

    pub(super) fn cost(&self) -> VendorCost {
        self.more().map_or(VendorCost::Unknown, |more| more.cost)
    }

    pub(super) fn price(&self) -> VendorCost {
        self.more().map_or(VendorCost::Unknown, |more| more.price)
    }

    pub(super) fn reason(&self) -> Option<&'t str> {
        self.more()?.reason.as_deref()
    }

    pub(super) fn charge(&self) -> Option<&'t ChargeData> {
        self.part.charges.get(self.more()?.charge? as usize)
    }

    /// The positions of the usage lines behind it.
    pub(super) fn evidence(&self) -> &'t [u32] {
        let (from, to) = self.data.evidence;
        let lines = self.part.evidence.get(from as usize..to as usize);
        lines.unwrap_or_default()
    }
}

/// The usage lines that count, in the chunks in which they were made.
#[derive(Clone, Debug)]
pub(super) struct EvidenceLines<'a> {
    chunks: Vec<EvidenceChunk<'a>>,
    /// The position of each chunk's first line.
    starts: Vec<u32>,
    staying: Staying<'a>,
    today: CivilDate,
}

/// Usage lines in the form in which they are kept.
#[derive(Clone, Debug)]
pub(super) enum EvidenceChunk<'a> {
    Sorted(Vec<SortedLine<'a>>),
    Staying(Vec<StayingLine<'a>>),
}

impl<'a> EvidenceLines<'a> {
    /// None yet, of readings that stay and on a day.
    pub(super) fn of(staying: Staying<'a>, today: CivilDate) -> Self {
        Self {
            chunks: Vec::new(),
            starts: Vec::new(),
            staying,
            today,
        }
    }

    /// Adds a chunk whose lines have positions from one on, which are after those of all before.
    pub(super) fn push(&mut self, start: u32, lines: EvidenceChunk<'a>) {
        self.starts.push(start);
        self.chunks.push(lines);
    }

    pub(super) fn at(&self, position: u32) -> Option<EvidenceLine<'_>> {
        let after = self.starts.partition_point(|start| *start <= position);
        let chunk = after.checked_sub(1)?;
        let place = (position - self.starts.get(chunk)?) as usize;
        match self.chunks.get(chunk)? {
            EvidenceChunk::Sorted(lines) => lines.get(place).map(SortedLine::evidence),
            EvidenceChunk::Staying(lines) => {
                let line = lines.get(place)?;
                Some(line.evidence(self.staying.at(line.reading)?, self.today))
            }
        }
    }
}

/// The positions of the first records of chunks of so many.
pub(super) fn starts(lengths: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut next = 0;
    lengths
        .map(|length| {
            let start = next;
            next += length;
            index(start)
        })
        .collect()
}
