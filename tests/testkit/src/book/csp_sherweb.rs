//! The business of the second demo book as Sherweb knows it: the same clients, subscriptions and consumption.

use rust_decimal::Decimal;

use crate::cloudmore::{Bill, BillLine, CloudmoreState, LineKind, Subscription};
use crate::sherweb::{
    Customer, Fees, Invoice, PayableCharge, ReceivableCharge, SherwebState,
    Subscription as Licence, Tag,
};

/// What Sherweb holds where Cloudmore holds this: licences that are not cancelled as subscriptions, with the supplier's
/// ids, and the consumption of each bill as charges on an invoice of its date.
///
/// Organizations are customers of the same ids and names: Sherweb has no field for the PSA's company.
pub fn sherweb_of(cloudmore: &CloudmoreState) -> SherwebState {
    let mut state = SherwebState::on(cloudmore.clock.today());
    state.clock = cloudmore.clock.clone();
    refresh(&mut state, cloudmore);
    state
}

/// Brings Sherweb up to what Cloudmore holds now, as after a new bill.
pub fn refresh(state: &mut SherwebState, cloudmore: &CloudmoreState) {
    let today = cloudmore.clock.today();
    state.customers = cloudmore
        .organizations
        .values()
        .map(|organization| Customer {
            id: organization.id.clone(),
            display_name: organization.name.clone(),
            path: vec!["Example MSP".to_owned(), organization.name.clone()],
            suspended_on: None,
        })
        .collect();
    let licences = cloudmore.subscriptions.values().filter(|own| {
        let service = cloudmore.service_of(own);
        service.is_some_and(|service| !service.kind.in_arrears())
            && own.cancelled.is_none_or(|on| on > today)
    });
    state.subscriptions = licences.filter_map(|own| licence(cloudmore, own)).collect();
    state.payable_charges.clear();
    state.receivable_charges.clear();
    for bill in &cloudmore.bills {
        for line in bill
            .lines
            .iter()
            .filter(|line| line.kind == LineKind::Usage)
        {
            state.payable_charges.push(owed_by_us(bill, line));
            state.receivable_charges.push(owed_to_us(bill, line));
        }
    }
    for licence in &state.subscriptions {
        let cost = licence.fees.as_ref().map(|fees| fees.recurring_fee);
        let mut charge = PayableCharge::monthly(
            "",
            &licence.sku,
            licence.quantity,
            cost.unwrap_or_default(),
            today,
        );
        charge.tags = of_customer(&licence.customer_id);
        state.payable_charges.push(charge);
    }
}

fn licence(cloudmore: &CloudmoreState, own: &Subscription) -> Option<Licence> {
    let product = cloudmore.products.get(&own.product_id)?;
    let quantity = own.quantity_on(cloudmore.clock.today());
    Some(Licence {
        id: own.external_id.clone(),
        customer_id: own.organization_id.clone(),
        product_name: product.name.clone(),
        description: product.name.clone(),
        sku: product.sku.clone(),
        quantity: i64::try_from(quantity.trunc()).ok()?,
        billing_cycle: "monthly".to_owned(),
        purchase_date: None,
        fees: Some(Fees {
            recurring_fee: product.cost,
            setup_fee: Decimal::ZERO,
            currency: "Usd".to_owned(),
        }),
        commitment: None,
    })
}

fn of_customer(id: &str) -> Vec<Tag> {
    vec![Tag {
        name: "CustomerId".to_owned(),
        value: id.to_owned(),
    }]
}

/// The meter's unit has another price each day: what was used of it is one unit, at its total.
fn owed_by_us(bill: &Bill, line: &BillLine) -> PayableCharge {
    let mut charge = PayableCharge::monthly("", &line.sku, 1, line.cost_total, bill.date);
    charge.charge_type = "Usage".to_owned();
    charge.charge_name = Some(line.product_name.clone());
    charge.product_name = Some("Azure plan".to_owned());
    charge.period_from = line.start;
    charge.period_to = line.end;
    charge.is_billed = true;
    charge.is_proratable = false;
    charge.invoice = Some(Invoice {
        number: format!("INV-{}", bill.date),
        date: bill.date,
        period_from: line.start,
        period_to: line.end,
    });
    charge.tags = of_customer(&bill.organization_id);
    charge
}

fn owed_to_us(bill: &Bill, line: &BillLine) -> ReceivableCharge {
    let mut charge = ReceivableCharge::monthly(
        &bill.organization_id,
        &line.sku,
        1,
        line.price_total,
        bill.date,
    );
    charge.charge_type = "Usage".to_owned();
    charge.charge_name.clone_from(&line.product_name);
    charge.period_from = line.start;
    charge.period_to = line.end;
    charge.is_proratable = false;
    charge
}
