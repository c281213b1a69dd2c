//! The other direction: organizations for the companies of a PSA, as a sink that takes in accounts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use tallyline_core::error::Sent;
use tallyline_core::model::{
    Agreement, AgreementId, AgreementReading, Company, Product, Timestamp,
};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{
    AgreementFilter, MadeRecord, Receipt, SinkCapabilities, SinkDescriptor, Verdict, WriteError,
};
use tallyline_core::source::Identity;
use tallyline_core::{Error, ErrorKind, PsaSink, Result};

use crate::client::{CONNECTOR, CloudmoreClient, config};
use crate::fields::{FieldMap, NoProperties};
use crate::models::{CustomPropertyValue, Organization, OrganizationBody};
use crate::source::CloudmoreSource;

/// For how long it may stand which company an organization states that is in nobody's way.
const KNOWN_FOR: Duration = Duration::from_secs(10 * 60);

/// Organizations for the companies of a PSA: what carries out a plan of accounts
/// (`tallyline_core::plan::plan_accounts`).
///
/// An organization is created with its name and the custom property that states the company, or is given
/// the property and nothing else. It is found again by the property, else by exactly its name; where
/// that is not one and the same organization, nothing is written.
///
/// It is a [`PsaSink`] with nothing to list: no companies, no agreements, no lines. Cloning is cheap.
///
/// ```no_run
/// # async fn example(
/// #     source: tallyline_cloudmore::CloudmoreSource,
/// #     psa: Box<dyn tallyline_core::PsaSink>,
/// # ) -> tallyline_core::Result<()> {
/// use std::collections::BTreeSet;
///
/// use tallyline_cloudmore::CloudmoreAccounts;
/// use tallyline_core::PsaSink as _;
/// use tallyline_core::flow::accounts_plan;
/// use tallyline_core::model::Timestamp;
/// use tallyline_core::plan::Policy;
///
/// let accounts = CloudmoreAccounts::of(&source)?;
/// accounts.check().await?;
/// let (none, policy, now) = (BTreeSet::new(), Policy::default(), Timestamp::now());
/// let plan = accounts_plan(&*psa, &source, accounts.descriptor(), &none, &policy, now).await?;
/// println!("{}", plan.to_text()?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CloudmoreAccounts(Arc<Inner>);

struct Inner {
    source: CloudmoreSource,
    property: String,
    descriptor: SinkDescriptor,
    /// The companies that organizations state, by the organization's id in small letters.
    known: Mutex<BTreeMap<String, Stated>>,
}

/// The company that an organization stated, and when it was read.
#[derive(Clone)]
struct Stated {
    company: Option<String>,
    at: Timestamp,
}

/// An organization, as far as it decides.
struct Found {
    id: String,
    name: String,
    company: Option<String>,
}

impl CloudmoreAccounts {
    /// What takes in accounts where a source reads them: with its client, its field map and the custom
    /// property of its companies.
    ///
    /// # Errors
    /// `Config` when the source has no such property.
    pub fn of(source: &CloudmoreSource) -> Result<Self> {
        let property = source.company_property().ok_or_else(|| {
            config("without a custom property for the company, no organization can be found again")
        })?;
        let mut descriptor =
            SinkDescriptor::new(CONNECTOR, "Cloudmore", SinkCapabilities::default());
        let client = source.client();
        descriptor.tenant = Some(CloudmoreClient::tenant(
            client.reseller_id(),
            client.base_url(),
        ));
        descriptor.account_field = Some(property.to_owned());
        Ok(Self(Arc::new(Inner {
            source: source.clone(),
            property: property.to_owned(),
            descriptor,
            known: Mutex::default(),
        })))
    }

    fn client(&self) -> &CloudmoreClient {
        self.0.source.client()
    }

    fn map(&self) -> &FieldMap {
        self.0.source.field_map()
    }

    /// The organizations, each with the company that it states. Read anew are those of a name, of an id,
    /// those that stated the company when they were last read, and those not read within ten minutes.
    async fn organizations(&self, change: &Change, wanted: &Wanted<'_>) -> Result<Vec<Found>> {
        let now = self.client().clock().now();
        let records = self.0.source.known_organizations().await?;
        stream::iter(records)
            .map(|record| async move { self.found(record?, change, wanted, now).await })
            .buffered(self.client().concurrency())
            .try_collect()
            .await
    }

    async fn found(
        &self,
        organization: Organization,
        change: &Change,
        wanted: &Wanted<'_>,
        now: Timestamp,
    ) -> Result<Found> {
        let id = organization.id.clone();
        let name = organization.name.clone().unwrap_or_default();
        let company = match self.company_of(&organization) {
            Ok(company) => company,
            Err(NoProperties) => {
                let matters = name == wanted.name
                    || wanted.account.is_some_and(|account| is_same(account, &id));
                match self.remembered(&id, now) {
                    Some(company)
                        if !matters && company.as_deref() != Some(change.company.as_str()) =>
                    {
                        company
                    }
                    _ => {
                        let details = self.client().organization(&id).await?;
                        let company = self
                            .company_of(&details)
                            .map_err(|NoProperties| self.untold(&id))?;
                        self.remember(&id, company.clone(), now);
                        company
                    }
                }
            }
        };
        Ok(Found { id, name, company })
    }

    fn company_of(&self, organization: &Organization) -> Result<Option<String>, NoProperties> {
        let fields = organization.record.fields();
        self.map().custom_property(fields, &self.0.property)
    }

    fn untold(&self, id: &str) -> Error {
        let message = format!(
            "organization {id} tells no custom properties, so that its {} is not known: the field map \
             may be wrong",
            self.0.property
        );
        Error::new(ErrorKind::Protocol, message).with_connector(CONNECTOR)
    }

    fn with_known<R>(&self, work: impl FnOnce(&mut BTreeMap<String, Stated>) -> R) -> R {
        work(&mut self.0.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn remembered(&self, id: &str, now: Timestamp) -> Option<Option<String>> {
        let key = id.to_ascii_lowercase();
        let known = self.with_known(|known| known.get(&key).cloned())?;
        (now < known.at.plus(KNOWN_FOR)).then_some(known.company)
    }

    fn remember(&self, id: &str, company: Option<String>, at: Timestamp) {
        let stated = Stated { company, at };
        self.with_known(|known| known.insert(id.to_ascii_lowercase(), stated));
    }

    fn value(&self, change: &Change) -> CustomPropertyValue {
        CustomPropertyValue::new(self.0.property.as_str(), change.company.as_str())
    }

    /// Creates an organization with its name and the property.
    async fn create(
        &self,
        name: &str,
        change: &Change,
    ) -> std::result::Result<Receipt, WriteError> {
        let body = OrganizationBody {
            name: Some(name.to_owned()),
            custom_properties: vec![self.value(change)],
            ..OrganizationBody::default()
        };
        let made = self.client().create_organization(&body).await?;
        let id = made.and_then(|record| record.text("id")).ok_or_else(|| {
            let message = "the answer to a new organization does not tell its id";
            let error = Error::new(ErrorKind::Protocol, message).with_connector(CONNECTOR);
            WriteError::Unknown(error.with_sent(Sent::Yes))
        })?;
        Ok(Receipt::made(MadeRecord::Account(id.into())))
    }

    /// Gives an organization the property. Those that it has are sent along as they are: whether a
    /// body that names one leaves the others alone is not published.
    async fn link(&self, id: &str, change: &Change) -> std::result::Result<Receipt, WriteError> {
        let not_sent = WriteError::NotSent;
        let organization = self.client().organization(id).await.map_err(not_sent)?;
        let held = self.map().held_properties(organization.record.fields());
        let mut properties = held.ok_or_else(|| WriteError::NotSent(self.untold(id)))?;
        properties.retain(|held| !held.name.eq_ignore_ascii_case(&self.0.property));
        properties.push(self.value(change));
        let body = OrganizationBody {
            custom_properties: properties,
            ..OrganizationBody::default()
        };
        self.client().update_organization(id, &body).await?;
        Ok(Receipt::made(MadeRecord::Account(id.into())))
    }

    /// What a change wants, where it is one for this sink and this property.
    fn wanted<'c>(&self, change: &'c Change) -> Result<Wanted<'c>> {
        let refuse = |kind, message: String| Error::new(kind, message).with_connector(CONNECTOR);
        let (account, name) = match &change.action {
            Action::CreateAccount { name } => (None, name),
            Action::LinkAccount { account, name } => (Some(account.as_str()), name),
            other => {
                let message = format!("Cloudmore takes in accounts, and cannot {other}");
                return Err(refuse(ErrorKind::Unsupported, message));
            }
        };
        if change.product.as_str() != self.0.property {
            let message = format!(
                "the plan is for the custom property {}, and {} is set: make the plan again",
                change.product, self.0.property
            );
            return Err(refuse(ErrorKind::Config, message));
        }
        Ok(Wanted { account, name })
    }
}

/// The organization that a change is about.
struct Wanted<'a> {
    /// Its id; absent where it is to be created.
    account: Option<&'a str>,
    name: &'a str,
}

fn is_same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn conflict(detail: String) -> Verdict {
    Verdict::Conflict {
        detail,
        observed: None,
    }
}

/// What the organizations say about a change that creates one.
fn created(change: &Change, name: &str, receipt: Option<&Receipt>, all: &[Found]) -> Verdict {
    let company = change.company.as_str();
    let ours = |found: &&Found| matches!(receipt.and_then(|it| it.made.as_ref()), Some(MadeRecord::Account(id)) if is_same(id.as_str(), &found.id));
    let states = |found: &&Found| found.company.as_deref() == Some(company);
    let stating: Vec<&Found> = all.iter().filter(states).collect();
    match stating.as_slice() {
        [one] if one.name == name || ours(one) => made(one, company),
        [] => match all.iter().find(|found| found.name == name || ours(found)) {
            None => Verdict::NotLanded,
            Some(other) => conflict(format!(
                "organization {} is called {name} and states {}",
                other.id,
                other.company.as_ref().map_or_else(
                    || "no company".to_owned(),
                    |company| format!("company {company}")
                )
            )),
        },
        _ => taken(&stating, company),
    }
}

/// What the organizations say about a change that gives one the company's id.
fn linked(change: &Change, account: &str, name: &str, all: &[Found]) -> Verdict {
    let company = change.company.as_str();
    let Some(one) = all.iter().find(|found| is_same(&found.id, account)) else {
        return conflict(format!("organization {account} is no longer listed"));
    };
    let others = || all.iter().filter(|found| !is_same(&found.id, account));
    let stating: Vec<&Found> = others()
        .filter(|found| found.company.as_deref() == Some(company))
        .collect();
    if !stating.is_empty() {
        return taken(&stating, company);
    }
    match one.company.as_deref() {
        Some(stated) if stated == company => made(one, company),
        Some(stated) => conflict(format!("organization {account} states company {stated}")),
        None if one.name != name => conflict(format!(
            "organization {account} is called {} by now, not {name}",
            one.name
        )),
        None => match others().find(|found| found.name == name) {
            Some(other) => conflict(format!("organization {} is called {name} too", other.id)),
            None => Verdict::NotLanded,
        },
    }
}

fn made(found: &Found, company: &str) -> Verdict {
    Verdict::Made {
        record: MadeRecord::Account(found.id.as_str().into()),
        detail: format!(
            "organization {} ({}) states company {company}",
            found.id, found.name
        ),
    }
}

fn taken(stating: &[&Found], company: &str) -> Verdict {
    let all: Vec<String> = stating
        .iter()
        .map(|found| format!("{} ({})", found.id, found.name))
        .collect();
    conflict(format!(
        "company {company} is stated by organization {}",
        all.join(" and ")
    ))
}

#[async_trait]
impl PsaSink for CloudmoreAccounts {
    fn descriptor(&self) -> &SinkDescriptor {
        &self.0.descriptor
    }

    /// Lists the organizations, and looks that the custom property is defined: without it none is found
    /// again.
    async fn check(&self) -> Result<Identity> {
        let client = self.client();
        client.authenticate().await?;
        let property = &self.0.property;
        let defined = client.custom_properties().await?;
        let known = defined.iter().filter_map(|record| record.text("name"));
        if !known
            .into_iter()
            .any(|name| name.eq_ignore_ascii_case(property))
        {
            return Err(config(format!(
                "no custom property named {property} is defined for organizations: add it under \
                 Settings, type textbox"
            )));
        }
        let organizations = client.organizations().await?.len();
        let subject = format!("{} at reseller {}", client.username(), client.reseller_id());
        let mut identity = Identity::new(subject);
        identity.verified = vec![
            format!("{organizations} organizations can be listed"),
            format!("the custom property {property} is defined"),
        ];
        Ok(identity)
    }

    fn companies(&self) -> BoxStream<'_, Result<Company>> {
        stream::empty().boxed()
    }

    fn agreements<'a>(&'a self, _: &'a AgreementFilter) -> BoxStream<'a, Result<Agreement>> {
        stream::empty().boxed()
    }

    fn products(&self) -> BoxStream<'_, Result<Product>> {
        stream::empty().boxed()
    }

    fn lines<'a>(&'a self, _: &'a [AgreementId]) -> BoxStream<'a, Result<AgreementReading>> {
        stream::empty().boxed()
    }

    async fn execute(&self, change: &Change) -> std::result::Result<Receipt, WriteError> {
        let wanted = self.wanted(change).map_err(WriteError::NotSent)?;
        match wanted.account {
            None => self.create(wanted.name, change).await,
            Some(account) => self.link(account, change).await,
        }
    }

    async fn verify(&self, change: &Change, receipt: Option<&Receipt>) -> Result<Verdict> {
        let wanted = self.wanted(change)?;
        let all = self.organizations(change, &wanted).await?;
        Ok(match wanted.account {
            None => created(change, wanted.name, receipt, &all),
            Some(account) => linked(change, account, wanted.name, &all),
        })
    }
}

impl fmt::Debug for CloudmoreAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudmoreAccounts")
            .field("source", &self.0.source)
            .field("property", &self.0.property)
            .finish_non_exhaustive()
    }
}
