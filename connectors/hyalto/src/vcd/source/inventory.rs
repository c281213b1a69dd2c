//! What an organisation has, read whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use tallyline_core::http::{Operation, Records};
use tallyline_core::{Error, ErrorKind, Result};

use super::lines::{Place, edge_lines, vdc_lines, vm_lines};
use super::{Org, OrgReference, VcdProperty, VcdSource, all};
use crate::observed::Observed;
use crate::vcd::contract::CONNECTOR;
use crate::vcd::filter::Filter;
use crate::vcd::models::{OrgVdcRecord, StoragePolicyRecord, VmRecord, uuid_of};
use crate::vcd::operations;

/// Records by UUID.
type Found<T> = Vec<(String, T)>;

fn refuse(operation: &Operation, why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Protocol, why)
        .with_connector(CONNECTOR)
        .with_operation(operation.name)
}

/// The UUID of a record by its address.
fn identity(operation: &Operation, reference: &str, name: Option<&str>) -> Result<String> {
    uuid_of(reference).ok_or_else(|| {
        let name = name.unwrap_or("without a name");
        refuse(
            operation,
            format!("the address of {name:?} has no UUID at its end"),
        )
    })
}

impl VcdSource {
    /// Everything that an organisation has, of what the settings make lines of.
    pub(super) async fn observe(&self, org: &Org) -> Result<Observed> {
        let mut observed = Observed::default();
        let granularity = self.granularity_of(&org.uuid);
        let place = Place { source: self, org };
        let vdcs = self.read_vdcs(org).await?;
        if granularity.has_vdcs() {
            let wants_policies = self.reads(VcdProperty::Storage);
            let policies = match wants_policies && !vdcs.is_empty() {
                true => self.read_policies(org).await?,
                false => Vec::new(),
            };
            let mut by_vdc: BTreeMap<String, Vec<StoragePolicyRecord>> = BTreeMap::new();
            for (uuid, policy) in policies {
                let vdc = policy.vdc.as_deref().and_then(uuid_of).ok_or_else(|| {
                    let why = format!(
                        "storage policy {uuid} does not say of which virtual data centre it is"
                    );
                    refuse(&operations::QUERY_STORAGE_POLICIES, why)
                })?;
                by_vdc.entry(vdc).or_default().push(policy);
            }
            for (uuid, vdc) in &vdcs {
                let own = by_vdc.remove(uuid).unwrap_or_default();
                vdc_lines(&mut observed, place, uuid, vdc, &own);
            }
        }
        if granularity.has_vms() {
            for (uuid, vm) in self.read_vms(org, &vdcs).await? {
                vm_lines(&mut observed, place, &uuid, &vm);
            }
        }
        if self.reads(VcdProperty::Count) {
            for (uuid, name) in self.read_edges(org).await? {
                edge_lines(&mut observed, place, &uuid, name.as_deref());
            }
        }
        Ok(observed)
    }

    /// Of this organisation: for the provider, who sees all of them; a tenant sees no other one.
    fn of_org(&self, filter: Filter, org: &Org) -> Filter {
        if !self.client().is_system() {
            return filter;
        }
        match self.org_reference() {
            OrgReference::Href => filter.is("org", &org.record.href),
            OrgReference::Uuid => filter.is("org", &org.uuid),
        }
    }

    /// Refuses a record of another organisation: the server has then passed over the filter. Says whether it names this one.
    fn is_of_org(
        &self,
        operation: &Operation,
        org: &Org,
        named: Option<&str>,
        uuid: &str,
    ) -> Result<bool> {
        let Some(named) = named else { return Ok(false) };
        match uuid_of(named) {
            Some(own) if own == org.uuid => Ok(true),
            _ => Err(refuse(
                operation,
                format!("{uuid} is of another organisation than was asked for"),
            )),
        }
    }

    async fn read<T: serde::de::DeserializeOwned>(
        &self,
        operation: &'static Operation,
        records: Records<T>,
        identity_of: impl Fn(&T) -> Result<String>,
    ) -> Result<Found<T>> {
        all(records, identity_of, |uuid| {
            refuse(
                operation,
                format!("{uuid} is listed twice, and differently"),
            )
        })
        .await
    }

    /// Its virtual data centres. They are read in any case: by them it is seen that the filter for the organisation was
    /// understood, and of which organisation a machine is that does not say it.
    async fn read_vdcs(&self, org: &Org) -> Result<Found<OrgVdcRecord>> {
        let operation = &operations::QUERY_ORG_VDCS;
        let filter = self.of_org(Filter::new(), org);
        let vdcs = self
            .read(operation, self.client().org_vdcs(&filter), |own| {
                identity(operation, &own.href, own.name.as_deref())
            })
            .await?;
        if !self.client().is_system() {
            return Ok(vdcs);
        }
        for (uuid, vdc) in &vdcs {
            if !self.is_of_org(operation, org, vdc.org.as_deref(), uuid)? {
                let why =
                    format!("virtual data centre {uuid} does not say of which organisation it is");
                return Err(refuse(operation, why));
            }
        }
        let stated = org.record.number_of_vdcs;
        if vdcs.is_empty() && !stated.is_some_and(|number| number.is_zero()) {
            let stated = stated.map_or_else(|| "not how many".to_owned(), |it| it.to_string());
            return Err(refuse(
                operation,
                format!(
                    "no virtual data centre is listed, and the organisation says that it has {stated}: the filter for it may \
                     not be understood"
                ),
            ));
        }
        Ok(vdcs)
    }

    /// The storage policies of its virtual data centres.
    pub(super) async fn read_policies(&self, org: &Org) -> Result<Found<StoragePolicyRecord>> {
        let operation = &operations::QUERY_STORAGE_POLICIES;
        let filter = self.of_org(Filter::new(), org);
        let policies = self
            .read(operation, self.client().storage_policies(&filter), |own| {
                identity(operation, &own.href, own.name.as_deref())
            })
            .await?;
        for (uuid, policy) in &policies {
            self.is_of_org(operation, org, policy.org.as_deref(), uuid)?;
        }
        Ok(policies)
    }

    /// Its machines, without those of templates and deleted ones. One whose organisation cannot be told fails the account:
    /// it may be another's, and may be missing there.
    async fn read_vms(&self, org: &Org, vdcs: &Found<OrgVdcRecord>) -> Result<Found<VmRecord>> {
        let operation = &operations::QUERY_VMS;
        let filter = self.of_org(Filter::new().is("isVAppTemplate", "false"), org);
        let mut vms = self
            .read(operation, self.client().vms(&filter), |own| {
                identity(operation, &own.href, own.name.as_deref())
            })
            .await?;
        vms.retain(|(_, vm)| vm.is_vapp_template != Some(true) && vm.is_deleted != Some(true));
        if !self.client().is_system() {
            return Ok(vms);
        }
        let own: BTreeSet<&str> = vdcs.iter().map(|(uuid, _)| uuid.as_str()).collect();
        for (uuid, vm) in &vms {
            if self.is_of_org(operation, org, vm.org.as_deref(), uuid)? {
                continue;
            }
            let vdc = vm.vdc.as_deref().and_then(uuid_of);
            if !vdc.is_some_and(|vdc| own.contains(vdc.as_str())) {
                let why = format!("of which organisation machine {uuid} is cannot be told");
                return Err(refuse(operation, why));
            }
        }
        Ok(vms)
    }

    /// Its edge gateways: UUIDs and names.
    async fn read_edges(&self, org: &Org) -> Result<Found<Option<String>>> {
        let operation = &operations::EDGE_GATEWAYS;
        let is_system = self.client().is_system();
        let filter = match is_system {
            true => Filter::new().is("orgRef.id", &format!("urn:vcloud:org:{}", org.uuid)),
            false => Filter::new(),
        };
        let edges = self
            .read(operation, self.client().edge_gateways(&filter), |own| {
                identity(operation, &own.id, own.name.as_deref())
            })
            .await?;
        let mut found = Vec::new();
        for (uuid, edge) in edges {
            let named = edge.org_ref.and_then(|org| org.id);
            if is_system && !self.is_of_org(operation, org, named.as_deref(), &uuid)? {
                let why = format!("of which organisation edge gateway {uuid} is cannot be told");
                return Err(refuse(operation, why));
            }
            found.push((uuid, edge.name));
        }
        Ok(found)
    }
}
