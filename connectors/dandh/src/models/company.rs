//! `GetCompanies`, `GetCompany`, `GetResellers`, `GetReseller`, `GetCompanyByVatId`,
//! `GetDepartments`.

use serde::{Deserialize, Serialize};
use tallyline_core::wire::null_as_empty;

use super::{AccountState, id, id_opt, text_opt, word_opt};

/// A company or reseller: an account of the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Company {
    /// The account's id. It is not the "Numeric ID" of the portal.
    #[serde(deserialize_with = "id")]
    pub account_id: i64,
    /// The account above it.
    #[serde(default, deserialize_with = "id_opt")]
    pub parent_account_id: Option<i64>,
    /// Whether it is active.
    #[serde(default, deserialize_with = "word_opt")]
    pub account_state: Option<AccountState>,
    /// The name to show. Not unique.
    #[serde(default, deserialize_with = "text_opt")]
    pub company_name: Option<String>,
    /// The VAT id.
    #[serde(default, rename = "VATID", deserialize_with = "text_opt")]
    pub vat_id: Option<String>,
    /// Its domains.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub domain: Vec<Option<String>>,
    /// When its billing started, as it was written.
    #[serde(default, deserialize_with = "text_opt")]
    pub billing_start_date: Option<String>,
    /// The reseller's contract number.
    #[serde(default, deserialize_with = "text_opt")]
    pub contract_id: Option<String>,
    /// The "Numeric ID" of the portal.
    #[serde(default, deserialize_with = "text_opt")]
    pub customer_id: Option<String>,
    /// The ISO code of its currency.
    #[serde(default, deserialize_with = "text_opt")]
    pub currency: Option<String>,
    /// The country's name, not its code.
    #[serde(default, deserialize_with = "text_opt")]
    pub country: Option<String>,
    /// The state, on hosts in the US.
    #[serde(default, deserialize_with = "text_opt")]
    pub state: Option<String>,
    /// What kind of account it is, such as `Company` or `Reseller`.
    #[serde(default, deserialize_with = "text_opt")]
    pub account_type: Option<String>,
}

/// A part of a company.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Department {
    /// The account's id.
    #[serde(deserialize_with = "id")]
    pub account_id: i64,
    /// The account above it.
    #[serde(default, deserialize_with = "id_opt")]
    pub parent_account_id: Option<i64>,
    /// Whether it is active.
    #[serde(default, deserialize_with = "word_opt")]
    pub account_state: Option<AccountState>,
    /// The name to show.
    #[serde(default, deserialize_with = "text_opt")]
    pub department_name: Option<String>,
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[test]
    fn a_company_reads_as_the_vendor_writes_it_and_with_members_nobody_knows() {
        let company: Company = decode_json(
            br#"{"ParentAccountId":410022,"AccountId":410977,"AccountState":"Active","CompanyName":"Maple Dental LLC",
              "VATID":"","Domain":["mapledental.example"],"BillingStartDate":"2023-05-02T08:14:07.31","ContractId":"",
              "CustomerId":"2004411","Currency":"USD","Country":"United States","AccountType":"Company","BankDetails":{"a":[1]}}"#,
        )
        .unwrap();
        assert_eq!(company.account_id, 410_977);
        assert_eq!(company.company_name.as_deref(), Some("Maple Dental LLC"));
        assert_eq!(company.account_state, Some(AccountState::Active));
        assert_eq!(company.vat_id, None);
    }

    #[test]
    fn names_are_exact_and_a_company_without_its_id_is_refused_by_its_path() {
        for json in [
            r#"[{"accountId":1,"CompanyName":"x"}]"#,
            r#"[{"CompanyName":"x"}]"#,
            r#"[{"AccountId":null}]"#,
        ] {
            let error = decode_json::<Vec<Company>>(json.as_bytes()).unwrap_err();
            assert!(error.json_path().unwrap().starts_with("[0]"), "{error}");
        }
        let cased: Company = decode_json(br#"{"AccountId":1,"companyName":"x"}"#).unwrap();
        assert_eq!(cased.company_name, None);
    }
}
