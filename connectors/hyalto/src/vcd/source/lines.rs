//! From what an organisation has to usage lines, and to what is not observed.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use tallyline_core::model::{Service, UsageLine};

use super::settings::{PoweredOff, StorageLines, VcdBasis, VcdProperty, VcdSource, VcdUnits};
use super::{Granularity, Org};
use crate::exact::product;
use crate::observed::{Observed, service_key};
use crate::source::ServiceKind;
use crate::vcd::models::{OrgVdcRecord, StoragePolicyRecord, VmRecord, VmStatus};

/// Whose services are looked at.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) source: &'a VcdSource,
    pub(super) org: &'a Org,
}

/// A quantity, and where it comes from; the reason where there is none.
type Figure = std::result::Result<Counted, String>;

#[derive(Clone, Debug, Default)]
struct Counted {
    value: Decimal,
    /// Why it is not what the basis says.
    fallback: Option<String>,
}

impl Counted {
    const fn of(value: Decimal) -> Self {
        Self {
            value,
            fallback: None,
        }
    }
}

/// A value that must be there and must not be negative.
fn told(value: Option<Decimal>, member: &str) -> std::result::Result<Decimal, String> {
    match value {
        None => Err(format!("its {member} is not told, which is not zero")),
        Some(value) if value < Decimal::ZERO => Err(format!("its {member} is negative")),
        Some(value) => Ok(value),
    }
}

fn counted(value: Option<Decimal>, member: &str) -> Figure {
    told(value, member).map(Counted::of)
}

/// What is allocated. 0 is none or unlimited: what is used is counted, and said.
fn allocated(allocation: (Option<Decimal>, &str), used: (Option<Decimal>, &str)) -> Figure {
    let value = told(allocation.0, allocation.1)?;
    if !value.is_zero() {
        return Ok(Counted::of(value));
    }
    Ok(Counted {
        value: told(used.0, used.1)?,
        fallback: Some(format!(
            "its {} is 0, none or unlimited: its {} counts",
            allocation.1, used.1
        )),
    })
}

/// What a number is counted in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Mhz,
    Mb,
    Pieces(&'static str),
}

impl Measure {
    /// The factor to the unit that is given, and its name.
    fn unit(self, units: VcdUnits) -> (Decimal, &'static str) {
        match (self, units) {
            (Self::Mhz, VcdUnits::GhzAndGb) => (Decimal::new(1, 3), "GHz"),
            (Self::Mhz, VcdUnits::MhzAndMb) => (Decimal::ONE, "MHz"),
            // 1/1024, which ends.
            (Self::Mb, VcdUnits::GhzAndGb) => (Decimal::new(9_765_625, 10), "GB"),
            (Self::Mb, VcdUnits::MhzAndMb) => (Decimal::ONE, "MB"),
            (Self::Pieces(name), _) => (Decimal::ONE, name),
        }
    }
}

/// A service of an account.
#[derive(Clone, Copy)]
struct Subject<'a> {
    place: Place<'a>,
    kind: &'a ServiceKind,
    uuid: &'a str,
    name: Option<&'a str>,
}

impl Subject<'_> {
    /// Adds the line of a property, or why there is none.
    fn add(
        self,
        observed: &mut Observed,
        property: &str,
        measure: Measure,
        figure: Figure,
        attributes: &[(&str, Option<String>)],
    ) {
        let key = service_key(self.kind, property);
        let (factor, unit) = measure.unit(self.place.source.units());
        let figure = figure.and_then(|own| match product(own.value, factor) {
            Some(value) => Ok(Counted { value, ..own }),
            None => Err(format!("{} cannot be held exactly in {unit}", own.value)),
        });
        let figure = match figure {
            Ok(figure) => figure,
            Err(why) => {
                let why = format!("{property} of {} {}: {why}", self.kind, self.uuid);
                return observed.unobserved(key, why);
            }
        };
        let own = format!("{}/{}/{property}", self.kind.as_str(), self.uuid);
        let mut line = UsageLine::new(own, key, figure.value)
            .with_vendor_id("orgId", self.place.org.uuid.as_str())
            .with_vendor_id("serviceId", self.uuid)
            .with_vendor_id("property", property);
        line.resource_group = Some(self.uuid.into());
        line.resource_group_name = self.name.map(Into::into);
        line.unit = Some(unit.into());
        let own = [
            ("serviceName", self.name.map(ToOwned::to_owned)),
            ("serviceType", Some(self.kind.as_str().to_owned())),
            ("fallback", figure.fallback),
        ];
        for (name, text) in own.iter().chain(attributes) {
            if let Some(text) = text {
                line.attributes.push(((*name).into(), text.as_str().into()));
            }
        }
        observed.line(line);
    }
}

/// The lines of a machine.
pub(super) fn vm_lines(observed: &mut Observed, place: Place<'_>, uuid: &str, vm: &VmRecord) {
    let subject = Subject {
        place,
        kind: &ServiceKind::VirtualMachine,
        uuid,
        name: vm.name.as_deref(),
    };
    let is_off = vm.status == Some(VmStatus::PoweredOff);
    let attributes = [
        ("status", vm.status.as_ref().map(ToString::to_string)),
        ("vdcName", vm.vdc_name.clone()),
        ("storageProfileName", vm.storage_profile_name.clone()),
    ];
    for (property, measure, value, member) in [
        (
            VcdProperty::Cpu,
            Measure::Pieces("vCPU"),
            vm.number_of_cpus,
            "numberOfCpus",
        ),
        (VcdProperty::Ram, Measure::Mb, vm.memory_mb, "memoryMB"),
        (
            VcdProperty::Storage,
            Measure::Mb,
            vm.total_storage_allocated_mb,
            "totalStorageAllocatedMb",
        ),
    ] {
        if !place.source.reads(property) {
            continue;
        }
        let counts = match place.source.powered_off() {
            PoweredOff::Counted => true,
            PoweredOff::StorageOnly => !is_off || property == VcdProperty::Storage,
            PoweredOff::NotCounted => !is_off,
        };
        let figure = counted(value, member).map(|own| match counts {
            true => own,
            false => Counted {
                value: Decimal::ZERO,
                fallback: Some("it is powered off, and is set not to count".to_owned()),
            },
        });
        subject.add(observed, property.as_str(), measure, figure, &attributes);
    }
}

/// The lines of a virtual data centre.
pub(super) fn vdc_lines(
    observed: &mut Observed,
    place: Place<'_>,
    uuid: &str,
    vdc: &OrgVdcRecord,
    policies: &[StoragePolicyRecord],
) {
    let subject = Subject {
        place,
        kind: &ServiceKind::VirtualDataCentre,
        uuid,
        name: vdc.name.as_deref(),
    };
    let (source, basis) = (place.source, place.source.basis());
    let attributes = [
        ("basis", Some(basis.word().to_owned())),
        ("allocationModel", vdc.allocation_model.clone()),
    ];
    let mut add = |property: &str, measure, figure| {
        subject.add(observed, property, measure, figure, &attributes);
    };
    let either = |allocation: (Option<Decimal>, &str), used: (Option<Decimal>, &str)| match basis {
        VcdBasis::Allocated => allocated(allocation, used),
        VcdBasis::Used => counted(used.0, used.1),
    };
    if source.reads(VcdProperty::Cpu) {
        let figure = either(
            (vdc.cpu_allocation_mhz, "cpuAllocationMhz"),
            (vdc.cpu_used_mhz, "cpuUsedMhz"),
        );
        add("cpu", Measure::Mhz, figure);
    }
    if source.reads(VcdProperty::Ram) {
        let figure = either(
            (vdc.memory_allocation_mb, "memoryAllocationMB"),
            (vdc.memory_used_mb, "memoryUsedMB"),
        );
        add("ram", Measure::Mb, figure);
    }
    if source.reads(VcdProperty::VmCount) {
        let figure = match basis {
            VcdBasis::Allocated => counted(vdc.number_of_vms, "numberOfVMs"),
            VcdBasis::Used => counted(vdc.number_of_running_vms, "numberOfRunningVMs"),
        };
        add("vm_count", Measure::Pieces("VM"), figure);
    }
    if !source.reads(VcdProperty::Storage) {
        return;
    }
    if source.storage() == StorageLines::ByPolicy && !policies.is_empty() {
        let mut by_name: BTreeMap<&str, Vec<&StoragePolicyRecord>> = BTreeMap::new();
        for policy in policies {
            let name = policy.name.as_deref().unwrap_or_default();
            by_name.entry(name).or_default().push(policy);
        }
        for (name, own) in by_name {
            add(&policy_property(name), Measure::Mb, sum(own, basis));
        }
    } else {
        add("storage", Measure::Mb, storage(vdc, policies, basis));
    }
}

/// The storage of a virtual data centre. Allocated: the sum of its policies, else its own limit. Used: its own figure, else
/// the sum of its policies.
fn storage(vdc: &OrgVdcRecord, policies: &[StoragePolicyRecord], basis: VcdBasis) -> Figure {
    match basis {
        VcdBasis::Allocated if policies.is_empty() => allocated(
            (vdc.storage_limit_mb, "storageLimitMB"),
            (vdc.storage_used_mb, "storageUsedMB"),
        ),
        VcdBasis::Used if vdc.storage_used_mb.is_some() || policies.is_empty() => {
            counted(vdc.storage_used_mb, "storageUsedMB")
        }
        _ => sum(policies, basis),
    }
}

fn sum<'a>(policies: impl IntoIterator<Item = &'a StoragePolicyRecord>, basis: VcdBasis) -> Figure {
    let mut all = Counted::default();
    for policy in policies {
        let name = policy.name.as_deref().unwrap_or("without a name");
        let own =
            of_policy(policy, basis).map_err(|why| format!("storage policy {name:?}: {why}"))?;
        all.value = all
            .value
            .checked_add(own.value)
            .ok_or("the sum of its storage policies is too large")?;
        if let Some(why) = own.fallback {
            let why = format!("storage policy {name:?}: {why}");
            all.fallback = Some(match all.fallback {
                Some(before) => format!("{before}; {why}"),
                None => why,
            });
        }
    }
    Ok(all)
}

fn of_policy(policy: &StoragePolicyRecord, basis: VcdBasis) -> Figure {
    let used = (policy.storage_used_mb, "storageUsedMB");
    match basis {
        VcdBasis::Allocated => allocated((policy.storage_limit_mb, "storageLimitMB"), used),
        VcdBasis::Used => counted(used.0, used.1),
    }
}

/// An edge gateway, which counts 1.
pub(super) fn edge_lines(
    observed: &mut Observed,
    place: Place<'_>,
    uuid: &str,
    name: Option<&str>,
) {
    let subject = Subject {
        place,
        kind: &ServiceKind::EdgeGateway,
        uuid,
        name,
    };
    let one = Ok(Counted::of(Decimal::ONE));
    let measure = Measure::Pieces("edge gateway");
    subject.add(observed, VcdProperty::Count.as_str(), measure, one, &[]);
}

/// The property of a storage policy that is a service of its own.
fn policy_property(name: &str) -> String {
    format!("{}:{name}", VcdProperty::Storage.as_str())
}

/// The services that the settings make, whatever the organisations have.
pub(super) fn all_services(source: &VcdSource) -> Vec<Service> {
    let has_vms = source.all_granularities().any(Granularity::has_vms);
    let has_vdcs = source.all_granularities().any(Granularity::has_vdcs);
    let kinds = [
        (has_vms, ServiceKind::VirtualMachine),
        (has_vdcs, ServiceKind::VirtualDataCentre),
        (true, ServiceKind::EdgeGateway),
    ];
    let mut services = Vec::new();
    for (_, kind) in kinds.into_iter().filter(|(has, _)| *has) {
        for property in VcdProperty::ALL {
            let has = match (&kind, property) {
                (ServiceKind::EdgeGateway, own) => own == VcdProperty::Count,
                (ServiceKind::VirtualMachine, VcdProperty::VmCount) => false,
                (_, own) => own != VcdProperty::Count,
            };
            if has && source.reads(property) {
                let key = service_key(&kind, property.as_str());
                services.push(Service::new(key, format!("{kind}: {property}")));
            }
        }
    }
    services
}

/// A service for each storage policy.
pub(super) fn policy_services(
    policies: &[(String, StoragePolicyRecord)],
) -> impl Iterator<Item = Service> {
    policies.iter().map(|(_, policy)| {
        let kind = ServiceKind::VirtualDataCentre;
        let name = policy.name.as_deref().unwrap_or_default();
        let key = service_key(&kind, &policy_property(name));
        Service::new(key, format!("{kind}: storage {name}"))
    })
}
