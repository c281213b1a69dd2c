//! The parameters of an operation: members of a JSON object, by exact name.

use super::fault::fault;
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// The body of a request. A name in another letter case is a name that nobody knows, and ignored as any such.
pub(super) struct Body(Json);

impl Body {
    pub(super) fn read(request: &SimRequest) -> Result<Self, SimAnswer> {
        if request.media_type().as_deref() != Some("application/json") {
            return Err(fault(
                400,
                "The incoming message has an unexpected message format.",
            ));
        }
        let json = Json::parse(&request.body_text()).ok();
        json.filter(|json| json.members().is_some())
            .map(Self)
            .ok_or_else(|| fault(400, "The body of the request is not a JSON object."))
    }

    /// A parameter; `null` is as good as none.
    fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn read_as<'a, T>(
        &'a self,
        name: &str,
        read: impl Fn(&'a Json) -> Option<T>,
    ) -> Result<Option<T>, SimAnswer> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| {
                fault(
                    400,
                    &format!("There was an error deserializing the parameter {name}."),
                )
            }),
        }
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, SimAnswer> {
        self.read_as(name, Json::integer)
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, SimAnswer> {
        Ok(self.read_as(name, Json::flag)?.unwrap_or(false))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, SimAnswer> {
        self.read_as(name, Json::text)
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<&Json>, SimAnswer> {
        self.read_as(name, |value| value.members().map(|_| value))
    }

    pub(super) fn list(&self, name: &str) -> Result<Option<&[Json]>, SimAnswer> {
        self.read_as(name, Json::items)
    }

    pub(super) fn needed<T>(name: &str, value: Option<T>) -> Result<T, SimAnswer> {
        value.ok_or_else(|| fault(500, &format!("The parameter {name} is required.")))
    }

    pub(super) fn needed_integer(&self, name: &str) -> Result<i64, SimAnswer> {
        Self::needed(name, self.integer(name)?)
    }

    pub(super) fn needed_text(&self, name: &str) -> Result<&str, SimAnswer> {
        Self::needed(name, self.text(name)?)
    }
}
