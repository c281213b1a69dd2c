//! Records as the API writes them.

use rust_decimal::Decimal;

use super::records::{EdgeGateway, Org, Policy, Vdc, Vm};
use super::state::VcdState;
use crate::json::Json;

/// A record as the server knows it, and a member that it does not say.
pub(super) type Known = (Json, Option<&'static str>);

/// The record as it is told.
pub(super) fn told((mut record, untold): Known) -> Json {
    if let (Json::Object(members), Some(untold)) = (&mut record, untold) {
        let mut members = members.iter_mut();
        if let Some((_, value)) = members.find(|(name, _)| name == untold) {
            *value = Json::Null;
        }
    }
    record
}

/// Writes records for one request.
pub(super) struct Writer<'a> {
    pub(super) state: &'a VcdState,
    /// Scheme and host, as the caller knows them.
    pub(super) base: String,
    /// Whether the provider reads.
    pub(super) provider: bool,
}

impl Writer<'_> {
    fn href(&self, path: &str, uuid: &str) -> String {
        format!("{}/api/{path}{uuid}", self.base)
    }

    /// A number; a text where the switch says so and it is even.
    fn number(&self, value: Decimal) -> Json {
        let two = Decimal::TWO;
        if self.state.switches.numbers_as_text && (value % two).is_zero() {
            return Json::Text(value.to_string());
        }
        Json::Number(value.to_string())
    }

    fn some(&self, value: Option<Decimal>) -> Option<Json> {
        value.map(|value| self.number(value))
    }

    /// What every record of the query service begins with. Ids are null in this format.
    fn record(&self, kind: &str, href: String) -> Json {
        Json::object()
            .with("_type", kind)
            .with("link", Json::Array(Vec::new()))
            .with("metadata", Json::Null)
            .with("href", href)
            .with("id", Json::Null)
            .with("type", Json::Null)
            .with("otherAttributes", Json::object())
    }

    pub(super) fn org(&self, own: &Org) -> Json {
        let vdcs = self.state.vdcs.iter().filter(|vdc| vdc.org == own.uuid);
        self.record("QueryResultOrgRecordType", self.href("org/", &own.uuid))
            .with("name", &own.name)
            .with_some("displayName", own.display_name.clone())
            .with("isEnabled", own.enabled)
            .with("isReadOnly", false)
            .with("numberOfVdcs", count(vdcs.count()))
    }

    pub(super) fn vdc(&self, own: &Vdc) -> Json {
        let kind = match self.provider {
            true => "QueryResultAdminVdcRecordType",
            false => "QueryResultOrgVdcRecordType",
        };
        let record = self.record(kind, self.href("vdc/", &own.uuid));
        let org = self.state.orgs.iter().find(|org| org.uuid == own.org);
        let machines = || {
            let all = self.state.vms.iter();
            all.filter(|vm| vm.vdc == own.uuid && !vm.is_template && !vm.is_deleted)
        };
        let running = machines().filter(|vm| vm.status.as_deref() == Some("POWERED_ON"));
        let record = record
            .with("name", &own.name)
            .with("isEnabled", true)
            .with_some("orgName", org.map(|org| &org.name))
            .with_some("cpuAllocationMhz", self.some(own.cpu.0))
            .with_some("cpuLimitMhz", self.some(own.cpu.0))
            .with_some("cpuUsedMhz", self.some(own.cpu.1))
            .with_some("memoryAllocationMB", self.some(own.memory.0))
            .with_some("memoryLimitMB", self.some(own.memory.0))
            .with_some("memoryUsedMB", self.some(own.memory.1))
            .with_some("storageLimitMB", self.some(own.storage.0))
            .with_some("storageUsedMB", self.some(own.storage.1))
            .with("numberOfVMs", count(machines().count()))
            .with("numberOfRunningVMs", count(running.count()))
            .with("status", "READY");
        if !self.provider {
            return record;
        }
        let href = org.map(|org| self.href("org/", &org.uuid));
        record
            .with("org", href.map_or(Json::Null, Json::Text))
            .with("allocationModel", own.allocation_model)
    }

    pub(super) fn policy(&self, own: &Policy) -> Json {
        let kind = match self.provider {
            true => "QueryResultAdminOrgVdcStorageProfileRecordType",
            false => "QueryResultOrgVdcStorageProfileRecordType",
        };
        let record = self.record(kind, self.href("vdcStorageProfile/", &own.uuid));
        let vdc = self.state.vdc(&own.vdc);
        let record = record
            .with("name", &own.name)
            .with("isEnabled", true)
            .with("isDefaultStorageProfile", false)
            .with("vdc", self.href("vdc/", &own.vdc))
            .with_some("vdcName", vdc.map(|vdc| &vdc.name))
            .with_some("storageLimitMB", self.some(own.limit))
            .with_some("storageUsedMB", self.some(own.used));
        match self.state.org_of(&own.vdc).filter(|_| self.provider) {
            Some(org) => record.with("org", self.href("org/", &org.uuid)),
            None => record,
        }
    }

    pub(super) fn vm(&self, own: &Vm) -> Json {
        let kind = match self.provider {
            true => "QueryResultAdminVMRecordType",
            false => "QueryResultVMRecordType",
        };
        let record = self.record(kind, self.href("vApp/vm-", &own.uuid));
        let vdc = self.state.vdc(&own.vdc);
        let vdc_href = own.names_vdc.then(|| self.href("vdc/", &own.vdc));
        let record = record
            .with("name", &own.name)
            .with("containerName", format!("{}-app", own.name))
            .with("vdc", vdc_href.map_or(Json::Null, Json::Text))
            .with_some("vdcName", vdc.map(|vdc| &vdc.name))
            .with("isVAppTemplate", own.is_template)
            .with("isDeleted", own.is_deleted)
            .with_some("status", self.status(own))
            .with("isDeployed", own.status.as_deref() == Some("POWERED_ON"))
            .with_some("numberOfCpus", self.some(own.cpus))
            .with_some("memoryMB", self.some(own.memory))
            .with("storageProfileName", "Gold")
            .with_some("totalStorageAllocatedMb", self.some(own.storage))
            .with("guestOs", "Other Linux (64-bit)")
            .with("dateCreated", "2025-03-04T10:11:12.000Z");
        if !self.provider {
            return record;
        }
        let org = self.state.org_of(&own.vdc);
        let href = org.map(|org| self.href("org/", &org.uuid));
        record.with("org", href.map_or(Json::Null, Json::Text))
    }

    fn status(&self, own: &Vm) -> Option<Json> {
        let status = own.status.as_deref()?;
        let number = match status {
            "POWERED_ON" => "4",
            "POWERED_OFF" => "8",
            "SUSPENDED" => "3",
            _ => return Some(status.into()),
        };
        Some(match self.state.switches.status_as_number {
            true => Json::Number(number.to_owned()),
            false => status.into(),
        })
    }

    pub(super) fn edge(&self, own: &EdgeGateway) -> Json {
        let kind = "QueryResultEdgeGatewayRecordType";
        let vdc = self.state.vdc(&own.vdc);
        self.record(kind, self.href("admin/edgeGateway/", &own.uuid))
            .with("name", &own.name)
            .with("vdc", self.href("vdc/", &own.vdc))
            .with_some("orgVdcName", vdc.map(|vdc| &vdc.name))
            .with("gatewayStatus", "READY")
            .with("haStatus", "UP")
    }

    pub(super) fn cloud_org(&self, own: &Org) -> Json {
        let vdcs = self.state.vdcs.iter().filter(|vdc| vdc.org == own.uuid);
        Json::object()
            .with("id", format!("urn:vcloud:org:{}", own.uuid))
            .with("name", &own.name)
            .with_some("displayName", own.display_name.clone())
            .with("isEnabled", own.enabled)
            .with("orgVdcCount", count(vdcs.count()))
    }

    pub(super) fn cloud_edge(&self, own: &EdgeGateway) -> Json {
        let reference = |name: &str, kind: &str, uuid: &str| {
            Json::object()
                .with("name", name)
                .with("id", format!("urn:vcloud:{kind}:{uuid}"))
        };
        let vdc = self.state.vdc(&own.vdc);
        let vdc = vdc.map(|vdc| reference(&vdc.name, "vdc", &vdc.uuid));
        let org = self.state.org_of(&own.vdc);
        let org = org.map(|org| reference(&org.name, "org", &org.uuid));
        Json::object()
            .with("id", format!("urn:vcloud:gateway:{}", own.uuid))
            .with("name", &own.name)
            .with("status", "REALIZED")
            .with("ownerRef", vdc.clone().unwrap_or(Json::Null))
            .with("orgVdc", vdc.unwrap_or(Json::Null))
            .with("orgRef", org.unwrap_or(Json::Null))
            .with("edgeGatewayUplinks", Json::Array(Vec::new()))
    }
}

fn count(items: usize) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}
