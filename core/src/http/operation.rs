//! What a connector can ask of its system.

use ::http::Method;

/// Whether an operation may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Idempotency {
    /// It reads: repeating it changes nothing.
    Safe,
    /// It sets an absolute value: carried out twice, it leaves what once leaves. It is still
    /// not repeated by itself once its outcome is unknown; who sent it reads back first.
    Idempotent,
    /// Carried out twice, it leaves two of something.
    Unsafe,
}

/// One operation of a system; a `static` of its connector (a `const` has no address to keep).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its name, such as `customers.list`.
    pub name: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path below the base URL, such as `/customers/{customerId}`.
    pub template: &'static str,
    /// Whether it may be repeated.
    pub idempotency: Idempotency,
    /// What a [`Limiter`](super::Limiter) counts it with, where a system limits each of its
    /// endpoints by itself.
    pub group: Option<&'static str>,
}

impl Operation {
    /// A read.
    #[must_use]
    pub const fn get(name: &'static str, template: &'static str) -> Self {
        Self::new(name, Method::GET, template, Idempotency::Safe)
    }

    /// A create, which must not be repeated unless nothing was done.
    #[must_use]
    pub const fn post(name: &'static str, template: &'static str) -> Self {
        Self::new(name, Method::POST, template, Idempotency::Unsafe)
    }

    /// A POST that changes nothing, such as a search or a call for a token: repeated like a read.
    #[must_use]
    pub const fn read_by_post(name: &'static str, template: &'static str) -> Self {
        Self::post(name, template).with_idempotency(Idempotency::Safe)
    }

    /// A write of a whole record.
    #[must_use]
    pub const fn put(name: &'static str, template: &'static str) -> Self {
        Self::new(name, Method::PUT, template, Idempotency::Idempotent)
    }

    /// A write of some fields to absolute values.
    #[must_use]
    pub const fn patch(name: &'static str, template: &'static str) -> Self {
        Self::new(name, Method::PATCH, template, Idempotency::Idempotent)
    }

    /// A delete.
    #[must_use]
    pub const fn delete(name: &'static str, template: &'static str) -> Self {
        Self::new(name, Method::DELETE, template, Idempotency::Idempotent)
    }

    /// The same operation in another class.
    #[must_use]
    pub const fn with_idempotency(mut self, idempotency: Idempotency) -> Self {
        self.idempotency = idempotency;
        self
    }

    /// The same operation, counted with others.
    #[must_use]
    pub const fn in_group(mut self, group: &'static str) -> Self {
        self.group = Some(group);
        self
    }

    const fn new(
        name: &'static str,
        method: Method,
        template: &'static str,
        idempotency: Idempotency,
    ) -> Self {
        Self {
            name,
            method,
            template,
            idempotency,
            group: None,
        }
    }
}

/// Declares the operations of a connector as statics, documented by their declaration, and a list `ALL` of them.
///
/// ```
/// use tallyline_core::http::Operation;
///
/// tallyline_core::operations! {
///     SEATS = Operation::get("seats.list", "/seats");
///     SEARCH = Operation::read_by_post("seats.search", "/seats/search");
/// }
/// assert_eq!(SEARCH.name, "seats.search");
/// assert_eq!(ALL, [&SEATS, &SEARCH]);
/// ```
#[macro_export]
macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $operation:expr;)+) => {
        $(
            $(#[$doc])*
            #[doc = ""]
            #[doc = concat!("`", stringify!($operation), "`")]
            pub static $name: $crate::http::Operation = $operation;
        )+

        /// All of them.
        pub static ALL: &[&$crate::http::Operation] = &[$(&$name),+];
    };
}
