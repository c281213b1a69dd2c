//! Ids: opaque texts, one type for each thing they name.

/// Defines an opaque text id. Cloning shares the text.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The id from its text, kept as it is.
            pub fn new(text: impl Into<std::sync::Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), &*self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
                Ok(Self::new(text))
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                $crate::wire::text_or_number(deserializer).map(Self::new)
            }
        }
    };
}

text_id! {
    /// An account at a vendor: the client as the vendor names it.
    VendorAccountId
}
text_id! {
    /// A SKU, offer or metered property at a vendor.
    ServiceKey
}
text_id! {
    /// A subscription at a vendor.
    SubscriptionId
}
text_id! {
    /// The stable key of one usage line.
    LineKey
}
text_id! {
    /// A company in a PSA: the client as the PSA names it.
    CompanyId
}
text_id! {
    /// An agreement or contract in a PSA.
    AgreementId
}
text_id! {
    /// What an agreement is recognised by: the subscription or the service that it is for.
    AgreementKey
}
text_id! {
    /// A charge of a PSA: what is billed once.
    ChargeId
}
text_id! {
    /// A product or service of a PSA's catalogue.
    ProductId
}
text_id! {
    /// A line (addition, contract service) of an agreement.
    AgreementLineId
}
text_id! {
    /// A change of a plan, unique in the plan and the same for the same intent.
    ChangeId
}
text_id! {
    /// A plan: the hash of its content.
    PlanId
}
text_id! {
    /// One carrying out of a plan.
    RunId
}
text_id! {
    /// What makes a created line recognisable again: derived from the plan's content.
    Marker
}

/// What the id of an agreement begins with where it is a key, and no id of the PSA.
const KEY: &str = "key:";

/// What it begins with where it stands for a company's account at a vendor.
const ACCOUNT_OF: &str = "account-of:";

/// What it begins with where it stands for a product of the catalogue.
const PRODUCT: &str = "product:";

impl AgreementId {
    /// The id of the agreement that carries a key, whether it is there yet or not.
    ///
    /// A plan names an agreement that is found by its key so, from the change that creates it on:
    /// all work on it, in every run, shares one id, one order and one lease. The sink looks it up.
    #[must_use]
    pub fn of_key(key: &AgreementKey) -> Self {
        Self::new(format!("{KEY}{key}"))
    }

    /// The key, where the id is one.
    #[must_use]
    pub fn key(&self) -> Option<AgreementKey> {
        self.as_str().strip_prefix(KEY).map(AgreementKey::new)
    }

    /// What stands in the place of an agreement where a change is about a company's account at a
    /// vendor: all work on it, in every run, shares one order and one lease.
    #[must_use]
    pub fn of_account(company: &CompanyId) -> Self {
        Self::new(format!("{ACCOUNT_OF}{company}"))
    }

    /// What stands in the place of an agreement where a change is about a product of the catalogue: all
    /// work on its identifier, in every run, shares one order and one lease.
    #[must_use]
    pub fn of_product(identifier: &str) -> Self {
        Self::new(format!("{PRODUCT}{}", identifier.to_ascii_uppercase()))
    }
}

#[cfg(feature = "sink")]
impl Marker {
    /// The marker of a change, which is its id.
    pub(crate) fn of_change(id: &ChangeId) -> Self {
        Self(std::sync::Arc::clone(&id.0))
    }
}

impl AgreementKey {
    /// Whether two keys mean one agreement: the blanks around them and the case of letters do
    /// not count, for people copy them by hand.
    #[must_use]
    pub fn is_same(&self, other: &str) -> bool {
        self.as_str().trim().eq_ignore_ascii_case(other.trim())
    }

    /// The key as it is compared.
    pub(crate) fn folded(&self) -> String {
        self.as_str().trim().to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agreement_is_named_by_its_key_where_it_is_found_by_one() {
        let key = AgreementKey::new("A1B2C3D4-0000-4000-8000-000000000001");
        let id = AgreementId::of_key(&key);
        assert_eq!(id.key(), Some(key.clone()));
        assert_eq!(AgreementId::new("50012345").key(), None);
        assert!(key.is_same(" a1b2c3d4-0000-4000-8000-000000000001"));
        assert!(!key.is_same("a1b2c3d4-0000-4000-8000-000000000002"));
    }

    #[test]
    fn an_id_reads_from_text_and_from_a_number() {
        let ids: Vec<CompanyId> = serde_json::from_str(r#"["45", 45]"#).unwrap();
        assert_eq!(ids, [CompanyId::new("45"), CompanyId::new("45")]);
        assert_eq!(serde_json::to_string(&ids[0]).unwrap(), r#""45""#);
    }
}
