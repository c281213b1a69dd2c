//! The operations that read.

use futures::stream::{self, BoxStream, StreamExt as _};
use tallyline_core::Result;
use tallyline_core::http::{Operation, Request};
use tallyline_core::model::{CivilDate, Timestamp};

use super::paging::{Identified, distinct};
use super::{IngramClient, about};
use crate::models::{
    Customer, Order, OrderDetailed, OrderStatus, Plan, Product, Report, ReportFormat, ReportStatus,
    ReportType, Reseller, Subscription, SubscriptionDetail, SubscriptionStatus,
};
use crate::operations;

macro_rules! identified {
    ($($record:ty),+) => {
        $(impl Identified for $record {
            fn id(&self) -> &str {
                &self.id
            }
        })+
    };
}

identified!(
    Customer,
    Reseller,
    Subscription,
    Order,
    Product,
    Plan,
    Report
);

/// Which customers are listed; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerFilter {
    /// Those whose names are similar.
    pub name: Option<String>,
    /// Those with a contact person of this address.
    pub email: Option<String>,
    /// Those with this id of the reseller's own.
    pub external_id: Option<String>,
    /// Those of a reseller.
    pub reseller_id: Option<String>,
}

/// Which subscriptions are listed; all of every status where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionFilter {
    /// Those of a customer.
    pub customer_id: Option<String>,
    /// Those of one status: the vendor takes no more than one.
    pub status: Option<SubscriptionStatus>,
    /// Those made on a day or later.
    pub creation_date_from: Option<CivilDate>,
    /// Those made on a day or earlier.
    pub creation_date_to: Option<CivilDate>,
}

/// Which orders are listed; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Those of a customer.
    pub customer_id: Option<String>,
    /// Those of a subscription.
    pub subscription_id: Option<String>,
    /// The one with a number. The list of a reseller's orders does not know it.
    pub order_number: Option<String>,
    /// Those of one status.
    pub status: Option<OrderStatus>,
    /// Those with the system's own word for a status. The list of a reseller's orders does not know it.
    pub status_code: Option<String>,
    /// Those placed at an instant or later.
    pub creation_time_from: Option<Timestamp>,
    /// Those placed at an instant or earlier.
    pub creation_time_to: Option<Timestamp>,
}

/// Which products are listed; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductFilter {
    /// Those of a name.
    pub name: Option<String>,
    /// Those of a service.
    pub service_name: Option<String>,
    /// Those of a part number, which may be several.
    pub mpn: Option<String>,
    /// Those of a manufacturer.
    pub vendor: Option<String>,
}

/// Which reports are listed; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportFilter {
    /// Those of a generator.
    pub name: Option<String>,
    /// Those of a form.
    pub format: Option<ReportFormat>,
    /// Those of a status.
    pub status: Option<ReportStatus>,
    /// Those made on an occasion.
    pub kind: Option<ReportType>,
    /// Those made on a day or later.
    pub from: Option<CivilDate>,
    /// Those made on a day or earlier.
    pub to: Option<CivilDate>,
}

/// Whether a value is the one asked for: a filter that the vendor does not know is ignored without a word.
fn is(value: Option<&str>, wanted: Option<&str>) -> bool {
    match (value, wanted) {
        (Some(value), Some(wanted)) => value == wanted,
        _ => true,
    }
}

fn of_customers(request: Request, filter: &CustomerFilter) -> Request {
    request
        .query_opt("name", filter.name.as_ref())
        .query_opt("email", filter.email.as_ref())
        .query_opt("externalId", filter.external_id.as_ref())
}

/// Lists and single records. Rows come newest first, and each once, whatever moves the pages.
impl IngramClient {
    /// Lists the customers.
    ///
    /// `GET /customers`
    ///
    /// # Errors
    /// An item is `Auth`, `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout` or `Protocol` where the list cannot be
    /// read, and ends the stream; a record that cannot be read is `Protocol`, and the stream goes on.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_ingram::IngramClient) -> tallyline_core::Result<()> {
    /// use futures::TryStreamExt as _;
    ///
    /// let customers: Vec<_> = client.customers(&Default::default()).try_collect().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn customers(&self, filter: &CustomerFilter) -> BoxStream<'static, Result<Customer>> {
        let request = of_customers(Request::new(&operations::CUSTOMERS), filter)
            .query_opt("resellerId", filter.reseller_id.as_ref());
        let wanted = filter.clone();
        distinct(
            self.reads(),
            request,
            self.page_size(),
            move |own: &Customer| {
                is(own.external_id.as_deref(), wanted.external_id.as_deref())
                    && is(own.reseller_id.as_deref(), wanted.reseller_id.as_deref())
            },
        )
    }

    /// Reads a customer.
    ///
    /// `GET /customers/{id}`
    ///
    /// # Errors
    /// `Config` for an empty id, `NotFound`, `Auth`, `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`,
    /// `Protocol`.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_ingram::IngramClient) -> tallyline_core::Result<()> {
    /// println!("{:?}", client.customer("1000310").await?.name);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn customer(&self, id: &str) -> Result<Customer> {
        let request = about(&operations::CUSTOMER, "customer", id)?.account(id);
        self.reads().json(request).await
    }

    /// Lists the resellers: the caller's own and those below it.
    ///
    /// `GET /resellers`
    ///
    /// # Errors
    /// As [`customers`](Self::customers).
    #[must_use]
    pub fn resellers(&self) -> BoxStream<'static, Result<Reseller>> {
        let request = Request::new(&operations::RESELLERS);
        distinct(self.reads(), request, self.page_size(), |_| true)
    }

    /// Reads a reseller.
    ///
    /// `GET /resellers/{id}`
    ///
    /// # Errors
    /// As [`customer`](Self::customer).
    pub async fn reseller(&self, id: &str) -> Result<Reseller> {
        let request = about(&operations::RESELLER, "reseller", id)?;
        self.reads().json(request).await
    }

    /// Lists the customers of a reseller below; its own id stands in the path and not in the filter.
    ///
    /// `GET /resellers/{id}/customers`
    ///
    /// # Errors
    /// As [`customers`](Self::customers); an item is `Config` for an empty id.
    #[must_use]
    pub fn reseller_customers(
        &self,
        id: &str,
        filter: &CustomerFilter,
    ) -> BoxStream<'static, Result<Customer>> {
        match about(&operations::RESELLER_CUSTOMERS, "reseller", id) {
            Ok(request) => {
                let request = of_customers(request, filter);
                distinct(self.reads(), request, self.page_size(), |_| true)
            }
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    /// Lists the orders of a reseller below.
    ///
    /// `GET /resellers/{id}/orders`
    ///
    /// # Errors
    /// As [`customers`](Self::customers); an item is `Config` for an empty id.
    #[must_use]
    pub fn reseller_orders(
        &self,
        id: &str,
        filter: &OrderFilter,
    ) -> BoxStream<'static, Result<Order>> {
        match about(&operations::RESELLER_ORDERS, "reseller", id) {
            Ok(request) => self.order_list(request, filter),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    /// Lists the subscriptions. A row tells no quantity: that stands in [`subscription`](Self::subscription) alone.
    ///
    /// `GET /subscriptions`
    ///
    /// # Errors
    /// As [`customers`](Self::customers).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_ingram::IngramClient) -> tallyline_core::Result<()> {
    /// use futures::TryStreamExt as _;
    ///
    /// let rows: Vec<_> = client.subscriptions(&Default::default()).try_collect().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn subscriptions(
        &self,
        filter: &SubscriptionFilter,
    ) -> BoxStream<'static, Result<Subscription>> {
        let request = Request::new(&operations::SUBSCRIPTIONS)
            .query_opt("customerId", filter.customer_id.as_ref())
            .query_opt("status", filter.status.as_ref())
            .query_opt("creationDateFrom", filter.creation_date_from)
            .query_opt("creationDateTo", filter.creation_date_to);
        let wanted = filter.clone();
        let status = |status: Option<&SubscriptionStatus>| status.map(ToString::to_string);
        distinct(
            self.reads(),
            request,
            self.page_size(),
            move |own: &Subscription| {
                is(own.customer_id.as_deref(), wanted.customer_id.as_deref())
                    && is(
                        status(own.status.as_ref()).as_deref(),
                        status(wanted.status.as_ref()).as_deref(),
                    )
            },
        )
    }

    /// Reads a subscription with its products: the only place of a quantity.
    ///
    /// `GET /subscriptions/{id}`
    ///
    /// # Errors
    /// As [`customer`](Self::customer). A failure says nothing about the quantity.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_ingram::IngramClient) -> tallyline_core::Result<()> {
    /// for product in client.subscription("1000451").await?.products {
    ///     println!("{:?} {:?}", product.mpn, product.quantity);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscription(&self, id: &str) -> Result<SubscriptionDetail> {
        let request = about(&operations::SUBSCRIPTION, "subscription", id)?;
        self.reads().json(request).await
    }

    /// Lists the orders. Their quantities are counts, differences and totals by turns, and are never to be summed.
    ///
    /// `GET /orders`
    ///
    /// # Errors
    /// As [`customers`](Self::customers).
    #[must_use]
    pub fn orders(&self, filter: &OrderFilter) -> BoxStream<'static, Result<Order>> {
        let request = Request::new(&operations::ORDERS)
            .query_opt("orderNumber", filter.order_number.as_ref())
            .query_opt("statusCode", filter.status_code.as_ref());
        self.order_list(request, filter)
    }

    fn order_list(
        &self,
        request: Request,
        filter: &OrderFilter,
    ) -> BoxStream<'static, Result<Order>> {
        let request = request
            .query_opt("customerId", filter.customer_id.as_ref())
            .query_opt("subscriptionId", filter.subscription_id.as_ref())
            .query_opt("status", filter.status.as_ref())
            .query_opt("creationTimeFrom", filter.creation_time_from)
            .query_opt("creationTimeTo", filter.creation_time_to);
        let customer = filter.customer_id.clone();
        distinct(
            self.reads(),
            request,
            self.page_size(),
            move |own: &Order| is(own.customer_id.as_deref(), customer.as_deref()),
        )
    }

    /// Reads an order.
    ///
    /// `GET /orders/{id}`
    ///
    /// # Errors
    /// As [`customer`](Self::customer).
    pub async fn order(&self, id: &str) -> Result<OrderDetailed> {
        let request = about(&operations::ORDER, "order", id)?;
        self.reads().json(request).await
    }

    /// Lists what can be bought, with prices and costs.
    ///
    /// `GET /products`
    ///
    /// # Errors
    /// As [`customers`](Self::customers).
    #[must_use]
    pub fn products(&self, filter: &ProductFilter) -> BoxStream<'static, Result<Product>> {
        let request = Request::new(&operations::PRODUCTS)
            .query_opt("name", filter.name.as_ref())
            .query_opt("serviceName", filter.service_name.as_ref())
            .query_opt("mpn", filter.mpn.as_ref())
            .query_opt("vendor", filter.vendor.as_ref());
        let wanted = filter.clone();
        distinct(
            self.reads(),
            request,
            self.page_size(),
            move |own: &Product| {
                is(own.mpn.as_deref(), wanted.mpn.as_deref())
                    && is(own.vendor.as_deref(), wanted.vendor.as_deref())
            },
        )
    }

    /// Lists the plans.
    ///
    /// `GET /plans`
    ///
    /// # Errors
    /// As [`customers`](Self::customers).
    #[must_use]
    pub fn plans(&self) -> BoxStream<'static, Result<Plan>> {
        let request = Request::new(&operations::PLANS);
        distinct(self.reads(), request, self.page_size(), |_| true)
    }

    /// Reads a plan.
    ///
    /// `GET /plans/{id}`
    ///
    /// # Errors
    /// As [`customer`](Self::customer).
    pub async fn plan(&self, id: &str) -> Result<Plan> {
        let request = about(&operations::PLAN, "plan", id)?;
        self.reads().json(request).await
    }

    /// Lists the reports, whose files are the only invoices. The vendor answers all at once, whatever page is asked for.
    ///
    /// `GET /reports`. The address of a file opens it for whoever knows it, so neither answer nor address is ever shown.
    ///
    /// # Errors
    /// As [`customers`](Self::customers).
    #[must_use]
    pub fn reports(&self, filter: &ReportFilter) -> BoxStream<'static, Result<Report>> {
        let request = shut(&operations::REPORTS)
            .query_opt("name", filter.name.as_ref())
            .query_opt("format", filter.format.as_ref())
            .query_opt("status", filter.status.as_ref())
            .query_opt("type", filter.kind.as_ref())
            .query_opt("from", filter.from)
            .query_opt("to", filter.to);
        distinct(self.reads(), request, self.page_size(), |_| true)
    }

    /// Reads a report.
    ///
    /// `GET /reports/{reportId}`
    ///
    /// # Errors
    /// As [`customer`](Self::customer).
    pub async fn report(&self, id: &str) -> Result<Report> {
        if id.trim().is_empty() {
            return Err(
                super::config("the report id is empty").with_operation(operations::REPORT.name)
            );
        }
        let request = shut(&operations::REPORT).path("reportId", id);
        self.reads().json(request).await
    }
}

/// A call whose answer is never shown.
fn shut(operation: &'static Operation) -> Request {
    Request::new(operation).sensitive()
}
