//! The simulators of this crate, as the batteries see them.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use tallyline_core::model::{
    AgreementId, AgreementLine, AgreementLineId, CivilDate, Money, Quantity,
};

use super::harness::{Psa, Vendor};
use crate::autotask::{AutotaskSimulator, AutotaskState, Entity};
use crate::cloudmore::CloudmoreSimulator;
use crate::connectwise::ConnectWiseSimulator;
use crate::dandh::DandhSimulator;
use crate::gradient::GradientSimulator;
use crate::hyalto::HyAltoSimulator;
use crate::ingram::IngramSimulator;
use crate::server::Simulator;
use crate::sherweb::SherwebSimulator;
use crate::vcd::VcdSimulator;

impl Vendor for Simulator {
    fn server(&self) -> &Simulator {
        self
    }
}

impl Vendor for SherwebSimulator {
    fn server(&self) -> &Simulator {
        self.server()
    }

    fn expire_tokens(&self) {
        self.revoke_tokens();
    }
}

impl Vendor for CloudmoreSimulator {
    fn server(&self) -> &Simulator {
        self.server()
    }

    fn expire_tokens(&self) {
        self.revoke_tokens();
    }
}

impl Vendor for IngramSimulator {
    fn server(&self) -> &Simulator {
        self.server()
    }

    fn expire_tokens(&self) {
        self.revoke_tokens();
    }
}

impl Vendor for HyAltoSimulator {
    fn server(&self) -> &Simulator {
        self.server()
    }

    fn expire_tokens(&self) {
        self.revoke_tokens();
    }
}

impl Vendor for VcdSimulator {
    fn server(&self) -> &Simulator {
        self.server()
    }

    fn expire_tokens(&self) {
        self.end_sessions();
    }
}

impl Vendor for DandhSimulator {
    fn server(&self) -> &Simulator {
        self.server()
    }

    fn expire_tokens(&self) {
        self.expire_sessions();
    }
}

impl Vendor for GradientSimulator {
    fn server(&self) -> &Simulator {
        self.server()
    }
}

impl Psa for GradientSimulator {
    /// A count is a line under the id of its service.
    fn lines(&self, agreement: &AgreementId) -> Vec<AgreementLine> {
        let state = self.state();
        let counts = state.counts.iter();
        let of_account = counts.filter(|((account, _), _)| account == agreement.as_str());
        let line = |((_, service), count): (&(String, String), &Decimal)| {
            AgreementLine::new(service.as_str(), service.as_str(), Quantity::new(*count))
        };
        of_account.map(line).collect()
    }

    fn edit_quantity(&self, line: &AgreementLineId, to: Quantity) {
        self.with_state(|state| {
            let counts = state.counts.iter_mut();
            for ((_, service), count) in counts {
                if service == line.as_str() {
                    *count = to.value();
                }
            }
        });
    }

    fn unmap(&self, agreement: &AgreementId) -> bool {
        self.with_state(|state| state.mapped_accounts.remove(agreement.as_str()))
    }
}

impl Vendor for ConnectWiseSimulator {
    fn server(&self) -> &Simulator {
        self.server()
    }
}

impl Psa for ConnectWiseSimulator {
    fn lines(&self, agreement: &AgreementId) -> Vec<AgreementLine> {
        let Ok(id) = agreement.as_str().parse() else {
            return Vec::new();
        };
        self.with_state(|state| {
            let additions = state.additions_of(id);
            let line = |addition: &&crate::connectwise::Addition| {
                let mut line = AgreementLine::new(
                    addition.id.to_string(),
                    addition.product_id.to_string(),
                    Quantity::new(addition.quantity),
                );
                line.state.unit_price = Some(Money::without_currency(addition.unit_price));
                line.state.unit_cost = Some(Money::without_currency(addition.unit_cost));
                line.state.effective = addition.effective_date.and_then(day);
                line.state.last_day = addition.cancelled_date.and_then(day);
                line
            };
            additions.iter().map(line).collect()
        })
    }

    fn edit_quantity(&self, line: &AgreementLineId, to: Quantity) {
        let to: Decimal = to.value();
        if let Ok(id) = line.as_str().parse() {
            self.with_state(|state| state.edit_addition(id, |addition| addition.quantity = to));
        }
    }
}

impl Vendor for AutotaskSimulator {
    fn server(&self) -> &Simulator {
        self.server()
    }
}

/// A day of a simulator.
fn day(date: jiff::civil::Date) -> Option<CivilDate> {
    date.to_string().parse().ok()
}

/// The first day of the month after the present one: changes of the batteries count from it.
fn next_month(state: &AutotaskState) -> jiff::civil::Date {
    let last = state.clock.today().last_of_month();
    last.tomorrow().unwrap_or(last)
}

/// The last day that a line bills, where it bills nothing from some day on.
fn last_day(state: &AutotaskState, line: i64) -> Option<CivilDate> {
    let rows = state.units.values();
    let mut rows: Vec<_> = rows
        .filter(|row| row.contract_service_id == line)
        .map(|row| (row.start, row.units))
        .collect();
    rows.sort();
    let billing = rows.iter().rposition(|(_, units)| *units != 0)?;
    let (start, _) = rows.get(billing + 1)?;
    start.yesterday().ok().and_then(day)
}

impl Psa for AutotaskSimulator {
    fn lines(&self, agreement: &AgreementId) -> Vec<AgreementLine> {
        let Ok(id) = agreement.as_str().parse() else {
            return Vec::new();
        };
        self.with_state(|state| {
            let of_contract = state
                .list(Entity::ContractServices)
                .filter(|line| line.integer("contractID") == Some(id));
            let line = |line: &crate::autotask::Record| {
                let service = line.integer("serviceID").unwrap_or_default();
                let mut found = AgreementLine::new(
                    line.id.to_string(),
                    service.to_string(),
                    state.units_on(line.id, next_month(state)),
                );
                let money = |name| line.decimal(name).map(Money::without_currency);
                found.state.unit_price = money("unitPrice");
                found.state.unit_cost = money("unitCost");
                found.state.last_day = last_day(state, line.id);
                found
            };
            of_contract.map(line).collect()
        })
    }

    fn edit_quantity(&self, line: &AgreementLineId, to: Quantity) {
        let (Ok(id), Some(to)) = (line.as_str().parse::<i64>(), to.value().to_i64()) else {
            return;
        };
        self.with_state(|state| {
            let from = next_month(state);
            let rows = state.units.values_mut();
            for row in rows.filter(|row| row.contract_service_id == id && row.end >= from) {
                row.units = to;
            }
        });
    }
}
