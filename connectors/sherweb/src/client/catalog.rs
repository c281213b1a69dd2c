//! Receivable charges, catalogs and platforms.

use tallyline_core::http::Request;
use tallyline_core::model::CivilDate;
use tallyline_core::{Error, ErrorKind, Result};

use super::{CONNECTOR, SherwebClient, check_id, config};
use crate::error::contains_word;
use crate::models::{
    CustomerCatalog, FreeForm, MeterUsages, Platforms, PlatformsConfigurations, PricingBody,
    ReceivableCharges,
};
use crate::operations;

/// The vendor closes receivable charges to who uses its own PSA integration.
fn explain_psa_integration(error: Error) -> Error {
    let refused = error
        .status()
        .is_some_and(|status| (400..500).contains(&status));
    let says_so = error
        .http()
        .and_then(|http| http.vendor_message.as_deref())
        .is_some_and(|message| {
            contains_word(message, "psa") && contains_word(message, "integration")
        });
    if !(refused && says_so) {
        return error;
    }
    let mut explained = Error::new(
        ErrorKind::Config,
        "receivable charges cannot be read while a PSA integration is switched on in the partner \
         portal: switch it off there, or read payable charges and subscriptions instead",
    )
    .with_connector(CONNECTOR)
    .with_operation(operations::RECEIVABLE_CHARGES.name)
    .with_sent(error.sent());
    if let Some(http) = error.http() {
        explained = explained.with_http(http.clone());
    }
    explained.with_source(error)
}

/// What customers owe, can buy and have set up.
impl SherwebClient {
    /// Reads what one customer owes the MSP.
    ///
    /// `GET /service-provider/v1/billing/receivable-charges`. `date` is any day (UTC) of the
    /// billing period; `None` for the present one. Read the period that came back: it may be
    /// another one.
    ///
    /// # Errors
    /// `Config` for an empty id, and when the vendor refuses because a PSA integration is
    /// switched on in the partner portal; else `Auth`, `PermissionDenied`, `NotFound`,
    /// `Invalid`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// let charges = client.receivable_charges("5d0c5a1e-customer", None).await?;
    /// println!("{:?} to {:?}", charges.period_from, charges.period_to);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn receivable_charges(
        &self,
        customer_id: &str,
        date: Option<CivilDate>,
    ) -> Result<ReceivableCharges> {
        let request = Self::of_customer(&operations::RECEIVABLE_CHARGES, customer_id)?
            .query_opt("date", date);
        self.inner
            .service_provider
            .json(request)
            .await
            .map_err(explain_psa_integration)
    }

    /// Lists what a customer can buy.
    ///
    /// `GET /service-provider/v1/customer-catalogs/{customerId}`
    ///
    /// # Errors
    /// `Config` for an empty id, `Auth`, `PermissionDenied`, `NotFound`, `RateLimited`,
    /// `Unavailable`, `Timeout`, `Protocol`.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// let offers = client.customer_catalog("5d0c5a1e-customer").await?.catalog_items;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn customer_catalog(&self, customer_id: &str) -> Result<CustomerCatalog> {
        let request = Self::in_customer(&operations::CATALOG, customer_id)?;
        self.inner.service_provider.json(request).await
    }

    /// Reads prices of offers for a customer, in a shape that is not published.
    ///
    /// `POST /service-provider/v1/customer-catalogs/{customerId}/catalog-items-pricing`. It
    /// reads although it is a POST. The form of its body, `{"skus": [...]}`, is inferred.
    ///
    /// # Errors
    /// As [`customer_catalog`](Self::customer_catalog); `Config` also for an empty list.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// let skus = ["MAIL-A-MM".to_owned()];
    /// println!("{}", client.catalog_items_pricing("5d0c5a1e-customer", &skus).await?.as_str());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn catalog_items_pricing(
        &self,
        customer_id: &str,
        skus: &[String],
    ) -> Result<FreeForm> {
        let operation = &operations::CATALOG_PRICING;
        if skus.is_empty() {
            return Err(config("no SKU to price").with_operation(operation.name));
        }
        let request = Self::in_customer(operation, customer_id)?.json(&PricingBody { skus });
        self.inner.service_provider.json(request).await
    }

    /// Lists the platforms that offers belong to.
    ///
    /// `GET /service-provider/v1/platforms`
    ///
    /// # Errors
    /// `Auth`, `PermissionDenied`, `NotFound`, `RateLimited`, `Unavailable`, `Timeout`,
    /// `Protocol`.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// let platforms = client.platforms().await?.platforms;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn platforms(&self) -> Result<Platforms> {
        self.inner
            .service_provider
            .json(Request::new(&operations::PLATFORMS))
            .await
    }

    /// Lists the platforms that a customer has set up.
    ///
    /// `GET /service-provider/v1/customers/{customerId}/platforms-configurations`
    ///
    /// # Errors
    /// As [`customer_catalog`](Self::customer_catalog).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// let configured = client.platforms_configurations("5d0c5a1e-customer").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn platforms_configurations(
        &self,
        customer_id: &str,
    ) -> Result<PlatformsConfigurations> {
        let request = Self::in_customer(&operations::PLATFORMS_CONFIGURATIONS, customer_id)?;
        self.inner.service_provider.json(request).await
    }

    /// Reads a customer's details on a platform, in a shape that is not published.
    ///
    /// `GET /service-provider/v1/customers/{customerId}/platforms/{platformId}/details`
    ///
    /// # Errors
    /// As [`customer_catalog`](Self::customer_catalog).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// let details = client.platform_details("5d0c5a1e-customer", "7c2e-platform").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn platform_details(&self, customer_id: &str, platform_id: &str) -> Result<FreeForm> {
        let operation = &operations::PLATFORM_DETAILS;
        check_id(operation, "platform id", platform_id)?;
        let request = Self::in_customer(operation, customer_id)?.path("platformId", platform_id);
        self.inner.service_provider.json(request).await
    }

    /// Reads a customer's meters on a platform.
    ///
    /// `GET /service-provider/v1/customers/{customerId}/platforms/{platformId}/meter-usages`.
    /// The figures run through the current period; what is billed is in the usage charges.
    ///
    /// # Errors
    /// As [`customer_catalog`](Self::customer_catalog).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// let meters = client.meter_usages("5d0c5a1e-customer", "7c2e-platform").await?.meters;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn meter_usages(&self, customer_id: &str, platform_id: &str) -> Result<MeterUsages> {
        let operation = &operations::METER_USAGES;
        check_id(operation, "platform id", platform_id)?;
        let request = Self::in_customer(operation, customer_id)?.path("platformId", platform_id);
        self.inner.service_provider.json(request).await
    }
}
