//! Customers and resellers.

use serde::{Deserialize, Serialize};
use tallyline_core::wire::{non_empty, null_as_empty};

use super::{Attributes, attributes, id, id_opt};

tallyline_core::wire_enum! {
    /// The status of a customer or reseller.
    pub enum PartyStatus {
        /// Not ready yet.
        Pending = "pending",
        /// In order.
        Active = "active",
        /// Held for its credit.
        CreditHold = "creditHold",
        /// Held by an administrator.
        AdminHold = "adminHold",
        /// Given up.
        Cancelled = "cancelled",
        /// Gone wrong.
        Error = "error",
    }
}

tallyline_core::wire_enum! {
    /// What a contact person is for.
    pub enum ContactType {
        /// Everything.
        Admin = "admin",
        /// Invoices.
        Billing = "billing",
        /// Technique.
        Technical = "technical",
    }
}

/// An address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Address {
    /// Street and number.
    #[serde(
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub street_address: Option<String>,
    /// What stands after it.
    #[serde(
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub address_extension: Option<String>,
    /// The postal code.
    #[serde(
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub postal_code: Option<String>,
    /// The city.
    #[serde(
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub city: Option<String>,
    /// The state.
    #[serde(
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub state: Option<String>,
    /// The country by ISO 3166, two capitals.
    #[serde(
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub country_code: Option<String>,
}

impl Address {
    /// An address with what the vendor requires of a new one.
    pub fn new(
        street_address: impl Into<String>,
        postal_code: impl Into<String>,
        city: impl Into<String>,
        country_code: impl Into<String>,
    ) -> Self {
        Self {
            street_address: Some(street_address.into()),
            postal_code: Some(postal_code.into()),
            city: Some(city.into()),
            country_code: Some(country_code.into()),
            ..Self::default()
        }
    }
}

/// A contact person. What signs one in is never read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ContactPerson {
    /// What the person is for.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<ContactType>,
    /// The first name.
    #[serde(
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub first_name: Option<String>,
    /// The last name.
    #[serde(
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_name: Option<String>,
    /// The address of the mail.
    #[serde(
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub email: Option<String>,
    /// Digits with `#` between country, area, number and extension.
    #[serde(
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub phone_number: Option<String>,
}

impl ContactPerson {
    /// A person with what the vendor requires of a new one.
    pub fn new(
        kind: ContactType,
        first_name: impl Into<String>,
        last_name: impl Into<String>,
        email: impl Into<String>,
        phone_number: impl Into<String>,
    ) -> Self {
        Self {
            kind: Some(kind),
            first_name: Some(first_name.into()),
            last_name: Some(last_name.into()),
            email: Some(email.into()),
            phone_number: Some(phone_number.into()),
        }
    }
}

/// A customer, as lists and single reads give it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Customer {
    /// The id.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The reseller's own id of it.
    #[serde(default, deserialize_with = "id_opt")]
    pub external_id: Option<String>,
    /// Names and values.
    #[serde(default, deserialize_with = "attributes")]
    pub attributes: Attributes,
    /// The status.
    #[serde(default)]
    pub status: Option<PartyStatus>,
    /// The company's name.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The address.
    #[serde(default)]
    pub address: Option<Address>,
    /// The contact persons.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub contact_persons: Vec<ContactPerson>,
    /// The language.
    #[serde(default, deserialize_with = "non_empty")]
    pub language: Option<String>,
    /// The tax registration.
    #[serde(default, deserialize_with = "id_opt")]
    pub tax_reg_id: Option<String>,
    /// The reseller that owns it.
    #[serde(default, deserialize_with = "id_opt")]
    pub reseller_id: Option<String>,
}

/// A reseller: the caller's own, or one below it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Reseller {
    /// The id.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The id of it above.
    #[serde(default, deserialize_with = "id_opt")]
    pub external_id: Option<String>,
    /// The status.
    #[serde(default)]
    pub status: Option<PartyStatus>,
    /// The name.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The currency that it is charged in.
    #[serde(default, deserialize_with = "non_empty")]
    pub currency: Option<String>,
    /// Who taxes it.
    #[serde(default, deserialize_with = "non_empty")]
    pub taxation_provider_name: Option<String>,
    /// Its class of customer.
    #[serde(default, deserialize_with = "non_empty")]
    pub customer_class: Option<String>,
}

/// A customer to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewCustomer {
    /// The company's name.
    pub name: String,
    /// The language.
    pub language: String,
    /// The address.
    pub address: Address,
    /// The contact persons.
    pub contact_persons: Vec<ContactPerson>,
    /// The reseller's own id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The tax registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_reg_id: Option<String>,
}

impl NewCustomer {
    /// A customer with what the vendor requires.
    pub fn new(
        name: impl Into<String>,
        language: impl Into<String>,
        address: Address,
        contact_persons: Vec<ContactPerson>,
    ) -> Self {
        Self {
            name: name.into(),
            language: language.into(),
            address,
            contact_persons,
            external_id: None,
            tax_reg_id: None,
        }
    }
}

/// What is to be changed of a customer; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerUpdate {
    /// The company's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The reseller's own id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The tax registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_reg_id: Option<String>,
    /// The status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<PartyStatus>,
    /// The address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The contact persons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_persons: Option<Vec<ContactPerson>>,
}
