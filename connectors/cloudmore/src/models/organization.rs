//! `R/Organizations`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Json, Object, Record};

/// A client of the reseller: an account in the words of this project.
///
/// The names of its fields are those of the one body that the vendor documents (create and
/// update); that the reads give the same is inferred. Everything that came is kept in `record`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Organization {
    /// The id, a GUID.
    pub id: String,
    /// The name.
    pub name: Option<String>,
    /// The company's registration number.
    pub registration_number: Option<String>,
    /// The VAT number.
    pub vat: Option<String>,
    /// The reseller's own number for the client.
    pub customer_number: Option<String>,
    /// Where notifications go.
    pub notification_email: Option<String>,
    /// Everything that came.
    pub record: Record,
}

impl<'de> Deserialize<'de> for Organization {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record = Record::deserialize(deserializer)?;
        let fields = record.fields();
        let id = match fields.get("id") {
            Some(Json::Text(id)) if !id.trim().is_empty() => id.trim().to_owned(),
            _ => {
                return Err(serde::de::Error::custom(
                    "id: an organization without an id",
                ));
            }
        };
        let text = |name: &str| optional_text(fields, name).map_err(serde::de::Error::custom);
        Ok(Self {
            id,
            name: text("name")?,
            registration_number: text("registrationNumber")?,
            vat: text("vat")?,
            customer_number: text("customerNumber")?,
            notification_email: text("notificationEmail")?,
            record,
        })
    }
}

impl Serialize for Organization {
    /// Everything that came.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.record.serialize(serializer)
    }
}

/// A text that may be absent, null or blank, and nothing else.
fn optional_text(fields: &Object, name: &str) -> Result<Option<String>, String> {
    match fields.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(_) | Json::Number(_)) => Ok(fields.text(name)),
        Some(_) => Err(format!("{name}: neither a text nor a number")),
    }
}

/// The contact person of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Contact {
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The mobile number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell_phone: Option<String>,
}

/// The value of a custom property of an organization. Its form on the wire is inferred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomPropertyValue {
    /// The property's name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl CustomPropertyValue {
    /// A value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// What a new organization is created with, or what of an organization is changed: an absent field
/// is not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OrganizationBody {
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The company's registration number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_number: Option<String>,
    /// The VAT number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat: Option<String>,
    /// The contact person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// The reseller's own number for the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_number: Option<String>,
    /// Where notifications go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_email: Option<String>,
    /// Values of custom properties. The member's name and form are inferred.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_properties: Vec<CustomPropertyValue>,
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[test]
    fn an_organization_keeps_what_no_document_names() {
        let text = r#"{"id":"o-1","name":"Fern Clinic","vat":null,"customerNumber":17,"newer":{"deep":[1.50]}}"#;
        let organization: Organization = decode_json(text.as_bytes()).unwrap();
        assert_eq!(organization.name.as_deref(), Some("Fern Clinic"));
        assert_eq!(organization.vat, None);
        assert_eq!(organization.customer_number.as_deref(), Some("17"));
        assert_eq!(serde_json::to_string(&organization).unwrap(), text);
    }

    #[test]
    fn an_organization_without_an_id_is_refused_by_its_path() {
        for wrong in [
            r#"{"name":"x"}"#,
            r#"{"id":" "}"#,
            r#"{"id":null}"#,
            r#"{"id":7}"#,
            "[]",
        ] {
            let json = format!(r#"[{{"id":"o-1"}},{wrong}]"#);
            let error = decode_json::<Vec<Organization>>(json.as_bytes()).unwrap_err();
            assert_eq!(error.json_path(), Some("[1]"), "{wrong}");
        }
    }

    #[test]
    fn only_what_is_set_is_sent() {
        let body = OrganizationBody {
            custom_properties: vec![CustomPropertyValue::new("AutotaskCompanyID", "29")],
            ..OrganizationBody::default()
        };
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"customProperties":[{"name":"AutotaskCompanyID","value":"29"}]}"#
        );
    }
}
