//! List calls: what to ask for, and the stream of records.

use tallyline_core::http::{Records, Request};
use tallyline_core::{Error, ErrorKind, Result};

use super::paging::PagingStyle;
use crate::conditions::{Condition, Field, encoded_len};

/// The direction of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}

/// What to ask a list call for.
///
/// ```
/// use tallyline_connectwise::conditions::Field;
/// use tallyline_connectwise::ListOptions;
///
/// let open = ListOptions {
///     conditions: Some(Field::CANCELLED_FLAG.equals(false)),
///     page_size: Some(250),
///     ..ListOptions::default()
/// };
/// ```
#[derive(Clone, Debug, Default)]
pub struct ListOptions {
    /// The filter.
    pub conditions: Option<Condition>,
    /// A filter on the fields of child lists. `in` is not allowed.
    pub child_conditions: Option<Condition>,
    /// A filter on custom fields, by [`Field::CAPTION`] and [`Field::VALUE`]. `in` is not allowed.
    pub custom_field_conditions: Option<Condition>,
    /// The order; by id when empty. Not allowed with forward-only paging.
    pub order_by: Vec<(Field, Direction)>,
    /// The fields to answer; all when empty. The id is always asked for.
    pub fields: Vec<Field>,
    /// Records per page, 1 to 1000; the client's own when absent.
    pub page_size: Option<u16>,
    /// The paging style; the client's own when absent.
    pub paging: Option<PagingStyle>,
}

impl ListOptions {
    /// Records that match a filter.
    #[must_use]
    pub fn matching(conditions: Condition) -> Self {
        Self {
            conditions: Some(conditions),
            ..Self::default()
        }
    }

    /// The query parameters beside paging.
    pub(crate) fn query(&self, style: PagingStyle) -> Result<Vec<(&'static str, String)>> {
        let config = |message: &str| Error::new(ErrorKind::Config, message);
        for condition in [&self.child_conditions, &self.custom_field_conditions] {
            if condition.as_ref().is_some_and(Condition::has_list) {
                return Err(config("`in` is allowed in `conditions` only"));
            }
        }
        let mut query = Vec::new();
        for (name, condition) in [
            ("conditions", &self.conditions),
            ("childConditions", &self.child_conditions),
            ("customFieldConditions", &self.custom_field_conditions),
        ] {
            query.extend(condition.as_ref().map(|found| (name, found.to_string())));
        }
        match (style, self.order_by.is_empty()) {
            (PagingStyle::Navigable, true) => query.push(("orderBy", "id asc".to_owned())),
            (PagingStyle::Navigable, false) => query.push(("orderBy", self.order())),
            (PagingStyle::ForwardOnly, true) => {}
            (PagingStyle::ForwardOnly, false) => {
                return Err(config("forward-only paging takes no order: it is by id"));
            }
        }
        if !self.fields.is_empty() {
            let mut fields: Vec<&str> = self.fields.iter().map(Field::as_str).collect();
            if !fields.contains(&"id") {
                fields.insert(0, "id");
            }
            query.push(("fields", fields.join(",")));
        }
        Ok(query)
    }

    fn order(&self) -> String {
        let parts: Vec<String> = self
            .order_by
            .iter()
            .map(|(field, direction)| match direction {
                Direction::Ascending => format!("{field} asc"),
                Direction::Descending => format!("{field} desc"),
            })
            .collect();
        parts.join(", ")
    }

    /// How much of the URL the query takes, paging included.
    pub(crate) fn encoded_len(&self, style: PagingStyle) -> Result<usize> {
        const PAGING: usize = "&pageSize=1000&pageId=9223372036854775807".len();
        let pairs = self.query(style)?;
        let query: usize = pairs
            .iter()
            .map(|(name, value)| name.len() + 2 + encoded_len(value))
            .sum();
        Ok(query + PAGING)
    }
}

/// Adds query parameters to a request.
pub(crate) fn with_query(mut request: Request, query: &[(&'static str, String)]) -> Request {
    for (name, value) in query {
        request = request.query(name, value);
    }
    request
}

/// The records of a list call, page by page as they are asked for.
pub type List<T> = Records<T>;
