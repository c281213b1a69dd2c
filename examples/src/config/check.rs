//! Figures of the configuration that cannot be meant.

use rust_decimal::Decimal;
use tallyline_core::{Error, ErrorKind, Result};

use super::{File, HyAltoConfig, SourceConfig};

impl File {
    /// Refuses figures that cannot be meant, by their keys. What depends on the vendor its connector checks.
    pub(super) fn check(&self) -> Result<()> {
        self.policy.validate()?;
        let wrong = |key: &str, what: &str| {
            Err(Error::new(ErrorKind::Config, format!("{key} is 0: {what}")))
        };
        if self.network.attempts == Some(0) {
            return wrong("network.attempts", "a read is tried once at least");
        }
        match &self.source {
            SourceConfig::HyAlto(provider) if provider.window_days == Some(0) => wrong(
                "source.window_days",
                "a quantity is taken of one day at least; leave it out for the month",
            ),
            SourceConfig::HyAlto(provider) => provider.check_factors(),
            SourceConfig::Cloudmore(reseller) if reseller.history_days == Some(0) => wrong(
                "source.history_days",
                "bills are read of one day back at least",
            ),
            SourceConfig::Ingram(reseller) if reseller.page_size == Some(0) => {
                wrong("source.page_size", "a page holds one row at least")
            }
            _ => Ok(()),
        }
    }
}

impl HyAltoConfig {
    /// Refuses factors that would turn usage into nothing, or into a credit.
    fn check_factors(&self) -> Result<()> {
        let mut units = self.units.iter();
        match units.find(|(_, unit)| unit.factor <= Decimal::ZERO) {
            None => Ok(()),
            Some((property, unit)) => Err(Error::new(
                ErrorKind::Config,
                format!(
                    "source.units.{property}.factor is {}: write a factor above zero",
                    unit.factor
                ),
            )),
        }
    }
}
