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
    /// What makes a created line recognisable again: derived from the plan's content.
    Marker
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_from_text_and_from_a_number() {
        let ids: Vec<CompanyId> = serde_json::from_str(r#"["45", 45]"#).unwrap();
        assert_eq!(ids, [CompanyId::new("45"), CompanyId::new("45")]);
        assert_eq!(serde_json::to_string(&ids[0]).unwrap(), r#""45""#);
    }
}
