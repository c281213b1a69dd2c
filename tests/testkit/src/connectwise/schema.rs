//! What an entity's members are, for conditions, projections and bodies alike.

use super::members;

/// The kind of a member.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Integer,
    Number,
    Flag,
    Date,
    /// Text of a maximal length; zero has no limit.
    Text(usize),
    /// One of a list of words.
    Choice(&'static [&'static str]),
    /// An object that refers to a record, with its members.
    Reference(&'static [&'static str]),
    /// An array, with the members of its items.
    Children(&'static [&'static str]),
    Info,
    CustomFields,
    /// Any scalar: the value of a custom field.
    Any,
}

/// One member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// Shorthand for the tables.
pub(crate) const fn m(name: &'static str, kind: Kind) -> Member {
    Member { name, kind }
}

/// One kind of record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entity {
    /// The type name in messages.
    pub(crate) name: &'static str,
    pub(crate) members: &'static [Member],
}

const fn entity(name: &'static str, members: &'static [Member]) -> Entity {
    Entity { name, members }
}

pub(crate) const COMPANY: Entity = entity("Company", members::COMPANY);
pub(crate) const COMPANY_INFO: Entity = entity("CompanyInfo", members::COMPANY_INFO);
pub(crate) const COMPANY_STATUS: Entity = entity("CompanyStatus", members::COMPANY_STATUS);
pub(crate) const COMPANY_TYPE: Entity = entity("CompanyType", members::COMPANY_TYPE);
pub(crate) const AGREEMENT: Entity = entity("Agreement", members::AGREEMENT);
pub(crate) const ADDITION: Entity = entity("Addition", members::ADDITION);
pub(crate) const AGREEMENT_TYPE: Entity = entity("AgreementType", members::AGREEMENT_TYPE);
pub(crate) const BILLING_CYCLE: Entity = entity("BillingCycle", members::BILLING_CYCLE);
pub(crate) const CATALOG_ITEM: Entity = entity("CatalogItem", members::CATALOG_ITEM);

/// A custom field, as the two other condition parameters see it.
pub(crate) const CUSTOM_FIELD: Entity = entity(
    "CustomFieldValue",
    &[
        m("id", Kind::Integer),
        m("caption", Kind::Text(0)),
        m("type", Kind::Text(0)),
        m("entryMethod", Kind::Text(0)),
        m("value", Kind::Any),
    ],
);

/// A member or a path into one, resolved: the names to walk and the kind at the end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resolved {
    pub(crate) path: Vec<&'static str>,
    pub(crate) kind: Kind,
}

impl Entity {
    /// A member by its exact name, as bodies and patches must write it.
    pub(crate) fn member(&self, name: &str) -> Option<&'static Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// Resolves a name or reference path, letter case ignored, as conditions and projections may write it.
    pub(crate) fn resolve(&self, path: &str) -> Option<Resolved> {
        if path.eq_ignore_ascii_case("lastUpdated") {
            return Some(Resolved {
                path: vec!["_info", "lastUpdated"],
                kind: Kind::Date,
            });
        }
        let mut parts = path.split('/');
        let first = parts.next()?;
        let member = self
            .members
            .iter()
            .find(|member| member.name.eq_ignore_ascii_case(first))?;
        let Some(sub) = parts.next() else {
            return Some(Resolved {
                path: vec![member.name],
                kind: member.kind,
            });
        };
        if parts.next().is_some() {
            return None;
        }
        let within = |names: &'static [&'static str]| {
            names
                .iter()
                .copied()
                .find(|name| name.eq_ignore_ascii_case(sub))
        };
        match member.kind {
            Kind::Reference(names) => {
                let name = within(names)?;
                Some(Resolved {
                    path: vec![member.name, name],
                    kind: kind_of_reference_member(name),
                })
            }
            Kind::Info => {
                let name = within(&["lastUpdated", "updatedBy", "dateEntered", "enteredBy"])?;
                let kind = if matches!(name, "lastUpdated" | "dateEntered") {
                    Kind::Date
                } else {
                    Kind::Text(0)
                };
                Some(Resolved {
                    path: vec![member.name, name],
                    kind,
                })
            }
            _ => None,
        }
    }

    /// Resolves `array/member` for child conditions.
    pub(crate) fn resolve_child(&self, path: &str) -> Option<Resolved> {
        let (array, sub) = path.split_once('/')?;
        let member = self
            .members
            .iter()
            .find(|member| member.name.eq_ignore_ascii_case(array))?;
        let Kind::Children(names) = member.kind else {
            return None;
        };
        let name = names
            .iter()
            .copied()
            .find(|name| name.eq_ignore_ascii_case(sub))?;
        Some(Resolved {
            path: vec![member.name, name],
            kind: kind_of_reference_member(name),
        })
    }

    pub(crate) fn has_custom_fields(&self) -> bool {
        self.members
            .iter()
            .any(|member| member.kind == Kind::CustomFields)
    }
}

fn kind_of_reference_member(name: &str) -> Kind {
    if name == "id" || name == "numberOfDecimals" {
        Kind::Integer
    } else if name.ends_with("Flag") || name == "rightAlign" {
        Kind::Flag
    } else {
        Kind::Text(0)
    }
}
