//! Every allowance of the contract checks is needed: each operation of each simulator is driven.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "helpers of tests are tests"
)]

mod support;

use jiff::civil::date;
use rust_decimal::Decimal;
use support::psa::{CLIENT, ROOT, keys, world};
use support::sherweb::call;
use support::{autotask, basic, ingram};
use tallyline_testkit::contract::{self, EXCEPTIONS, Exception, System, excused};
use tallyline_testkit::ingram::DetailFailure;
use tallyline_testkit::limit::RateLimit;
use tallyline_testkit::sherweb::{
    Commitment, MinimalQuantity, PayableCharge, ReceivableCharge, Renewal, SherwebSimulator,
    SherwebState,
};

const SUBSCRIPTIONS: &str = "/service-provider/v1/billing/subscriptions";

/// Drives every operation of the simulated marketplace; gives the exceptions that were needed.
async fn drive_sherweb() -> Vec<&'static Exception> {
    let mut state = SherwebState::new();
    let customer = state.add_customer("Birch Harbor Dental");
    let subscription = state.add_subscription(&customer, "MAIL-A-MM", 14);
    let platform = state.add_platform("Cloud");
    state.add_meter(&platform, &customer, Decimal::TEN, Decimal::ONE);
    state.add_catalog_item(&customer, "MAIL-A-MM", "Mail Plan A", Decimal::TEN);
    let day = date(2026, 3, 15);
    let charge = PayableCharge::monthly("Birch Harbor Dental", "MAIL-A-MM", 14, Decimal::TEN, day);
    state.add_charge(charge);
    let charge = ReceivableCharge::monthly(&customer, "MAIL-A-MM", 14, Decimal::TEN, day);
    state.add_receivable_charge(charge);
    state.subscription_mut(&subscription).unwrap().commitment = Some(Commitment {
        term: "Annual".to_owned(),
        term_end: date(2026, 12, 31),
        renewal: Some(Renewal {
            renewal_date: date(2027, 1, 1),
            scheduled_quantity: None,
        }),
        minimal_quantities: Some(vec![MinimalQuantity {
            committed_until: date(2026, 12, 20),
            quantity: 1,
        }]),
    });
    let sim = SherwebSimulator::start(state).await.unwrap();
    let root = "/service-provider/v1";
    let of_customer = format!("customerId={customer}");
    for path in [
        "/distributor/v1/billing/payable-charges?date=2026-03-01".to_owned(),
        format!("{root}/customers"),
        format!("{SUBSCRIPTIONS}?{of_customer}"),
        format!("{SUBSCRIPTIONS}/details?{of_customer}"),
        format!("{SUBSCRIPTIONS}/pricing-information?{of_customer}"),
        format!("{SUBSCRIPTIONS}/meters?{of_customer}&platformId={platform}"),
        format!("{root}/billing/receivable-charges?{of_customer}&date=2026-03-01"),
        format!("{root}/customer-catalogs/{customer}"),
        format!("{root}/platforms"),
        format!("{root}/customers/{customer}/platforms-configurations"),
        format!("{root}/customers/{customer}/platforms/{platform}/details"),
        format!("{root}/customers/{customer}/platforms/{platform}/meter-usages"),
    ] {
        assert_eq!(call(&sim, "GET", &path, "").await.status, 200, "{path}");
    }
    let pricing = format!("{root}/customer-catalogs/{customer}/catalog-items-pricing");
    call(&sim, "POST", &pricing, r#"{"skus":["MAIL-A-MM"]}"#).await;
    let amendment = format!(
        r#"{{"subscriptionAmendmentParameters":[{{"subscriptionId":"{subscription}","newQuantity":20}}]}}"#
    );
    let path = format!("{SUBSCRIPTIONS}/amendments?{of_customer}");
    let receipt = call(&sim, "POST", &path, &amendment).await;
    let id = receipt.text("subscriptionsAmendmentId");
    let status = format!("{SUBSCRIPTIONS}/amendments/{id}/status");
    assert_eq!(call(&sim, "GET", &status, "").await.status, 200);
    let tracking = sim.state().jobs[0].tracking_id.clone();
    let path = format!("{root}/tracking/{tracking}");
    assert_eq!(call(&sim, "GET", &path, "").await.status, 200);
    let path = format!("{SUBSCRIPTIONS}/cancellations?{of_customer}");
    let body = format!(r#"{{"subscriptionIds":["{subscription}"]}}"#);
    assert_eq!(call(&sim, "POST", &path, &body).await.status, 200);
    let nobody = format!("{SUBSCRIPTIONS}?customerId=c0000000-0000-4000-8000-00000000ffff");
    assert_eq!(call(&sim, "GET", &nobody, "").await.status, 404);
    sim.with_state(|state| {
        state.switches.expires_in_as_text = true;
        state.fail_customers([customer.as_str()], 503);
    });
    let path = format!("{SUBSCRIPTIONS}?{of_customer}");
    assert_eq!(call(&sim, "GET", &path, "").await.status, 503);
    sim.server().excused()
}

/// Drives every operation of the simulated PSA; gives the exceptions that were needed.
async fn drive_connectwise() -> Vec<&'static Exception> {
    let world = world().await;
    world
        .raw("GET", "/login/companyinfo/examplemsp", &[], "")
        .await;
    let (company, agreement) = (world.company, world.agreement);
    let additions = world.additions();
    for path in [
        "/system/info".to_owned(),
        "/company/companies/count".to_owned(),
        "/company/companies".to_owned(),
        format!("/company/companies/{company}"),
        "/company/companies/info".to_owned(),
        "/company/companies/statuses".to_owned(),
        "/company/companies/types".to_owned(),
        "/finance/agreements/count".to_owned(),
        "/finance/agreements?fields=id,company/id".to_owned(),
        format!("/finance/agreements/{agreement}"),
        "/finance/agreements/types".to_owned(),
        "/finance/billingCycles".to_owned(),
        "/procurement/catalog".to_owned(),
        format!("/procurement/catalog/{}", world.product),
        format!("{additions}/count"),
        additions.clone(),
        format!("{additions}/{}", world.addition),
    ] {
        assert_eq!(world.get(&path).await.status, 200, "{path}");
    }
    assert_eq!(world.post("").await.status, 201);
    let patch = r#"[{"op":"replace","path":"quantity","value":20}]"#;
    assert_eq!(world.patch(patch).await.status, 200);
    let last = world.get(&additions).await.ids().pop().unwrap();
    let path = format!("{additions}/{last}");
    assert_eq!(world.call("DELETE", &path, "").await.status, 204);
    world
        .sim
        .with_state(|state| state.options.bad_keys_not_found = true);
    let info = format!("{ROOT}/system/info");
    let wrong = basic("examplemsp+example-public-key:wrong");
    let refused = world
        .raw("GET", &info, &[("authorization", &wrong), CLIENT], "")
        .await;
    assert_eq!(refused.status, 404);
    world
        .sim
        .with_state(|state| state.limit = RateLimit::per_window(1, 60));
    let keys = keys();
    let headers = [("authorization", keys.as_str()), CLIENT];
    world.raw("GET", &info, &headers, "").await;
    assert_eq!(world.raw("GET", &info, &headers, "").await.status, 429);
    world.sim.server().excused()
}

/// Drives the simulated PSA, and checks answers that the real system is known to give and the simulator does not; gives
/// the exceptions that were needed.
async fn drive_autotask() -> Vec<&'static Exception> {
    let tenant = autotask::tenant().await;
    let lookup = format!(
        "{}/zoneInformation?user={}",
        autotask::ROOT,
        "api.user@example.com"
    );
    assert_eq!(tenant.raw("GET", &lookup, &[], "").await.status, 200);
    assert_eq!(tenant.get("/Contracts/987654321").await.status, 404);
    let everything = r#"{"MaxRecords":1,"filter":[{"op":"gte","field":"id","value":0}]}"#;
    let first = tenant.search("Companies", everything).await;
    let next: url::Url = first.next_page().unwrap().parse().unwrap();
    let target = format!("{}?{}", next.path(), next.query().unwrap());
    let credentials = [autotask::CODE, autotask::USER, autotask::SECRET];
    let second = tenant.raw("GET", &target, &credentials, "").await;
    assert_eq!(
        (second.status, second.item_ids()),
        (200, vec![tenant.company])
    );
    let wrong = r#"{"filter":[{"op":"eq","field":"nothing","value":1}]}"#;
    assert_eq!(tenant.search("Contracts", wrong).await.status, 500);
    let errors = r#"{"errors":["IntegrationCode is invalid."]}"#;
    let headers = credentials.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let unseen = [(401, errors), (200, errors)];
    let unseen = unseen.iter().flat_map(|answer| {
        let path = "/ATServicesRest/V1.0/Contracts/7";
        excused(System::Autotask, "GET", path, &headers, "", Some(*answer))
    });
    tenant
        .sim
        .server()
        .excused()
        .into_iter()
        .chain(unseen)
        .collect()
}

/// Reads details and meets refusals of the simulated Ingram Micro; gives the exceptions that were needed.
async fn drive_ingram() -> Vec<&'static Exception> {
    let it = ingram::reseller().await;
    let path = format!("/subscriptions/{}", it.subscription);
    assert_eq!(it.get(&path).await.status, 200);
    let patch = r#"{"renewalStatus":false}"#;
    assert_eq!(it.call("PATCH", &path, patch).await.status, 200);
    assert_eq!(it.get("/subscriptions/999").await.status, 404);
    it.sim.with_state(|state| {
        let conflict = DetailFailure::Prose;
        state
            .failing_details
            .insert(it.subscription.clone(), conflict);
    });
    assert_eq!(it.get(&path).await.status, 500);
    it.sim.server().excused()
}

#[tokio::test]
async fn every_exception_is_needed() {
    if let Some(why) = contract::skipped() {
        eprintln!("skipped: {why}");
        return;
    }
    let mut needed = drive_sherweb().await;
    needed.extend(drive_autotask().await);
    needed.extend(drive_connectwise().await);
    needed.extend(drive_ingram().await);
    let unused = EXCEPTIONS.iter().filter(|exception| {
        !needed
            .iter()
            .any(|needed| std::ptr::eq(*needed, *exception))
    });
    let unused: Vec<String> = unused
        .map(|exception| {
            format!(
                "{} {} {}",
                exception.operation, exception.part, exception.pointer
            )
        })
        .collect();
    assert!(unused.is_empty(), "no longer needed: {unused:#?}");
}
