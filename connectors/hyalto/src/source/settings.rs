//! What the source is set up with.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;
use tallyline_core::clock::{Clock, SharedClock};
use tallyline_core::model::{Basis, ChargeKind, CivilDate, Period, Timestamp};
use tallyline_core::source::SourceDescriptor;
use tallyline_core::{Error, ErrorKind, Result};

use super::reduce::Span;
use crate::client::{CONNECTOR, HyAltoClient, config};
use crate::models::ServiceType;

/// So many days before the window changes are asked for, where nothing else is said.
const LOOK_BACK_DAYS: u32 = 366;

/// The longest window and look back, in days.
const MOST_DAYS: u32 = 3660;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How the changes of a property become one quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reduction {
    /// The last value at or before the end of the window: what is there now.
    #[default]
    Latest,
    /// The highest value that was in force in the window.
    Peak,
    /// The average by time over the window, from the first change that is known. It is exact; one that does not end within
    /// 28 digits is rounded to 10 decimal places, half away from zero, and its line says so.
    Average,
}

impl Reduction {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Peak => "peak",
            Self::Average => "average",
        }
    }
}

/// Over which time changes are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Window {
    /// The calendar month (UTC) of the billing period that is asked for, up to now.
    #[default]
    Month,
    /// So many days up to now, whatever period is asked for.
    Days(u32),
}

impl Window {
    /// The window of a request.
    pub(super) fn span(self, now: Timestamp, period_of: CivilDate) -> Result<Span> {
        let span = match self {
            Self::Month => {
                let month = Period::month_of(period_of);
                Span {
                    start: month.start().midnight_utc(),
                    end: month.end().plus_days(1).midnight_utc().min(now),
                }
            }
            Self::Days(days) => Span {
                start: before(now, days)?,
                end: now,
            },
        };
        if span.start > span.end {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("the billing period of {period_of} has not begun: nothing is known of it"),
            )
            .with_connector(CONNECTOR));
        }
        Ok(span)
    }
}

/// The instant so many days earlier.
pub(super) fn before(at: Timestamp, days: u32) -> Result<Timestamp> {
    let seconds = i64::from(days) * 24 * 60 * 60;
    Timestamp::from_second(at.as_second().saturating_sub(seconds))
        .map_err(|error| error.with_connector(CONNECTOR))
}

/// What a service is, as mappings know it. With a property it makes the key that is mapped: one product for each billable
/// property of a kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ServiceKind {
    /// A virtual machine.
    VirtualMachine,
    /// A virtual data centre.
    VirtualDataCentre,
    /// An edge gateway.
    EdgeGateway,
    /// Anything else, by the vendor's word for it.
    Other(Box<str>),
}

impl ServiceKind {
    /// The word in the key of its properties: `vm`, `vdc`, `edge`, or the vendor's own.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::VirtualMachine => "vm",
            Self::VirtualDataCentre => "vdc",
            Self::EdgeGateway => "edge",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::VirtualMachine => "virtual machine",
            Self::VirtualDataCentre => "virtual data centre",
            Self::EdgeGateway => "edge gateway",
            Self::Other(word) => word,
        })
    }
}

impl From<&str> for ServiceKind {
    fn from(word: &str) -> Self {
        match word {
            "vm" => Self::VirtualMachine,
            "vdc" => Self::VirtualDataCentre,
            "edge" => Self::EdgeGateway,
            other => Self::Other(other.into()),
        }
    }
}

/// What a service comes to that is listed and has no usage: neither an entry nor a property in the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SilentRule {
    /// Its account is not read: what it has is not known, and none of it is zero.
    #[default]
    FailAccount,
    /// It is passed over, as if it were not there: what it had is then missing, and not zero.
    LeaveOut,
}

/// In what a property is counted, where it is not what the vendor's number says. Nothing is multiplied without one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnitOverride {
    /// By what each value is multiplied.
    pub factor: Decimal,
    /// The unit of the result.
    pub unit: Option<String>,
    /// The `unit_size` that the vendor must give for it. With any other the property is not observed.
    pub expected: Option<String>,
}

impl UnitOverride {
    /// Multiplies each value by a factor.
    #[must_use]
    pub fn new(factor: Decimal) -> Self {
        Self {
            factor,
            unit: None,
            expected: None,
        }
    }

    /// Names the unit of the result.
    #[must_use]
    pub fn with_unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = Some(unit.into());
        self
    }

    /// Holds only for this `unit_size`.
    #[must_use]
    pub fn with_expected(mut self, unit_size: impl Into<String>) -> Self {
        self.expected = Some(unit_size.into());
        self
    }
}

/// The [`VendorSource`](tallyline_core::VendorSource) over a [`HyAltoClient`].
///
/// Cloning is cheap: clones share the client.
#[derive(Clone)]
pub struct HyAltoSource(Arc<Settings>);

struct Settings {
    descriptor: SourceDescriptor,
    client: HyAltoClient,
    reduction: Reduction,
    window: Window,
    look_back_days: u32,
    unit_overrides: BTreeMap<String, UnitOverride>,
    kinds: BTreeMap<String, ServiceKind>,
    untyped: Option<ServiceKind>,
    silent: SilentRule,
    clock: SharedClock,
}

#[bon::bon]
impl HyAltoSource {
    /// Puts a source together; `build` checks the values and sends nothing.
    ///
    /// `reduction` (latest) and `window` (the month up to now) say how a series becomes a quantity. Changes are asked for
    /// from `look_back_days` (366) before the window, since a value holds until it changes and the vendor does not say
    /// whether an answer begins with the one in force. `unit_overrides` are by the vendor's name of the property.
    /// `kinds` says what services of a type are, by the vendor's word, and `untyped` what those are that name none: without
    /// it their account is not read. `silent` says what a service without any usage comes to.
    ///
    /// # Errors
    /// `build` gives `Config` when a factor is not above zero, or a window or look back is out of range.
    ///
    /// ```no_run
    /// # fn example(client: tallyline_hyalto::HyAltoClient) -> tallyline_core::Result<()> {
    /// use tallyline_hyalto::{HyAltoSource, Reduction, ServiceKind, UnitOverride};
    ///
    /// let source = HyAltoSource::builder()
    ///     .client(client)
    ///     .reduction(Reduction::Average)
    ///     .kinds([("vm".to_owned(), ServiceKind::VirtualMachine)].into())
    ///     .unit_overrides([("ram".to_owned(), UnitOverride::new(1.into()).with_unit("GB"))].into())
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[builder(derive(Debug), finish_fn = build)]
    pub fn new(
        /// What asks the vendor.
        client: HyAltoClient,
        /// How a series becomes a quantity.
        #[builder(default)]
        reduction: Reduction,
        /// Over which time.
        #[builder(default)]
        window: Window,
        /// How many days before the window changes are asked for.
        #[builder(default = LOOK_BACK_DAYS)]
        look_back_days: u32,
        /// In what properties are counted.
        #[builder(default)]
        unit_overrides: BTreeMap<String, UnitOverride>,
        /// What services of a type are.
        #[builder(default)]
        kinds: BTreeMap<String, ServiceKind>,
        /// What services without a type are.
        untyped: Option<ServiceKind>,
        /// What a service without any usage comes to.
        #[builder(default)]
        silent: SilentRule,
        /// The clock of lists of services; readings are stamped by their request.
        #[builder(default)]
        clock: SharedClock,
    ) -> Result<Self> {
        let wrong = unit_overrides
            .iter()
            .find(|(_, unit)| unit.factor <= Decimal::ZERO);
        if let Some((property, unit)) = wrong {
            return Err(config(format!(
                "the factor {} of {property} is not above zero",
                unit.factor
            )));
        }
        let days = match window {
            Window::Month => 1,
            Window::Days(days) => days,
        };
        if !(1..=MOST_DAYS).contains(&days) || look_back_days > MOST_DAYS {
            return Err(config(format!(
                "a window of {days} days and {look_back_days} days before it: allow from 1 to {MOST_DAYS}, and up to {MOST_DAYS} \
                 before it"
            )));
        }
        let mut descriptor = SourceDescriptor::new(CONNECTOR, "HyAlto");
        descriptor.basis = basis(reduction);
        descriptor.kinds = &[ChargeKind::Recurring];
        descriptor.fresh_for = DAY;
        descriptor.tenant = Some(client.own_tenant().to_owned());
        Ok(Self(Arc::new(Settings {
            descriptor,
            client,
            reduction,
            window,
            look_back_days,
            unit_overrides,
            kinds,
            untyped,
            silent,
            clock,
        })))
    }
}

/// What is counted at an instant is live; what is put together over a time was measured.
const fn basis(reduction: Reduction) -> Basis {
    match reduction {
        Reduction::Latest => Basis::Live,
        Reduction::Peak | Reduction::Average => Basis::Metered,
    }
}

impl HyAltoSource {
    /// The client that asks the vendor.
    #[must_use]
    pub fn client(&self) -> &HyAltoClient {
        &self.0.client
    }

    pub(super) fn source_descriptor(&self) -> &SourceDescriptor {
        &self.0.descriptor
    }

    pub(super) fn basis(&self) -> Basis {
        self.0.descriptor.basis
    }

    pub(super) fn reduction(&self) -> Reduction {
        self.0.reduction
    }

    pub(super) fn window(&self) -> Window {
        self.0.window
    }

    pub(super) fn look_back_days(&self) -> u32 {
        self.0.look_back_days
    }

    pub(super) fn unit_of(&self, property: &str) -> Option<&UnitOverride> {
        self.0.unit_overrides.get(property)
    }

    /// What a service of a type is; nothing where it names none and nobody says what that means.
    pub(super) fn kind_of(&self, kind: Option<&ServiceType>) -> Option<ServiceKind> {
        let Some(kind) = kind else {
            return self.0.untyped.clone();
        };
        if let Some(known) = self.0.kinds.get(kind.as_str()) {
            return Some(known.clone());
        }
        Some(match kind {
            ServiceType::AllocationVdc => ServiceKind::VirtualDataCentre,
            ServiceType::Unknown(word) => ServiceKind::Other(word.clone()),
        })
    }

    pub(super) fn silent(&self) -> SilentRule {
        self.0.silent
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }
}

impl fmt::Debug for HyAltoSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyAltoSource")
            .field("client", &self.0.client)
            .field("reduction", &self.0.reduction)
            .field("window", &self.0.window)
            .field("unit_overrides", &self.0.unit_overrides)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_month_is_that_of_the_period_and_ends_now_at_the_latest() {
        let now = instant("2026-03-15T12:00:00Z");
        let span = |window: Window, day: &str| window.span(now, day.parse().unwrap());
        let shown = |span: Span| format!("{} {}", span.start, span.end);
        assert_eq!(
            shown(span(Window::Month, "2026-03-20").unwrap()),
            "2026-03-01T00:00:00Z 2026-03-15T12:00:00Z"
        );
        assert_eq!(
            shown(span(Window::Month, "2026-02-28").unwrap()),
            "2026-02-01T00:00:00Z 2026-03-01T00:00:00Z"
        );
        assert_eq!(
            shown(span(Window::Days(30), "2026-01-01").unwrap()),
            "2026-02-13T12:00:00Z 2026-03-15T12:00:00Z"
        );
        let error = span(Window::Month, "2026-04-01").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }

    #[test]
    fn kinds_have_words_that_lead_back_to_them() {
        for kind in [
            ServiceKind::VirtualMachine,
            ServiceKind::VirtualDataCentre,
            ServiceKind::EdgeGateway,
            ServiceKind::Other("reservationVDC".into()),
        ] {
            assert_eq!(ServiceKind::from(kind.as_str()), kind);
        }
    }
}
