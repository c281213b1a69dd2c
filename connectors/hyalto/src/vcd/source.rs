//! The vendor source: from organisations and what they have to readings.

mod inventory;
mod lines;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use tallyline_core::http::Records;
use tallyline_core::model::{
    AccountReading, Basis, ReadFailure, Service, Timestamp, VendorAccount,
};
use tallyline_core::source::{Identity, SourceDescriptor, UsageRequest, VendorSource};
use tallyline_core::{Error, ErrorKind, Result};

use self::lines::{all_services, policy_services};
pub use self::settings::{
    Granularity, OrgReference, PoweredOff, StorageLines, VcdBasis, VcdProperty, VcdSource,
    VcdSourceBuilder, VcdUnits,
};
use super::contract::{self, CONNECTOR, config};
use super::filter::Filter;
use super::models::{OrgRecord, uuid_of};
use super::operations;

/// An organisation that is an account.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Org {
    uuid: String,
    record: OrgRecord,
}

impl Org {
    /// The name to show.
    fn name(&self) -> &str {
        let names = [&self.record.display_name, &self.record.name];
        let name = names.into_iter().find_map(Option::as_deref);
        name.unwrap_or(&self.uuid)
    }
}

#[async_trait]
impl VendorSource for VcdSource {
    fn descriptor(&self) -> &SourceDescriptor {
        self.source_descriptor()
    }

    async fn check(&self) -> Result<Identity> {
        let client = self.client();
        let warning = self.check_version().await?;
        let session = client.current_session().await?;
        let named = |own: Option<super::models::EntityReference>| own.and_then(|own| own.name);
        let user = named(session.user).unwrap_or_else(|| "somebody".to_owned());
        let org = named(session.org).unwrap_or_else(|| client.org().to_owned());
        let mut identity = Identity::new(format!("{user} of {org}"));
        identity.version = Some(client.api_version().to_owned());
        identity.warnings.extend(warning);
        let mut orgs = self.orgs();
        let first = orgs.next().await.transpose()?;
        identity
            .verified
            .push("organisations can be listed".to_owned());
        if let Some(org) = first {
            let observed = self.observe(&org).await;
            observed.map_err(|error| error.with_context("account", org.name()))?;
            identity
                .verified
                .push("what the first organisation has can be read".to_owned());
        }
        Ok(identity)
    }

    fn accounts(&self) -> BoxStream<'_, Result<VendorAccount>> {
        self.orgs()
            .map_ok(|org| {
                VendorAccount::new(org.uuid.as_str(), org.name())
                    .with_suspended(org.record.is_enabled == Some(false))
            })
            .boxed()
    }

    /// What the settings make services of. Nothing is asked for it, but for the storage policies where each is a service.
    fn services(&self) -> BoxStream<'_, Result<Service>> {
        let fixed = all_services(self);
        let by_policy = self.storage() == StorageLines::ByPolicy
            && self.reads(VcdProperty::Storage)
            && self.all_granularities().any(Granularity::has_vdcs);
        if !by_policy {
            return stream::iter(fixed.into_iter().map(Ok)).boxed();
        }
        stream::once(self.read_policy_services(fixed))
            .map_ok(stream::iter)
            .try_flatten()
            .boxed()
    }

    fn usage<'a>(&'a self, request: &'a UsageRequest) -> BoxStream<'a, Result<AccountReading>> {
        self.orgs()
            .filter(|org| {
                let wanted = match org {
                    Ok(org) => request.wants(&org.uuid.as_str().into()),
                    Err(_) => true,
                };
                std::future::ready(wanted)
            })
            .map(move |org| async move { self.reading(&org?, request.now).await })
            .buffered(self.client().concurrency())
            .boxed()
    }
}

impl VcdSource {
    /// Refuses a version that the server does not offer, and says what it offers. A warning where it is to be given up, or
    /// where the server does not tell.
    async fn check_version(&self) -> Result<Option<String>> {
        let wanted = self.client().api_version();
        let offered = match self.client().versions().await {
            Ok(offered) => offered.version_info,
            Err(error) if error.kind() == ErrorKind::Protocol => {
                return Ok(Some(format!(
                    "which versions the server offers could not be read ({error}): see to it that {wanted} is one of them"
                )));
            }
            Err(error) => return Err(error),
        };
        match offered.iter().find(|own| own.version == wanted) {
            Some(own) if own.deprecated == Some(true) => Ok(Some(format!(
                "the server is to give up version {wanted} of its API: set a later one"
            ))),
            Some(_) => Ok(None),
            None => {
                let offered: Vec<&str> = offered.iter().map(|own| own.version.as_str()).collect();
                Err(config(format!(
                    "the server does not offer version {wanted} of its API: it offers {}",
                    offered.join(", ")
                ))
                .with_operation(operations::VERSIONS.name))
            }
        }
    }

    /// The organisations that are accounts, each once; a record that cannot be read is an error in its place.
    fn orgs(&self) -> BoxStream<'_, Result<Org>> {
        let filter = if self.client().is_system() {
            Filter::new().is_not("name", "System")
        } else {
            Filter::new().is("name", self.client().org())
        };
        let orgs = self.client().organizations(&filter);
        let seen: BTreeMap<String, OrgRecord> = BTreeMap::new();
        stream::try_unfold(
            (orgs, seen, false),
            move |(mut orgs, mut seen, over)| async move {
                if over {
                    return Ok(None);
                }
                while let Some(record) = orgs.next_item().await {
                    let Some(org) = self.account(record)? else {
                        continue;
                    };
                    match seen.insert(org.uuid.clone(), org.record.clone()) {
                        Some(known) if known == org.record => {}
                        Some(_) => {
                            let why = format!(
                                "organisation {} is listed twice, and differently",
                                org.uuid
                            );
                            return Err(self.refuse_orgs(why));
                        }
                        None => return Ok(Some((org, (orgs, seen, false)))),
                    }
                }
                if !self.client().is_system() && seen.len() != 1 {
                    return Err(self.refuse_orgs(format!(
                        "{} organisations are named {}: one was to be",
                        seen.len(),
                        self.client().org()
                    )));
                }
                Ok(None)
            },
        )
        .boxed()
    }

    fn refuse_orgs(&self, why: impl Into<String>) -> Error {
        Error::new(ErrorKind::Protocol, why)
            .with_connector(CONNECTOR)
            .with_operation(operations::QUERY_ORGANIZATIONS.name)
    }

    /// The account that an organisation is; the provider's own is none, and to a tenant no other one is.
    fn account(&self, record: Result<OrgRecord>) -> Result<Option<Org>> {
        let record = record?;
        let name = record.name.as_deref().unwrap_or_default();
        let is_account = match self.client().is_system() {
            true => !contract::is_system(name),
            false => name.to_lowercase() == self.client().org().to_lowercase(),
        };
        if !is_account {
            return Ok(None);
        }
        match uuid_of(&record.href) {
            Some(uuid) => Ok(Some(Org { uuid, record })),
            None => Err(self.refuse_orgs(format!(
                "the address of organisation {name:?} has no UUID at its end"
            ))),
        }
    }

    /// One account. Refused credentials concern them all and are an error; anything else is a failed reading of this one.
    async fn reading(&self, org: &Org, now: Timestamp) -> Result<AccountReading> {
        match self.observe(org).await {
            Ok(observed) => Ok(observed.into_reading(&org.uuid, Basis::Live, now)),
            Err(error) if error.kind() == ErrorKind::Auth => Err(error),
            Err(error) => {
                let error = error.with_context("account", org.name());
                let failure = ReadFailure::from(&error);
                Ok(AccountReading::failed(
                    org.uuid.as_str(),
                    failure,
                    Basis::Live,
                    now,
                ))
            }
        }
    }

    /// The services that the settings make, with one for each storage policy that any virtual data centre has.
    async fn read_policy_services(
        &self,
        mut services: Vec<Service>,
    ) -> Result<Vec<Result<Service>>> {
        let mut keys: BTreeSet<_> = services.iter().map(|own| own.key.clone()).collect();
        let mut failures = Vec::new();
        let mut reads = self
            .orgs()
            .map(|org| async move {
                let org = org?;
                if !self.granularity_of(&org.uuid).has_vdcs() {
                    return Ok(Vec::new());
                }
                let policies = self.read_policies(&org).await;
                policies.map_err(|error| error.with_context("account", org.name()))
            })
            .buffered(self.client().concurrency());
        while let Some(read) = reads.next().await {
            match read {
                Ok(policies) => {
                    let found = policy_services(&policies);
                    services.extend(found.filter(|own| keys.insert(own.key.clone())));
                }
                Err(error) if error.kind() == ErrorKind::Auth => return Err(error),
                Err(error) => failures.push(Err(error)),
            }
        }
        Ok(services.into_iter().map(Ok).chain(failures).collect())
    }
}

/// All records of a list, each once by its key; the first that cannot be read is the error of the list.
async fn all<T, K: Ord + Clone>(
    mut records: Records<T>,
    key: impl Fn(&T) -> Result<K>,
    twice: impl Fn(&K) -> Error,
) -> Result<Vec<(K, T)>>
where
    T: serde::de::DeserializeOwned,
{
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    while let Some(record) = records.next_item().await {
        let record = record?;
        let key = key(&record)?;
        if !seen.insert(key.clone()) {
            return Err(twice(&key));
        }
        all.push((key, record));
    }
    Ok(all)
}
