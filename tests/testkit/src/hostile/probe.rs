//! One operation of a client under test: its request, its valid answer, and the values in it.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt as _, TryFutureExt as _};
use tallyline_core::sink::WriteError;
use tallyline_core::{Error, ErrorKind, Result};

use super::splice;
use crate::raw::Route;

/// What a value in an answer is, and so what is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A number of units, or an amount.
    Quantity,
    /// An id that is a whole number.
    WholeId,
    /// An id that is a text.
    TextId,
    /// A calendar date, with or without time.
    Date,
    /// A name for people.
    Name,
}

/// A value in the valid answer that can be made hostile.
#[derive(Clone, Debug)]
pub struct Field {
    pub(crate) pointer: String,
    pub(crate) kind: FieldKind,
    pub(crate) required: bool,
    pub(crate) record: Vec<String>,
}

impl Field {
    /// A required value at a JSON pointer such as `/items/1/quantity`.
    ///
    /// An error about it must name the record: the path up to the last index (`items[1]`), else the path of the
    /// value.
    #[must_use]
    pub fn new(kind: FieldKind, pointer: &str) -> Self {
        Self {
            pointer: pointer.to_owned(),
            kind,
            required: true,
            record: vec![splice::record_path(pointer)],
        }
    }

    /// A required quantity.
    #[must_use]
    pub fn quantity(pointer: &str) -> Self {
        Self::new(FieldKind::Quantity, pointer)
    }

    /// A required id that is a whole number.
    #[must_use]
    pub fn whole_id(pointer: &str) -> Self {
        Self::new(FieldKind::WholeId, pointer)
    }

    /// A required id that is a text.
    #[must_use]
    pub fn text_id(pointer: &str) -> Self {
        Self::new(FieldKind::TextId, pointer)
    }

    /// A date, which may be absent.
    #[must_use]
    pub fn date(pointer: &str) -> Self {
        Self::new(FieldKind::Date, pointer).optional()
    }

    /// A name, which may be absent.
    #[must_use]
    pub fn name(pointer: &str) -> Self {
        Self::new(FieldKind::Name, pointer).optional()
    }

    /// The value may be absent or `null`.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// Another name of the record, such as its id: one of them must stand in the error.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.record.push(name.to_owned());
        self
    }
}

/// How a list says that it goes on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Paging {
    /// By the `Link` header; the query parameter that holds the page number.
    LinkHeader(&'static str),
    /// By a URL in the value at this JSON pointer; the query parameter that holds the place.
    NextUrl(&'static str, &'static str),
    /// By a token in the value at this JSON pointer.
    Token(&'static str),
}

/// One operation of a client under test.
pub struct Probe<C> {
    pub(crate) name: String,
    pub(crate) route: Route,
    pub(crate) fields: Vec<Field>,
    pub(crate) paging: Option<Paging>,
    pub(crate) all_optional: bool,
    pub(crate) free_form: bool,
    pub(crate) may_be_empty: bool,
    pub(crate) brief: bool,
    pub(crate) writes: bool,
    pub(crate) call: Call<C>,
}

pub(crate) type Call<C> =
    Arc<dyn Fn(C) -> BoxFuture<'static, std::result::Result<String, Failed>> + Send + Sync>;

/// Why a call gave nothing.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: Error,
    /// How a write was sorted.
    pub(crate) sorted: Option<Sorted>,
}

/// What a failed write was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sorted {
    NotSent,
    Rejected,
    Unknown,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            error,
            sorted: None,
        }
    }
}

impl From<WriteError> for Failed {
    fn from(error: WriteError) -> Self {
        let (error, sorted) = match error {
            WriteError::NotSent(error) => (error, Sorted::NotSent),
            WriteError::Rejected(error) => (error, Sorted::Rejected),
            WriteError::Unknown(error) => (error, Sorted::Unknown),
            other => (
                Error::new(ErrorKind::Unexpected, other.to_string()),
                Sorted::Unknown,
            ),
        };
        Self {
            error,
            sorted: Some(sorted),
        }
    }
}

impl<C> Probe<C> {
    /// An operation: the request with its valid answer, and how it is called. The call gives what was read, as
    /// text for people.
    #[must_use]
    pub fn new<F>(name: &str, route: Route, call: impl Fn(C) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        let call = move |client| call(client).map_err(Failed::from).boxed();
        Self::with(name, route, Arc::new(call))
    }

    /// An operation that changes something. Whatever is wrong with an answer of success, and when none comes, the outcome
    /// must be called unknown: the system may have done it. And whatever comes but
    /// a 401 or a 429, it is sent once.
    #[must_use]
    pub fn write<F>(name: &str, route: Route, call: impl Fn(C) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = std::result::Result<String, WriteError>> + Send + 'static,
    {
        let call = move |client| call(client).map_err(Failed::from).boxed();
        Self {
            writes: true,
            ..Self::with(name, route, Arc::new(call))
        }
    }

    fn with(name: &str, route: Route, call: Call<C>) -> Self {
        Self {
            name: name.to_owned(),
            route,
            fields: Vec::new(),
            paging: None,
            all_optional: false,
            free_form: false,
            may_be_empty: false,
            brief: false,
            writes: false,
            call,
        }
    }

    /// Leaves out what takes time and hangs on the connection alone (stalls, bodies above the limit, most cuts): for an
    /// operation that is sent and read by the same code as another of the table.
    #[must_use]
    pub fn brief(mut self) -> Self {
        self.brief = true;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a value that can be made hostile.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Says that every field of the answer may be absent, so that an object without any of them is read.
    #[must_use]
    pub fn all_optional(mut self) -> Self {
        self.all_optional = true;
        self
    }

    /// Says that the answer may be any JSON: its shape is not published, or it stands in forms that are.
    #[must_use]
    pub fn free_form(mut self) -> Self {
        self.free_form = true;
        self
    }

    /// Says that the system may answer with nothing.
    #[must_use]
    pub fn may_be_empty(mut self) -> Self {
        self.may_be_empty = true;
        self
    }

    /// Says that it is a list of pages.
    #[must_use]
    pub fn paging(mut self, paging: Paging) -> Self {
        self.paging = Some(paging);
        self
    }
}

impl<C> fmt::Debug for Probe<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("name", &self.name)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}
