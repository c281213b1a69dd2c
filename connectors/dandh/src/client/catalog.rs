//! The catalogue. Not needed to keep quantities in step: charges and subscriptions name everything
//! that is in use.

use tallyline_core::Result;

use super::{DandhClient, Parameters, check_text, one_or_many};
use crate::models::{
    MarketplaceInfo, MarketplaceServiceCharges, ServiceFields, ServiceInformation,
    SimpleProductInfo,
};
use crate::operations;

impl Parameters<'_> {
    fn of_marketplace(marketplace_id: i64) -> Self {
        Self {
            marketplace_id: Some(marketplace_id),
            ..Self::default()
        }
    }
}

/// The catalogue.
impl DandhClient {
    /// Lists the marketplaces of the reseller.
    ///
    /// `GetMarketplaces`
    ///
    /// # Errors
    /// As [`companies`](Self::companies).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let marketplaces = client.marketplaces().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn marketplaces(&self) -> Result<Vec<MarketplaceInfo>> {
        let request = Parameters::default().ask(&operations::MARKETPLACES);
        self.inner.http.json(request).await
    }

    /// Lists the services of a marketplace.
    ///
    /// `ListMarketplaceServices`
    ///
    /// # Errors
    /// As [`companies`](Self::companies).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let services = client.marketplace_services(7).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn marketplace_services(
        &self,
        marketplace_id: i64,
    ) -> Result<Vec<SimpleProductInfo>> {
        let parameters = Parameters::of_marketplace(marketplace_id);
        let request = parameters.ask(&operations::MARKETPLACE_SERVICES);
        self.inner.http.json(request).await
    }

    /// Lists the prices of a marketplace's services.
    ///
    /// `GetMarketplaceServiceCharges`, whose answer is a list or a single record.
    ///
    /// # Errors
    /// As [`companies`](Self::companies).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let charges = client.marketplace_charges(7).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn marketplace_charges(
        &self,
        marketplace_id: i64,
    ) -> Result<Vec<MarketplaceServiceCharges>> {
        let parameters = Parameters::of_marketplace(marketplace_id);
        let request = parameters.ask(&operations::MARKETPLACE_CHARGES);
        one_or_many(&self.inner.http.send(request).await?)
    }

    /// Lists the services that could be added below an account.
    ///
    /// `GetPossibleServicesForParent`
    ///
    /// # Errors
    /// As [`companies`](Self::companies).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let services = client.possible_services(410_977).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn possible_services(
        &self,
        parent_account_id: i64,
    ) -> Result<Vec<SimpleProductInfo>> {
        let parameters = Parameters::of_parent(parent_account_id);
        let request = parameters.ask(&operations::POSSIBLE_SERVICES);
        self.inner.http.json(request).await
    }

    /// Reads what a service is, in words.
    ///
    /// `GetServiceInformation`
    ///
    /// # Errors
    /// As [`companies`](Self::companies), and `Config` for a blank name.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let about = client.service_information("555001_MailPlanA_20417").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn service_information(&self, service_name: &str) -> Result<ServiceInformation> {
        let operation = &operations::SERVICE_INFORMATION;
        check_text(operation, "name of the service", service_name)?;
        let parameters = Parameters {
            service_name: Some(service_name),
            ..Parameters::default()
        };
        self.inner.http.json(parameters.ask(operation)).await
    }

    /// Reads the fields of a service, as they would be below an account.
    ///
    /// `GetFieldsForService`
    ///
    /// # Errors
    /// As [`companies`](Self::companies), and `Config` for a blank name.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let fields = client.service_fields(410_977, "555001_MailPlanA_20417", None).await?.fields;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn service_fields(
        &self,
        parent_account_id: i64,
        product_name: &str,
        secondary_parent_id: Option<i64>,
    ) -> Result<ServiceFields> {
        let operation = &operations::SERVICE_FIELDS;
        check_text(operation, "name of the product", product_name)?;
        let parameters = Parameters {
            product_name: Some(product_name),
            secondary_parent_id,
            ..Parameters::of_parent(parent_account_id)
        };
        self.inner.http.json(parameters.ask(operation)).await
    }
}
