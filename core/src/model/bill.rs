//! The bills of a vendor.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

#[cfg(feature = "bills")]
use hmac_sha256::Hash as Sha256;
use serde::{Deserialize, Serialize};

#[cfg(feature = "bills")]
use super::Marker;
use super::{AgreementKey, CivilDate, CompanyId, ProductId, VendorAccountId};

/// Names one bill among those of an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillKey {
    /// The vendor's service that is billed. Not a service of a mapping: one bill may hold many.
    pub service: Arc<str>,
    /// The date of the bill.
    pub date: CivilDate,
}

impl BillKey {
    /// The bill of a service on a date.
    pub fn new(service: impl Into<Arc<str>>, date: CivilDate) -> Self {
        Self {
            service: service.into(),
            date,
        }
    }
}

impl fmt::Display for BillKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.service, self.date)
    }
}

/// Names the one charge that a bill of an account may become.
///
/// By the account, as each has bills of its own of one service and date. Not by the agreement's id: where a person moves a client to another agreement, a bill that was
/// charged on the old one is not charged again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct ChargeKey {
    /// The company that is charged.
    pub company: CompanyId,
    /// What is charged.
    pub product: ProductId,
    /// The vendor's account that got the bill.
    pub account: VendorAccountId,
    /// The bill.
    pub bill: BillKey,
    /// The key of the agreement, where it is found by one: what one subscription comes to. Without it, what all of the
    /// account come to.
    pub agreement: Option<AgreementKey>,
}

impl ChargeKey {
    /// The charge of an account's bill for a product.
    #[must_use]
    pub fn new(
        company: CompanyId,
        agreement: Option<&AgreementKey>,
        product: ProductId,
        account: VendorAccountId,
        bill: BillKey,
    ) -> Self {
        Self {
            company,
            product,
            account,
            bill,
            agreement: agreement.map(|key| AgreementKey::new(key.folded())),
        }
    }

    /// Whether one of two charges holds what the other does: both are of one bill, and of one agreement's key unless either
    /// is of none.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.is_of_bill(other)
            && (self.agreement.is_none()
                || other.agreement.is_none()
                || self.agreement == other.agreement)
    }

    /// Whether both are of one bill of an account, and of one product.
    fn is_of_bill(&self, other: &Self) -> bool {
        (&self.company, &self.product, &self.account, &self.bill)
            == (&other.company, &other.product, &other.account, &other.bill)
    }

    /// The marker that the charge carries in the PSA: the same in every run.
    #[cfg(feature = "bills")]
    #[must_use]
    pub fn marker(&self, source: &str) -> Marker {
        let agreement = self.agreement.as_ref().map_or("", AgreementKey::as_str);
        let date = self.bill.date.to_string();
        let parts = [
            source,
            self.company.as_str(),
            agreement,
            self.product.as_str(),
            self.account.as_str(),
            &self.bill.service,
            &date,
        ];
        let digest = digest_of(parts);
        Marker::new(format!("TL-{}", hex(&digest[..12])))
    }
}

/// A bill of a vendor for one of its services, as one account got it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Bill {
    /// Which one it is.
    pub key: BillKey,
    /// What it says, in the order of the texts: another content means that the vendor changed the bill.
    pub content: Vec<String>,
}

impl Bill {
    /// A bill that says these things, in any order.
    pub fn new<T: Into<String>>(key: BillKey, content: impl IntoIterator<Item = T>) -> Self {
        let mut content: Vec<String> = content.into_iter().map(Into::into).collect();
        content.sort_unstable();
        Self { key, content }
    }

    /// Its name with the hash of what it says.
    #[cfg(feature = "bills")]
    #[must_use]
    pub fn stamp(&self) -> BillStamp {
        BillStamp {
            key: self.key.clone(),
            digest: hex(&digest_of(self.content.iter().map(String::as_str))),
        }
    }
}

/// The SHA-256 of texts, each with its length, so that where one ends and the next begins is hashed as well.
#[cfg(feature = "bills")]
fn digest_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.len().to_string());
        hash.update([0]);
        hash.update(text);
    }
    hash.finalize()
}

#[cfg(feature = "bills")]
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A bill as it was once: by its name, and a hash of what it said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BillStamp {
    /// Which one it is.
    pub key: BillKey,
    /// A hash of what it said: another one means that the vendor changed the bill.
    pub digest: String,
}

/// The bills that were exported: all that they say has reached the PSA, or was decided on by a
/// person. By account, with the digest that each had then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExportedBills(
    BTreeMap<VendorAccountId, BTreeMap<Arc<str>, BTreeMap<CivilDate, String>>>,
);

impl ExportedBills {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a bill of an account; one of the same name is replaced.
    pub fn insert(&mut self, account: VendorAccountId, bill: BillStamp) {
        let services = self.0.entry(account).or_default();
        let dates = services.entry(bill.key.service).or_default();
        dates.insert(bill.key.date, bill.digest);
    }

    /// The digest that a bill had when it was exported; none where it was not.
    #[must_use]
    pub fn digest(&self, account: &VendorAccountId, key: &BillKey) -> Option<&str> {
        let dates = self.0.get(account)?.get(&key.service)?;
        dates.get(&key.date).map(String::as_str)
    }

    /// The date of the latest bill of a service that was exported.
    #[must_use]
    pub fn latest(&self, account: &VendorAccountId, service: &str) -> Option<CivilDate> {
        let dates = self.0.get(account)?.get(service)?;
        dates.last_key_value().map(|(date, _)| *date)
    }
}

impl<A: Into<VendorAccountId>> FromIterator<(A, BillStamp)> for ExportedBills {
    fn from_iter<I: IntoIterator<Item = (A, BillStamp)>>(bills: I) -> Self {
        let mut exported = Self::new();
        for (account, bill) in bills {
            exported.insert(account.into(), bill);
        }
        exported
    }
}

#[cfg(test)]
#[cfg(feature = "bills")]
mod tests {
    use super::*;

    fn bill(service: &str, date: &str, content: &[&str]) -> BillStamp {
        let key = BillKey::new(service, date.parse().unwrap());
        Bill::new(key, content.iter().copied()).stamp()
    }

    #[test]
    fn the_digest_is_of_what_a_bill_says_and_not_of_the_order() {
        let digest = |content: &[&str]| bill("csp", "2026-03-07", content).digest;
        assert_eq!(digest(&["a", "b"]), digest(&["b", "a"]));
        assert_ne!(digest(&["a", "b"]), digest(&["ab"]));
        assert_ne!(digest(&["a", "a"]), digest(&["a"]));
        // It stands in journals: SHA-256 of each text with its length before it.
        let of_two = "bc4979b0f7ba6d358139a869a3cf71967ec01e6679ee521f3c79d6bd0589bf92";
        assert_eq!(digest(&["a", "b"]), of_two);
    }

    #[test]
    fn a_charge_is_named_by_company_key_product_account_and_bill_and_by_its_source() {
        let bill = BillKey::new("azure", "2026-03-06".parse().unwrap());
        let upper = AgreementKey::new("SUB-1");
        let of = |agreement: Option<&AgreementKey>, product: &str, account: &str| {
            ChargeKey::new(
                "45".into(),
                agreement,
                product.into(),
                account.into(),
                bill.clone(),
            )
        };
        let key = |agreement: Option<&AgreementKey>, product: &str| of(agreement, product, "c-1");
        let marker = key(Some(&upper), "31").marker("cloudmore");
        assert_eq!(marker.as_str(), "TL-3b1bc58b13268a0e2de2522c");
        assert_eq!(key(Some(&"sub-1".into()), "31").marker("cloudmore"), marker);
        assert_ne!(key(None, "31").marker("cloudmore"), marker);
        assert_ne!(key(Some(&upper), "32").marker("cloudmore"), marker);
        assert_ne!(of(Some(&upper), "31", "c-2").marker("cloudmore"), marker);
        assert_ne!(key(Some(&upper), "31").marker("sherweb"), marker);
    }

    #[test]
    fn charges_of_one_bill_overlap_by_one_agreements_key_or_where_one_has_none() {
        let bill = BillKey::new("azure", "2026-03-06".parse().unwrap());
        let of = |account: &str, agreement: Option<&str>| {
            let agreement = agreement.map(AgreementKey::new);
            ChargeKey::new(
                "45".into(),
                agreement.as_ref(),
                "31".into(),
                account.into(),
                bill.clone(),
            )
        };
        let whole = of("c-1", None);
        let (one, other) = (of("c-1", Some("SUB-1")), of("c-1", Some("SUB-2")));
        assert!(whole.overlaps(&whole) && whole.overlaps(&one) && other.overlaps(&whole));
        assert!(one.overlaps(&of("c-1", Some("sub-1"))) && !one.overlaps(&other));
        assert!(!whole.overlaps(&of("c-2", None)) && !one.overlaps(&of("c-2", Some("SUB-1"))));
    }

    #[test]
    fn exported_bills_are_known_per_account_service_and_date() {
        let march = bill("csp", "2026-03-07", &["12"]);
        let february = bill("csp", "2026-02-07", &["11"]);
        let exported: ExportedBills = [
            ("o-1", march.clone()),
            ("o-1", february),
            ("o-2", bill("azure", "2026-03-25", &[])),
        ]
        .into_iter()
        .collect();
        let of = |account: &str, key: &BillKey| exported.digest(&account.into(), key);
        assert_eq!(of("o-1", &march.key), Some(march.digest.as_str()));
        assert_eq!(of("o-2", &march.key), None);
        let latest = |service: &str| exported.latest(&"o-1".into(), service);
        assert_eq!(latest("csp"), Some(march.key.date));
        assert_eq!(latest("azure"), None);
    }
}
