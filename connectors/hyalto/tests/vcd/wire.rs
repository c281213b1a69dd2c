//! The lists on the wire: what is asked, how pages are walked, and which lists are none.

use tallyline_core::http::Records;
use tallyline_core::{ErrorKind, Result};
use tallyline_hyalto::vcd::models::{VmRecord, VmStatus};
use tallyline_hyalto::vcd::{Filter, VcdClient, VcdCredentials};
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::json::Json;
use tallyline_testkit::vcd::VcdSimulator;

use super::common::*;

async fn names<T>(
    mut records: Records<T>,
    name: impl Fn(T) -> Option<String>,
) -> Result<Vec<String>>
where
    T: serde::de::DeserializeOwned,
{
    let mut names = Vec::new();
    while let Some(record) = records.next_item().await {
        names.push(name(record?).unwrap_or_default());
    }
    Ok(names)
}

async fn vms(client: &VcdClient) -> Result<Vec<String>> {
    names(client.vms(&Filter::new()), |vm: VmRecord| vm.name).await
}

fn paged(sim: &VcdSimulator, size: u32) -> VcdClient {
    VcdClient::builder()
        .base_url(sim.base_url().as_str())
        .org("System")
        .credentials(VcdCredentials::api_token(API_TOKEN))
        .page_size(size)
        .retry(quick())
        .build()
        .unwrap()
}

#[tokio::test]
async fn each_list_asks_for_its_type_of_the_session_and_for_encoded_filters() {
    let cloud = cloud(|_| {}).await;
    let filter = Filter::new().is_not("name", "a;b");
    let base = "format=records&filter=name!=a\\;b&filterEncoded=true&page=1&pageSize=128";
    for (client, kinds) in [
        (
            provider(&cloud.sim),
            [
                "organization",
                "adminOrgVdc",
                "adminVM",
                "edgeGateway",
                "adminOrgVdcStorageProfile",
            ],
        ),
        (
            tenant(&cloud.sim),
            [
                "organization",
                "orgVdc",
                "vm",
                "edgeGateway",
                "orgVdcStorageProfile",
            ],
        ),
    ] {
        client.current_session().await.unwrap();
        cloud.sim.clear_requests();
        assert!(
            !names(client.organizations(&filter), |own| own.name)
                .await
                .unwrap()
                .is_empty()
        );
        assert!(
            !names(client.org_vdcs(&filter), |own| own.name)
                .await
                .unwrap()
                .is_empty()
        );
        assert!(
            !names(client.vms(&filter), |own| own.name)
                .await
                .unwrap()
                .is_empty()
        );
        let edges = names(client.edge_gateway_records(&filter), |own| own.name).await;
        assert_eq!(edges.unwrap(), ["nwd-edge"]);
        let policies = names(client.storage_policies(&filter), |own| own.name).await;
        assert_eq!(policies.unwrap(), ["Gold", "Silver"]);
        let wanted = kinds.map(|kind| format!("GET /api/query?type={kind}&{base}"));
        assert_eq!(asked(&cloud.sim), wanted);
        for request in cloud.sim.requests() {
            assert_eq!(
                request.header("accept"),
                Some("application/*+json;version=37.0")
            );
        }
    }
}

#[tokio::test]
async fn open_lists_ask_with_their_own_accept_and_give_references() {
    let cloud = cloud(|_| {}).await;
    let client = provider(&cloud.sim);
    let orgs = names(client.orgs(&Filter::new()), |own| own.display_name)
        .await
        .unwrap();
    assert_eq!(orgs, ["System", "northwind", "oak-legal", "birch-gym"]);
    let urn = format!("urn:vcloud:org:{}", cloud.orgs[0]);
    let filter = Filter::new().is("orgRef.id", &urn);
    let mut edges = client.edge_gateways(&filter);
    let edge = edges.next_item().await.unwrap().unwrap();
    assert!(edge.id.starts_with("urn:vcloud:gateway:"));
    assert_eq!(edge.org_ref.unwrap().id, Some(urn));
    assert!(edges.next_item().await.is_none());
    for request in &cloud.sim.requests()[1..] {
        assert_eq!(
            request.header("accept"),
            Some("application/json;version=37.0")
        );
        assert!(!request.query.contains("filterEncoded"));
    }
}

#[tokio::test]
async fn figures_keep_every_digit_whether_they_come_as_numbers_or_texts() {
    let cloud = cloud(|state| {
        state.switches.numbers_as_text = true;
        state.switches.status_as_number = true;
    })
    .await;
    let mut vms = tenant(&cloud.sim).vms(&Filter::new().is("name", "nwd-web01"));
    let vm = vms.next_item().await.unwrap().unwrap();
    assert_eq!(vm.number_of_cpus, Some(2.into()));
    assert_eq!(vm.memory_mb, Some(4097.into()));
    assert_eq!(vm.total_storage_allocated_mb, Some(51_200.into()));
    assert_eq!(vm.status, Some(VmStatus::PoweredOn));
    assert_eq!(vm.is_vapp_template, Some(false));
    assert_eq!(vm.org, None);
}

#[tokio::test]
async fn pages_are_walked_to_the_count_that_is_told_whatever_size_they_come_in() {
    let cloud = cloud(|state| state.switches.no_empty_record = true).await;
    let all = vms(&provider(&cloud.sim)).await.unwrap();
    assert_eq!(all.len(), 9);
    for size in [1, 2, 3, 4, 8, 9, 10] {
        cloud.sim.clear_requests();
        assert_eq!(vms(&paged(&cloud.sim, size)).await.unwrap(), all, "{size}");
        assert_eq!(asked(&cloud.sim).len(), 9_usize.div_ceil(size as usize));
    }
    cloud
        .sim
        .with_state(|state| state.switches.max_page = Some(2));
    assert_eq!(vms(&provider(&cloud.sim)).await.unwrap(), all);
    cloud.sim.with_state(|state| state.vms.clear());
    assert!(vms(&provider(&cloud.sim)).await.unwrap().is_empty());
}

#[tokio::test]
async fn open_lists_are_walked_by_their_link_by_their_count_or_to_a_page_that_is_not_full() {
    let cloud = cloud(|state| {
        let vdc = state.vdcs[0].uuid.clone();
        for number in 0..4 {
            state.add_edge(&vdc, &format!("edge-{number}"));
        }
    })
    .await;
    let edges = async |size| {
        let list = paged(&cloud.sim, size).edge_gateways(&Filter::new());
        names(list, |own| own.name).await.unwrap()
    };
    let all = edges(128).await;
    assert_eq!(all.len(), 5);
    for (links, untold) in [(true, false), (false, false), (true, true), (false, true)] {
        cloud.sim.with_state(|state| {
            state.switches.links = links;
            state.switches.untold_totals = untold;
        });
        for size in [1, 2, 5, 6] {
            assert_eq!(edges(size).await, all, "{links} {untold} {size}");
        }
    }
}

/// Changes a member of every page that is answered from the second on.
fn rewrite(member: &'static str, to: Option<&'static str>) -> Fault {
    Fault::rewrite(move |mut answer| {
        let Ok(Json::Object(mut members)) = Json::parse(&answer.body) else {
            return answer;
        };
        members.retain(|(name, _)| name != member);
        if let Some(to) = to {
            members.push((member.to_owned(), Json::parse(to).unwrap()));
        }
        answer.body = Json::Object(members).to_string();
        answer
    })
}

#[tokio::test]
async fn a_list_whose_pages_do_not_make_a_whole_is_an_error() {
    let cloud = cloud(|_| {}).await;
    let second = || Match::get("/api/query").nth(2);
    for (fault, says) in [
        (
            rewrite("page", Some("1")),
            "page 1 came in the place of page 2",
        ),
        (rewrite("total", Some("12")), "changed while it was read"),
        (rewrite("total", None), "total"),
        (rewrite("record", None), "ended after 4 of 9"),
        (rewrite("record", Some("[]")), "ended after 4 of 9"),
        (rewrite("record", Some("null")), "ended after 4 of 9"),
    ] {
        cloud.sim.faults().clear();
        cloud.sim.faults().on(second(), fault);
        let error = vms(&paged(&cloud.sim, 4)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
    let every = Match::get("/api/query");
    for (total, says) in [
        ("3", "of 3 records, and 4 came"),
        ("20", "ended after 9 of 20"),
    ] {
        cloud.sim.faults().clear();
        cloud
            .sim
            .faults()
            .on(every.clone(), rewrite("total", Some(total)));
        let error = vms(&paged(&cloud.sim, 4)).await.unwrap_err();
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
}

#[tokio::test]
async fn a_page_that_comes_again_is_an_error_and_not_a_loop() {
    let cloud = cloud(|_| {}).await;
    let first = std::sync::Mutex::new(None);
    cloud.sim.faults().on(
        Match::get("/api/query"),
        Fault::rewrite(move |answer| {
            let mut kept = first.lock().unwrap();
            let mut answer = kept.get_or_insert(answer).clone();
            // It does not say which page it is.
            answer.body = answer.body.replace("\"page\":1", "\"page\":null");
            answer
        }),
    );
    let error = vms(&paged(&cloud.sim, 4)).await.unwrap_err();
    assert!(error.to_string().contains("read before"), "{error}");
}

#[tokio::test]
async fn a_link_to_another_host_is_followed_at_home() {
    let cloud = cloud(|state| {
        let vdc = state.vdcs[0].uuid.clone();
        state.add_edge(&vdc, "second");
    })
    .await;
    let link = "<https://elsewhere.example.com/cloudapi/1.0.0/edgeGateways?page=2&pageSize=1>;rel=\"nextPage\"";
    cloud.sim.faults().on(
        Match::get("/edgeGateways").once(),
        Fault::rewrite(move |mut answer| {
            answer.headers.retain(|(name, _)| name != "link");
            answer.header("link", link)
        }),
    );
    let list = paged(&cloud.sim, 1).edge_gateways(&Filter::new());
    let found = names(list, |own| own.name).await.unwrap();
    assert_eq!(found, ["nwd-edge", "second"]);
}

#[tokio::test]
async fn links_that_lead_nowhere_or_on_for_ever_are_errors() {
    let cloud = cloud(|state| {
        let vdc = state.vdcs[0].uuid.clone();
        state.add_edge(&vdc, "second");
    })
    .await;
    for (link, says) in [
        (
            "<https://vcd.example.com/x>;rel=\"nextPage\"",
            "has no query",
        ),
        ("<?page=1&pageSize=1>;rel=\"nextPage\"", "read before"),
        (
            "<?page=9&pageSize=1>;rel=\"nextPage\"",
            "page without records leads on",
        ),
    ] {
        cloud.sim.faults().clear();
        cloud.sim.faults().on(
            Match::get("/edgeGateways"),
            Fault::rewrite(move |mut answer| {
                answer.headers.retain(|(name, _)| name != "link");
                answer.body = answer
                    .body
                    .replace("\"resultTotal\":2", "\"resultTotal\":null");
                answer.header("link", link)
            }),
        );
        let list = paged(&cloud.sim, 1).edge_gateways(&Filter::new());
        let error = names(list, |own| own.name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
}

#[tokio::test]
async fn errors_of_both_families_tell_code_message_and_the_name_of_the_request() {
    let cloud = cloud(|state| {
        state.denied.insert("adminVM".to_owned());
        state.denied.insert("edgeGateways".to_owned());
    })
    .await;
    let client = provider(&cloud.sim);
    let refused = [
        vms(&client).await.unwrap_err(),
        names(client.edge_gateways(&Filter::new()), |own| own.name)
            .await
            .unwrap_err(),
    ];
    let requests = cloud.sim.requests();
    for (error, request) in refused.iter().zip(&requests[1..]) {
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(error.vendor_code(), Some("ACCESS_TO_RESOURCE_IS_FORBIDDEN"));
        let sent = request.header("x-vmware-vcloud-client-request-id").unwrap();
        let http = error.http().unwrap();
        assert_eq!(http.request_id.as_deref(), Some(sent));
        let echoed = http.vendor_request_id.as_deref().unwrap();
        assert!(echoed.starts_with(sent), "{echoed}");
        assert!(error.to_string().contains("rights"), "{error}");
    }
    let filter = Filter::new().is("colour", "red");
    let error = names(client.organizations(&filter), |own| own.name)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named_by_its_place_and_the_list_goes_on() {
    let cloud = cloud(|_| {}).await;
    cloud.sim.faults().on(
        Match::get("/api/query"),
        Fault::rewrite(|mut answer| {
            answer.body = answer
                .body
                .replace("\"memoryMB\":4097", "\"memoryMB\":\"much\"");
            answer
        }),
    );
    let mut vms = provider(&cloud.sim).vms(&Filter::new());
    let (mut good, mut bad) = (0, Vec::new());
    while let Some(vm) = vms.next_item().await {
        match vm {
            Ok(_) => good += 1,
            Err(error) => bad.push(error),
        }
    }
    assert_eq!((good, bad.len()), (8, 1));
    assert_eq!(bad[0].json_path(), Some("record[3].memoryMB"));
}
