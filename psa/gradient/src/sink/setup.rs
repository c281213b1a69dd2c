//! The set-up of an integration: services, accounts and status, before anything is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use tallyline_core::model::{
    CompanyId, ProductId, Service, ServiceKey, VendorAccount, VendorAccountId,
};
use tallyline_core::{Error, ErrorKind, Result};

use super::{GradientSink, OnConnect};
use crate::client::CONNECTOR;
use crate::models::{Account, AccountUpdate, IntegrationStatus, NewAccount, NewService, Vendor};

/// What Gradient lacks of a vendor's accounts and services.
///
/// Reading it changes nothing; [`GradientSink::set_up`] makes what it lists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setup {
    /// The services to be made, by the vendor's keys.
    pub services: Vec<(ServiceKey, NewService)>,
    /// The accounts to be made.
    pub accounts: Vec<NewAccount>,
    /// The accounts that have another name by now: their ids, the old and the new name.
    pub renamed: Vec<(String, String, String)>,
    /// The status to be set, from which one.
    pub status: Option<(IntegrationStatus, IntegrationStatus)>,
    /// The name of each of the vendor's services in Gradient.
    names: BTreeMap<ServiceKey, String>,
    ids: Vec<String>,
}

impl Setup {
    /// Whether nothing is to be made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
            && self.accounts.is_empty()
            && self.renamed.is_empty()
            && self.status.is_none()
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |many: usize, one: &str| match many {
            1 => format!("1 {one}"),
            many => format!("{many} {one}s"),
        };
        write!(
            f,
            "{} and {} to be made, {} to be renamed",
            count(self.services.len(), "service"),
            count(self.accounts.len(), "account"),
            self.renamed.len()
        )?;
        match &self.status {
            Some((from, to)) => write!(f, ", and the status goes from {from} to {to}"),
            None => Ok(()),
        }
    }
}

/// What stands in Gradient after a set-up: for a mapping by ids, of one to one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MadeInSetup {
    /// The vendor's accounts, each with the company that it is in Gradient.
    pub accounts: Vec<(VendorAccountId, CompanyId)>,
    /// The vendor's services, each with the product that it is in Gradient.
    pub services: Vec<(ServiceKey, ProductId)>,
}

impl GradientSink {
    /// Compares a vendor's accounts and services with what Gradient has. Sends reads alone.
    ///
    /// Accounts are found by the vendor's own ids, services by their exact names: Gradient keeps no
    /// key of a service. Services of the vendor that share a name get their key into it.
    ///
    /// # Errors
    /// `Conflict` when two services in Gradient share a name that is wanted: which one is meant is
    /// for a person to say. And the errors of any read.
    pub async fn missing(&self, accounts: &[VendorAccount], services: &[Service]) -> Result<Setup> {
        let integration = self.client().integration().await?;
        let vendor = self.client().vendor().await?;
        let known = self.client().accounts().await?;
        let names = names_of(services);
        let mut missing = Vec::new();
        for (key, name) in &names {
            if id_of(&vendor, name)?.is_none() {
                let kinds = &self.0.kinds;
                let (category, subcategory) = kinds.by_service.get(key).unwrap_or(&kinds.default);
                let new = NewService::new(name.as_str(), category.clone(), subcategory.clone());
                missing.push((key.clone(), new));
            }
        }
        let (new, renamed) = compared(accounts, &known);
        Ok(Setup {
            services: missing,
            accounts: new,
            renamed,
            status: self.status_after(integration.status),
            names,
            ids: accounts
                .iter()
                .map(|account| account.id.to_string())
                .collect(),
        })
    }

    /// An active integration is never set back, and one that the MSP has disabled stays so.
    fn status_after(
        &self,
        now: IntegrationStatus,
    ) -> Option<(IntegrationStatus, IntegrationStatus)> {
        let to = match (self.0.on_connect, &now) {
            (OnConnect::Leave, _)
            | (_, IntegrationStatus::Active | IntegrationStatus::Disabled)
            | (OnConnect::Pending, IntegrationStatus::Pending) => return None,
            (OnConnect::Pending, _) => IntegrationStatus::Pending,
            (OnConnect::Active, _) => IntegrationStatus::Active,
        };
        Some((now, to))
    }

    /// Makes what is missing: services, then accounts, then the status. Each write is sent once; where
    /// its answer is lost, or says that something is there already, what is there is read, and what
    /// is not is an error: then [`missing`](Self::missing) is asked again.
    ///
    /// # Errors
    /// The error of the first write that did not come to what was wanted.
    ///
    /// # Cancel safety
    /// When the future is dropped, what was sent last may have been carried out.
    pub async fn set_up(&self, setup: &Setup) -> Result<MadeInSetup> {
        for (_, service) in &setup.services {
            self.make_service(service).await?;
        }
        self.make_accounts(&setup.accounts).await?;
        for (id, _, name) in &setup.renamed {
            let update = AccountUpdate::renamed(name.as_str());
            self.client().update_account(id, &update).await?;
        }
        if let Some((_, status)) = &setup.status {
            self.client().set_status(status).await?;
        }
        let vendor = self.client().vendor().await?;
        let mut made = MadeInSetup::default();
        for (key, name) in &setup.names {
            let id = id_of(&vendor, name)?.ok_or_else(|| absent("service", name))?;
            made.services.push((key.clone(), ProductId::new(id)));
        }
        let of_account = |id: &String| (id.as_str().into(), id.as_str().into());
        made.accounts = setup.ids.iter().map(of_account).collect();
        Ok(made)
    }

    async fn make_service(&self, service: &NewService) -> Result<()> {
        let vendor = match self.client().create_service(service).await {
            Ok(vendor) => vendor,
            Err(error) if may_be_there(&error) => {
                let vendor = self.client().vendor().await?;
                if id_of(&vendor, &service.name)?.is_none() {
                    return Err(error);
                }
                vendor
            }
            Err(error) => return Err(error),
        };
        match id_of(&vendor, &service.name)? {
            Some(_) => Ok(()),
            None => Err(absent("service", &service.name)),
        }
    }

    async fn make_accounts(&self, accounts: &[NewAccount]) -> Result<()> {
        if accounts.is_empty() {
            return Ok(());
        }
        let error = match self.client().create_accounts(accounts).await {
            Ok(_) => return Ok(()),
            Err(error) if may_be_there(&error) => error,
            Err(error) => return Err(error),
        };
        let known = self.client().accounts().await?;
        let ids: BTreeSet<&str> = known.iter().map(|account| account.id.as_str()).collect();
        let absent: Vec<NewAccount> = accounts
            .iter()
            .filter(|account| !ids.contains(account.id.as_str()))
            .cloned()
            .collect();
        // Refused as a whole because of one that is there: the others were not made.
        if absent.is_empty() {
            Ok(())
        } else if error.kind() == ErrorKind::Conflict && absent.len() < accounts.len() {
            self.client().create_accounts(&absent).await.map(|_| ())
        } else {
            Err(error)
        }
    }
}

/// Whether what was to be made may stand there all the same.
fn may_be_there(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict || error.may_have_been_applied()
}

fn absent(what: &str, name: &str) -> Error {
    let message = format!("the {what} {name:?} was made, and the answer does not show it");
    Error::new(ErrorKind::Protocol, message).with_connector(CONNECTOR)
}

/// The id of the service of a name.
fn id_of<'v>(vendor: &'v Vendor, name: &str) -> Result<Option<&'v str>> {
    let mut found = vendor.skus.iter().filter(|service| service.name == name);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(service), None) => match service.any_id() {
            Some(id) => Ok(Some(id)),
            None => Err(absent("service", name)),
        },
        (Some(_), Some(_)) => {
            let message = format!(
                "two services in Gradient are called {name:?}: rename the one that is not meant"
            );
            Err(Error::new(ErrorKind::Conflict, message).with_connector(CONNECTOR))
        }
    }
}

/// The name of each service in Gradient: its own, trimmed; with the key where others share it.
fn names_of(services: &[Service]) -> BTreeMap<ServiceKey, String> {
    let own = |service: &Service| match service.name.trim() {
        "" => service.key.to_string(),
        name => name.to_owned(),
    };
    let mut times: BTreeMap<String, BTreeSet<&ServiceKey>> = BTreeMap::new();
    for service in services {
        times.entry(own(service)).or_default().insert(&service.key);
    }
    let name = |service: &Service| {
        let name = own(service);
        let shared = times.get(&name).is_some_and(|keys| keys.len() > 1);
        let name = if shared {
            format!("{name} ({})", service.key)
        } else {
            name
        };
        (service.key.clone(), name)
    };
    services.iter().map(name).collect()
}

type Renamed = (String, String, String);

/// The accounts that are missing, and those that have another name by now.
fn compared(accounts: &[VendorAccount], known: &[Account]) -> (Vec<NewAccount>, Vec<Renamed>) {
    let known: BTreeMap<&str, &Account> = known
        .iter()
        .map(|account| (account.id.as_str(), account))
        .collect();
    let (mut new, mut renamed) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for account in accounts.iter().filter(|account| seen.insert(&account.id)) {
        match known.get(account.id.as_str()) {
            None => new.push(NewAccount::new(account.id.as_str(), account.name.as_str())),
            Some(old) if old.name == account.name => {}
            Some(old) => renamed.push((old.id.clone(), old.name.clone(), account.name.clone())),
        }
    }
    (new, renamed)
}
