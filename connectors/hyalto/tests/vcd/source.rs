//! The source against the simulated cloud: accounts, services, readings, and what is not told.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _};
use tallyline_core::model::{Basis, ReadingOutcome, VendorAccount};
use tallyline_core::source::UsageRequest;
use tallyline_core::{ErrorKind, VendorSource as _};
use tallyline_hyalto::vcd::{
    Granularity, OrgReference, PoweredOff, StorageLines, VcdBasis, VcdProperty, VcdSource, VcdUnits,
};
use tallyline_testkit::faults::{Fault, Match};

use super::common::*;

fn source(cloud: &Cloud) -> VcdSource {
    VcdSource::builder()
        .client(provider(&cloud.sim))
        .build()
        .unwrap()
}

fn by_vms(cloud: &Cloud) -> VcdSource {
    VcdSource::builder()
        .client(provider(&cloud.sim))
        .granularity(Granularity::Vm)
        .build()
        .unwrap()
}

const NORTHWIND_VDCS: &str = "northwind: nwd-edge edge/count 1 edge gateway, \
     nwd-vdc-01 vdc/cpu 10 GHz, nwd-vdc-01 vdc/ram 32 GB, nwd-vdc-01 vdc/storage 400 GB, nwd-vdc-01 vdc/vm_count 2 VM, \
     nwd-vdc-02 vdc/cpu 10 GHz, nwd-vdc-02 vdc/ram 32 GB, nwd-vdc-02 vdc/storage 500 GB, nwd-vdc-02 vdc/vm_count 0 VM";

const NORTHWIND_VMS: &str = "northwind: nwd-dc01 vm/cpu 4 vCPU, nwd-dc01 vm/ram 16 GB, nwd-dc01 vm/storage 150 GB, \
     nwd-edge edge/count 1 edge gateway, \
     nwd-web01 vm/cpu 2 vCPU, nwd-web01 vm/ram 4.0009765625 GB, nwd-web01 vm/storage 50 GB";

#[tokio::test]
async fn accounts_are_the_organisations_but_the_providers_own() {
    let cloud = cloud(|state| {
        let birch = state.orgs[3].uuid.clone();
        state.edit_org(&birch, |org| {
            org.display_name = Some("Birch Gym & Söhne".to_owned());
            org.enabled = false;
        });
        let oak = state.orgs[2].uuid.clone();
        state.edit_org(&oak, |org| org.display_name = None);
    })
    .await;
    let accounts: Vec<VendorAccount> = source(&cloud).accounts().try_collect().await.unwrap();
    let shown: Vec<(&str, &str, bool)> = accounts
        .iter()
        .map(|own| (own.id.as_str(), own.name.as_str(), own.suspended))
        .collect();
    let [northwind, oak, birch] = &cloud.orgs;
    assert_eq!(
        shown,
        [
            (northwind.as_str(), "northwind", false),
            (oak.as_str(), "oak-legal", false),
            (birch.as_str(), "Birch Gym & Söhne", true),
        ]
    );
    let tenants = VcdSource::builder()
        .client(tenant(&cloud.sim))
        .build()
        .unwrap();
    let accounts: Vec<VendorAccount> = tenants.accounts().try_collect().await.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].id.as_str(), northwind);
    assert_eq!(
        tenants.descriptor().tenant.as_deref(),
        Some("northwind at 127.0.0.1")
    );
}

#[tokio::test]
async fn data_centres_are_services_by_default_and_their_machines_are_not_told_as_well() {
    let cloud = cloud(|_| {}).await;
    let wanted = [
        NORTHWIND_VDCS,
        "oak-legal: oak-vdc-01 vdc/cpu 10 GHz, oak-vdc-01 vdc/ram 32 GB, oak-vdc-01 vdc/storage 500 GB, \
         oak-vdc-01 vdc/vm_count 1 VM",
        "birch-gym: ",
    ];
    assert_eq!(shown(&source(&cloud), &cloud.sim).await, wanted);
    assert!(
        !asked(&cloud.sim)
            .iter()
            .any(|own| own.contains("type=adminVM"))
    );
    let tenants = VcdSource::builder()
        .client(tenant(&cloud.sim))
        .build()
        .unwrap();
    assert_eq!(shown(&tenants, &cloud.sim).await, [NORTHWIND_VDCS]);
}

#[tokio::test]
async fn machines_are_services_where_that_is_set_without_templates_and_deleted_ones() {
    let cloud = cloud(|state| {
        state.switches.numbers_as_text = true;
        state.switches.status_as_number = true;
    })
    .await;
    let wanted = [
        NORTHWIND_VMS,
        "oak-legal: oak-app01 vm/cpu 8 vCPU, oak-app01 vm/ram 32 GB, oak-app01 vm/storage 200 GB",
        "birch-gym: ",
    ];
    assert_eq!(shown(&by_vms(&cloud), &cloud.sim).await, wanted);
    let tenants = VcdSource::builder()
        .client(tenant(&cloud.sim))
        .granularity(Granularity::Vm)
        .build()
        .unwrap();
    assert_eq!(shown(&tenants, &cloud.sim).await, [NORTHWIND_VMS]);
}

#[tokio::test]
async fn the_granularity_is_set_by_account_and_both_only_where_it_is_asked_for() {
    let cloud = cloud(|_| {}).await;
    let [northwind, oak, _] = &cloud.orgs;
    let mixed = VcdSource::builder()
        .client(provider(&cloud.sim))
        .granularities(
            [
                (northwind.to_uppercase(), Granularity::Vm),
                (format!("urn:vcloud:org:{oak}"), Granularity::Both),
            ]
            .into(),
        )
        .build()
        .unwrap();
    let found = shown(&mixed, &cloud.sim).await;
    assert_eq!(found[0], NORTHWIND_VMS);
    assert!(found[1].contains("oak-app01 vm/cpu 8") && found[1].contains("oak-vdc-01 vdc/cpu 10"));
    let wrong = VcdSource::builder()
        .client(provider(&cloud.sim))
        .granularities([("northwind".to_owned(), Granularity::Vm)].into())
        .build();
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Config);
}

#[tokio::test]
async fn a_line_belongs_to_its_service_by_uuid_and_a_rename_changes_the_name_alone() {
    let cloud = cloud(|_| {}).await;
    let source = by_vms(&cloud);
    let before = readings(&source, &cloud.sim).await.unwrap();
    cloud.sim.with_state(|state| {
        state.edit_vm(&cloud.vms[0], |vm| vm.name = "renamed".to_owned());
    });
    let after = readings(&source, &cloud.sim).await.unwrap();
    let (before, after) = (before[0].lines().unwrap(), after[0].lines().unwrap());
    let mut renamed = 0;
    for (old, new) in before.iter().zip(after) {
        assert_eq!(
            (&old.key, &old.service, old.quantity),
            (&new.key, &new.service, new.quantity)
        );
        assert_eq!(old.resource_group, new.resource_group);
        renamed += usize::from(old.attributes != new.attributes);
    }
    assert_eq!((before.len(), after.len(), renamed), (7, 7, 3));
    let line = after
        .iter()
        .find(|line| line.service.as_str() == "vm/ram" && line.quantity == 16_u32.into())
        .unwrap();
    assert_eq!(line.key.as_str(), format!("vm/{}/ram", cloud.vms[0]));
    assert_eq!(line.resource_group.as_ref().unwrap().as_str(), cloud.vms[0]);
    let attribute = |name: &str| {
        let mut all = line.attributes.iter();
        all.find(|(own, _)| &**own == name)
            .map(|(_, value)| value.to_string())
    };
    assert_eq!(attribute("serviceName").as_deref(), Some("renamed"));
    assert_eq!(attribute("serviceType").as_deref(), Some("vm"));
    assert_eq!(attribute("status").as_deref(), Some("POWERED_ON"));
    assert_eq!(attribute("vdcName").as_deref(), Some("nwd-vdc-01"));
    let ids: Vec<&str> = line.vendor_ids.iter().map(|(name, _)| &**name).collect();
    assert_eq!(ids, ["orgId", "serviceId", "property"]);
}

#[tokio::test]
async fn what_is_used_counts_where_that_is_set() {
    let cloud = cloud(|state| {
        let web = state.vms[3].uuid.clone();
        state.edit_vm(&web, |vm| vm.status = Some("POWERED_OFF".to_owned()));
    })
    .await;
    let used = VcdSource::builder()
        .client(provider(&cloud.sim))
        .basis(VcdBasis::Used)
        .build()
        .unwrap();
    let found = shown(&used, &cloud.sim).await;
    assert!(
        found[0].contains(
            "nwd-vdc-01 vdc/cpu 5 GHz, nwd-vdc-01 vdc/ram 16 GB, nwd-vdc-01 vdc/storage 250 GB, nwd-vdc-01 vdc/vm_count 1 VM"
        ),
        "{}",
        found[0]
    );
    // Without a figure of its own, what the policies say.
    cloud.sim.with_state(|state| {
        state.edit_vdc(&cloud.vdcs[0], |vdc| vdc.storage.1 = None);
    });
    let found = shown(&used, &cloud.sim).await;
    assert!(
        found[0].contains("nwd-vdc-01 vdc/storage 3 GB"),
        "{}",
        found[0]
    );
}

#[tokio::test]
async fn an_allocation_of_nothing_falls_back_to_what_is_used_and_says_so() {
    let cloud = cloud(|state| {
        let vdc = state.vdcs[0].uuid.clone();
        state.edit_vdc(&vdc, |vdc| {
            vdc.cpu = (Some(0.into()), Some(2500.into()));
            vdc.memory = (Some(0.into()), Some(0.into()));
        });
        let gold = state.policies[0].uuid.clone();
        state.edit_policy(&gold, |policy| policy.limit = Some(0.into()));
        let second = state.vdcs[1].uuid.clone();
        state.edit_vdc(&second, |vdc| {
            vdc.storage = (Some(0.into()), Some(3072.into()))
        });
    })
    .await;
    let readings = readings(&source(&cloud), &cloud.sim).await.unwrap();
    let lines = readings[0].lines().unwrap();
    let of = |vdc: &str, service: &str| {
        let line = lines.iter().find(|line| {
            line.service.as_str() == service
                && line
                    .resource_group
                    .as_ref()
                    .is_some_and(|own| own.as_str() == vdc)
        });
        let line = line.unwrap();
        let mut all = line.attributes.iter();
        let why = all.find(|(name, _)| &**name == "fallback");
        let why = why.map(|(_, text)| text.to_string());
        (line.quantity.to_string(), why.unwrap_or_default())
    };
    let [first, second, _] = &cloud.vdcs;
    let (cpu, why) = of(first, "vdc/cpu");
    assert_eq!(cpu, "2.5");
    assert!(
        why.contains("cpuAllocationMhz is 0") && why.contains("cpuUsedMhz counts"),
        "{why}"
    );
    assert_eq!(of(first, "vdc/ram").0, "0");
    let (storage, why) = of(first, "vdc/storage");
    assert_eq!(storage, "101");
    assert!(why.contains("\"Gold\"") && !why.contains("Silver"), "{why}");
    let (storage, why) = of(second, "vdc/storage");
    assert_eq!(storage, "3");
    assert!(why.contains("storageLimitMB is 0"), "{why}");
    assert_eq!(of(second, "vdc/cpu"), ("10".to_owned(), String::new()));
}

#[tokio::test]
async fn machines_that_are_off_count_as_is_set_and_only_those_that_are_surely_off() {
    let cloud = cloud(|state| {
        let (dc, web) = (state.vms[2].uuid.clone(), state.vms[3].uuid.clone());
        state.edit_vm(&dc, |vm| vm.status = Some("POWERED_OFF".to_owned()));
        state.edit_vm(&web, |vm| vm.status = Some("SUSPENDED".to_owned()));
        let oak = state.vms[8].uuid.clone();
        state.edit_vm(&oak, |vm| {
            vm.status = Some("PARTIALLY_POWERED_OFF".to_owned())
        });
    })
    .await;
    for (setting, cpu, storage) in [
        (PoweredOff::Counted, "4", "150"),
        (PoweredOff::StorageOnly, "0", "150"),
        (PoweredOff::NotCounted, "0", "0"),
    ] {
        let source = VcdSource::builder()
            .client(provider(&cloud.sim))
            .granularity(Granularity::Vm)
            .powered_off(setting)
            .build()
            .unwrap();
        let found = shown(&source, &cloud.sim).await;
        for part in [
            format!("nwd-dc01 vm/cpu {cpu} vCPU"),
            format!("nwd-dc01 vm/storage {storage} GB"),
            "nwd-web01 vm/cpu 2 vCPU".to_owned(),
        ] {
            assert!(found[0].contains(&part), "{setting:?} {part}: {}", found[0]);
        }
        assert!(found[1].contains("oak-app01 vm/cpu 8 vCPU"), "{}", found[1]);
    }
}

#[tokio::test]
async fn a_figure_that_is_not_told_is_not_zero_and_its_service_is_not_observed() {
    let cloud = cloud(|state| {
        let vdc = state.vdcs[0].uuid.clone();
        state.edit_vdc(&vdc, |vdc| {
            vdc.cpu.0 = None;
            vdc.memory = (Some(0.into()), None);
        });
        let silver = state.policies[1].uuid.clone();
        state.edit_policy(&silver, |policy| policy.limit = Some((-1).into()));
    })
    .await;
    let found = shown(&source(&cloud), &cloud.sim).await;
    assert_eq!(
        found[0],
        "northwind: nwd-edge edge/count 1 edge gateway, nwd-vdc-01 vdc/vm_count 2 VM, nwd-vdc-02 vdc/vm_count 0 VM, \
         vdc/cpu unobserved, vdc/ram unobserved, vdc/storage unobserved"
    );
    let readings = readings(&source(&cloud), &cloud.sim).await.unwrap();
    let why: Vec<&String> = readings[0].unobserved.values().collect();
    assert!(why[0].contains("cpuAllocationMhz is not told"), "{why:?}");
    assert!(why[1].contains("memoryUsedMB is not told"), "{why:?}");
    assert!(
        why[2].contains("\"Silver\"") && why[2].contains("negative"),
        "{why:?}"
    );
    cloud.sim.with_state(|state| {
        state.edit_vm(&cloud.vms[1], |vm| vm.cpus = None);
    });
    let found = shown(&by_vms(&cloud), &cloud.sim).await;
    assert!(found[0].contains("nwd-dc01 vm/ram 16 GB"));
    assert!(
        found[0].ends_with("vm/cpu unobserved") && !found[0].contains("vCPU"),
        "{}",
        found[0]
    );
}

#[tokio::test]
async fn a_machine_whose_organisation_cannot_be_told_fails_the_account_and_no_other() {
    let cloud = cloud(|state| {
        let dc = state.vms[2].uuid.clone();
        state.edit_vm(&dc, |vm| vm.names_org = false);
    })
    .await;
    // By its data centre it can be told.
    assert_eq!(shown(&by_vms(&cloud), &cloud.sim).await[0], NORTHWIND_VMS);
    cloud.sim.with_state(|state| {
        state.edit_vm(&cloud.vms[0], |vm| vm.names_vdc = false);
    });
    let found = readings(&by_vms(&cloud), &cloud.sim).await.unwrap();
    let ReadingOutcome::Failed(failure) = &found[0].outcome else {
        panic!("{:?}", found[0]);
    };
    assert!(
        failure.message.contains(&cloud.vms[0]),
        "{}",
        failure.message
    );
    assert!(
        failure.message.contains("cannot be told"),
        "{}",
        failure.message
    );
    assert!(found[1].lines().is_some() && found[2].lines().is_some());
    // What does not depend on machines is read on.
    assert_eq!(shown(&source(&cloud), &cloud.sim).await[0], NORTHWIND_VDCS);
}

#[tokio::test]
async fn data_centres_and_gateways_that_name_no_organisation_fail_the_account() {
    let cloud = cloud(|state| {
        let vdc = state.vdcs[2].uuid.clone();
        state.edit_vdc(&vdc, |vdc| vdc.names_org = false);
        let edge = state.edges[0].uuid.clone();
        state.edit_edge(&edge, |edge| edge.names_org = false);
    })
    .await;
    assert_eq!(
        shown(&source(&cloud), &cloud.sim).await,
        ["northwind: failed", "oak-legal: failed", "birch-gym: "]
    );
}

#[tokio::test]
async fn a_filter_that_the_server_does_not_understand_is_no_empty_account() {
    let cloud = cloud(|state| state.switches.addresses_unknown = true).await;
    assert_eq!(
        shown(&source(&cloud), &cloud.sim).await,
        ["northwind: failed", "oak-legal: failed", "birch-gym: "]
    );
    let by_uuid = VcdSource::builder()
        .client(provider(&cloud.sim))
        .org_reference(OrgReference::Uuid)
        .build()
        .unwrap();
    assert_eq!(shown(&by_uuid, &cloud.sim).await[0], NORTHWIND_VDCS);
    let asked = asked(&cloud.sim);
    let filter = format!("filter=org=={}&", cloud.orgs[0]);
    assert!(asked.iter().any(|own| own.contains(&filter)), "{asked:?}");
    cloud
        .sim
        .with_state(|state| state.switches.filters_ignored = true);
    let found = readings(&source(&cloud), &cloud.sim).await.unwrap();
    for reading in &found {
        let ReadingOutcome::Failed(failure) = &reading.outcome else {
            panic!("{reading:?}");
        };
        assert!(
            failure.message.contains("another organisation"),
            "{}",
            failure.message
        );
    }
}

#[tokio::test]
async fn a_failure_of_one_organisation_leaves_the_others_as_they_are() {
    let cloud = cloud(|_| {}).await;
    let well = shown(&source(&cloud), &cloud.sim).await;
    for (kind, fault) in [
        ("adminOrgVdc", Fault::status(403)),
        ("adminOrgVdcStorageProfile", Fault::text_503()),
        ("adminOrgVdc", Fault::html_login_200()),
    ] {
        cloud.sim.faults().clear();
        let of_oak = Match::get("/api/query").query(&format!("type={kind}&"));
        let of_oak = of_oak.query(&cloud.orgs[1]);
        cloud.sim.faults().on(of_oak, fault);
        let found = shown(&source(&cloud), &cloud.sim).await;
        assert_eq!(
            found,
            [well[0].as_str(), "oak-legal: failed", well[2].as_str()]
        );
    }
    cloud.sim.faults().clear();
    let edges = Match::get("/edgeGateways").query(&cloud.orgs[0]);
    cloud.sim.faults().on(edges, Fault::status(404));
    let found = shown(&source(&cloud), &cloud.sim).await;
    assert_eq!(
        found,
        ["northwind: failed", well[1].as_str(), well[2].as_str()]
    );

    cloud.sim.faults().clear();
    cloud
        .sim
        .faults()
        .on(Match::post("/oauth"), Fault::status(400));
    let error = readings(&source(&cloud), &cloud.sim).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
}

#[tokio::test]
async fn only_the_accounts_that_are_asked_for_are_read() {
    let cloud = cloud(|_| {}).await;
    let request = UsageRequest::new(now(&cloud.sim)).with_accounts([cloud.orgs[1].as_str().into()]);
    let source = source(&cloud);
    let found: Vec<_> = source.usage(&request).collect().await;
    assert_eq!(found.len(), 1);
    let reading = found[0].as_ref().unwrap();
    assert_eq!(reading.account.as_str(), cloud.orgs[1]);
    assert_eq!((reading.read_at, reading.basis), (request.now, Basis::Live));
    assert!(
        !asked(&cloud.sim)
            .iter()
            .any(|own| own.contains(&cloud.orgs[0]))
    );
}

#[tokio::test]
async fn services_are_those_that_the_settings_make_and_policies_where_each_is_one() {
    let cloud = cloud(|_| {}).await;
    let keys = async |source: &VcdSource| {
        let services: Vec<_> = source.services().try_collect().await.unwrap();
        services
            .iter()
            .map(|own| own.key.to_string())
            .collect::<Vec<_>>()
    };
    let vdc = [
        "vdc/cpu",
        "vdc/ram",
        "vdc/storage",
        "vdc/vm_count",
        "edge/count",
    ];
    let vm = ["vm/cpu", "vm/ram", "vm/storage", "edge/count"];
    assert_eq!(keys(&source(&cloud)).await, vdc);
    assert_eq!(keys(&by_vms(&cloud)).await, vm);
    assert_eq!(cloud.sim.request_count(), 0);
    let by_policy = VcdSource::builder()
        .client(provider(&cloud.sim))
        .storage(StorageLines::ByPolicy)
        .properties(BTreeSet::from([VcdProperty::Storage]))
        .units(VcdUnits::MhzAndMb)
        .build()
        .unwrap();
    assert_eq!(
        keys(&by_policy).await,
        ["vdc/storage", "vdc/storage:Gold", "vdc/storage:Silver"]
    );
    assert_eq!(
        shown(&by_policy, &cloud.sim).await,
        [
            "northwind: nwd-vdc-01 vdc/storage:Gold 307200 MB, nwd-vdc-01 vdc/storage:Silver 102400 MB, \
             nwd-vdc-02 vdc/storage 512000 MB",
            "oak-legal: oak-vdc-01 vdc/storage 512000 MB",
            "birch-gym: ",
        ]
    );
    let none = VcdSource::builder()
        .client(provider(&cloud.sim))
        .properties(BTreeSet::new())
        .build();
    assert_eq!(none.unwrap_err().kind(), ErrorKind::Config);
}
