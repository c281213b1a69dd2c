//! The connection check: what is missing, and what to do about it.

use tallyline_core::source::Identity;
use tallyline_core::{Error, ErrorKind, Result};

use super::lookup::ContractKey;
use super::{AutotaskSink, ContractSetup};
use crate::client::{AutotaskClient, CONNECTOR, operations};
use crate::models::{
    Access, EntityInfo, PicklistValue, ThresholdInformation, contract_type, use_type,
};
use crate::query::{Field, Query};

/// From this share of the tenant's threshold on, in per cent, there is a warning.
const BUSY_PERCENT: i64 = 75;

pub(super) async fn check(sink: &AutotaskSink) -> Result<Identity> {
    let client = sink.client();
    let threshold = client.threshold_information().await?;
    let zone = client.zone_url();
    let zone = zone
        .as_ref()
        .map_or("the lookup's host", |zone| zone.host());
    let mut findings = Findings {
        identity: Identity::new(format!("{} at {zone}", client.user_name())),
        rights: Vec::new(),
        settings: Vec::new(),
        first: None,
    };
    findings.verified("The credentials are good.");
    findings.threshold(&threshold);
    findings.reads(client).await?;
    findings.adjustments(client).await?;
    findings.key(sink).await?;
    findings.setup(client, &sink.0.setup).await?;
    findings.result()
}

/// What the check has come to so far.
struct Findings {
    identity: Identity,
    /// Rights that are missing.
    rights: Vec<String>,
    /// Settings that are wrong, each with what to do.
    settings: Vec<String>,
    /// The first refusal of the system.
    first: Option<Error>,
}

impl Findings {
    fn verified(&mut self, sentence: impl Into<String>) {
        self.identity.verified.push(sentence.into());
    }

    fn warn(&mut self, sentence: impl Into<String>) {
        self.identity.warnings.push(sentence.into());
    }

    fn threshold(&mut self, threshold: &ThresholdInformation) {
        let (Some(used), Some(allowed)) = (
            threshold.current_timeframe_request_count,
            threshold.external_request_threshold,
        ) else {
            return;
        };
        if used.saturating_mul(100) >= allowed.saturating_mul(BUSY_PERCENT) {
            self.warn(format!(
                "{used} of the tenant's {allowed} requests in the hour are used: over it, every \
                 integration is refused. Find out which one needs so many."
            ));
        }
    }

    /// The answer, unless the right to it is missing.
    fn allowed<T>(&mut self, answer: Result<T>, right: &str) -> Result<Option<T>> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                self.rights.push(right.to_owned());
                self.first.get_or_insert(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn reads(&mut self, client: &AutotaskClient) -> Result<()> {
        let recurring = Field::CONTRACT_TYPE.equals(contract_type::RECURRING_SERVICE);
        let counts = [
            (
                "companies",
                "read companies",
                client.count_companies(&Query::all()).await,
            ),
            (
                "recurring service contracts",
                "read contracts",
                client.count_contracts(&Query::matching(recurring)).await,
            ),
            (
                "services",
                "read services",
                client.count_services(&Query::all()).await,
            ),
            (
                "unit rows",
                "read the units of contract services",
                client.count_contract_service_units(&Query::all()).await,
            ),
        ];
        for (what, right, answer) in counts {
            match self.allowed(answer, right)? {
                None => {}
                Some(0) => self.warn(format!(
                    "No {what} are visible: if there are any, the security level hides them \
                     without an error. Give the API user the level API User (system), or a copy \
                     that sees all of them."
                )),
                Some(count) => self.verified(format!("{count} {what} can be read.")),
            }
        }
        Ok(())
    }

    /// The right to the one write.
    async fn adjustments(&mut self, client: &AutotaskClient) -> Result<()> {
        const RIGHT: &str = "create contract service adjustments";
        let info = client.adjustments_info().await;
        if let Some(info) = self.allowed(info, RIGHT)? {
            self.create(&info, RIGHT);
        }
        Ok(())
    }

    fn create(&mut self, info: &EntityInfo, right: &str) {
        let refused =
            info.can_create == Some(false) || info.user_access_for_create == Some(Access::None);
        if refused {
            self.rights.push(right.to_owned());
        } else {
            self.verified(format!("The user may {right}."));
        }
    }

    /// The field that contracts are recognised by.
    async fn key(&mut self, sink: &AutotaskSink) -> Result<()> {
        let ContractKey::UserDefinedField(name) = &sink.0.contract_key else {
            return Ok(());
        };
        let client = sink.client();
        let fields = client.user_defined_fields(&operations::CONTRACTS).await;
        let Some(fields) = self.allowed(fields, "read contracts")? else {
            return Ok(());
        };
        let Some(field) = fields
            .iter()
            .find(|field| field.name.as_deref() == Some(name))
        else {
            self.settings.push(format!(
                "contracts have no user-defined field named exactly {name:?}: an administrator adds \
                 it to contracts, of type Text (Single Line)"
            ));
            return Ok(());
        };
        let is_text = field.is_pick_list != Some(true)
            && field.field_type.as_deref().is_none_or(|kind| {
                let kind = kind.to_ascii_lowercase();
                kind.contains("string") || kind.contains("text")
            });
        if !is_text {
            self.settings.push(format!(
                "the user-defined field {name:?} of contracts is no text: an administrator makes it \
                 one of type Text (Single Line)"
            ));
        }
        if field.is_queryable == Some(false) {
            self.settings.push(format!(
                "the user-defined field {name:?} of contracts cannot be searched by: an \
                 administrator makes it one that is neither encrypted nor protected"
            ));
        }
        if !is_text || field.is_queryable == Some(false) {
            return Ok(());
        }
        self.verified(format!("Contracts have the user-defined field {name:?}."));
        let carried = Query::matching(Field::udf(name.clone())?.exists());
        let count = client.count_contracts(&carried).await;
        if let Some(count) = self
            .allowed(count, "read contracts")?
            .filter(|count| *count > 0)
        {
            self.warn(format!(
                "{count} contracts carry a value in {name:?}: if another billing sync has written \
                 them, switch it off first."
            ));
        }
        Ok(())
    }

    /// The ids that new contracts, services and charges get.
    async fn setup(&mut self, client: &AutotaskClient, setup: &ContractSetup) -> Result<()> {
        let codes = [
            (
                "service billing code",
                setup.service_billing_code,
                use_type::RECURRING_CONTRACT_SERVICE,
                "Recurring Contract Service Code",
            ),
            (
                "product billing code",
                setup.product_billing_code,
                use_type::MATERIAL,
                "Material Cost Code",
            ),
        ];
        for (what, id, wanted, label) in codes {
            if let Some(id) = id {
                self.code(client, what, id, wanted, label).await?;
            }
        }
        if let Some(id) = setup.service_level_agreement {
            self.agreement(client, id).await?;
        }
        Ok(())
    }

    async fn code(
        &mut self,
        client: &AutotaskClient,
        what: &str,
        id: i64,
        wanted: i64,
        label: &str,
    ) -> Result<()> {
        let code = match client.billing_code(id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.settings
                    .push(format!("the {what} {id} does not exist"));
                return Ok(());
            }
            answer => self.allowed(answer, "read billing codes")?,
        };
        let Some(code) = code else {
            return Ok(());
        };
        let name = code.name.as_deref().unwrap_or_default();
        if code.use_type.as_ref().is_none_or(|kind| *kind != wanted) {
            let kind = code.use_type.as_ref().map_or("none", PicklistValue::as_str);
            self.settings.push(format!(
                "the {what} {id} {name:?} is of use type {kind}: choose one of use type {wanted}, \
                 {label}"
            ));
        } else if code.is_active != Some(true) {
            self.settings.push(format!(
                "the {what} {id} {name:?} is not active: activate it, or choose another"
            ));
        } else {
            self.verified(format!("The {what} {id} is {name:?}."));
        }
        Ok(())
    }

    async fn agreement(&mut self, client: &AutotaskClient, id: i64) -> Result<()> {
        const FIELD: &str = "serviceLevelAgreementID";
        let list = client.picklist(&operations::CONTRACTS, FIELD).await;
        let list = match list {
            Err(error) if error.http().is_none() => {
                let what = error.message();
                self.settings
                    .push(format!("the service level agreement {id}: {what}"));
                return Ok(());
            }
            answer => self.allowed(answer, "read contracts")?,
        };
        let Some(list) = list else {
            return Ok(());
        };
        match list.entry(&id.into()) {
            None => self.settings.push(format!(
                "there is no service level agreement {id}: choose a value of the field {FIELD} of \
                 contracts"
            )),
            Some(entry) => {
                let label = entry.label.as_deref().unwrap_or_default();
                if entry.is_active == Some(false) {
                    self.settings.push(format!(
                        "the service level agreement {id} {label:?} is not active: choose another"
                    ));
                } else {
                    self.verified(format!("The service level agreement {id} is {label:?}."));
                }
            }
        }
        Ok(())
    }

    fn result(self) -> Result<Identity> {
        let (kind, message) = if !self.rights.is_empty() {
            let rights = self.rights.join("; ");
            (
                ErrorKind::PermissionDenied,
                format!("the API user's security level lacks the right to {rights}"),
            )
        } else if !self.settings.is_empty() {
            (ErrorKind::Config, self.settings.join("; "))
        } else {
            return Ok(self.identity);
        };
        let mut error = Error::new(kind, message).with_connector(CONNECTOR);
        if let Some(first) = self.first {
            if let Some(http) = first.http() {
                error = error.with_http(http.clone());
            }
            error = error.with_sent(first.sent()).with_source(first);
        }
        Err(error)
    }
}
