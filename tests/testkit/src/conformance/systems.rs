//! The simulators of this crate, as the batteries see them.

use rust_decimal::Decimal;
use tallyline_core::model::{AgreementId, AgreementLine, AgreementLineId, Quantity};

use super::harness::{Psa, Vendor};
use crate::connectwise::ConnectWiseSimulator;
use crate::server::Simulator;
use crate::sherweb::SherwebSimulator;

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
                AgreementLine::new(
                    addition.id.to_string(),
                    addition.product_id.to_string(),
                    Quantity::new(addition.quantity),
                )
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
