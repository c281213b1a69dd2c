//! Services, subscriptions, manual lines and what else belongs to an organization.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::error::bad;
use super::records::{ManualLine, Organization, ServiceKind, Subscription};
use super::routes::{Call, Handled};
use super::state::CloudmoreState;
use super::wire;
use crate::http::SimAnswer;
use crate::json::Json;

/// The custom properties defined for organizations.
pub(super) fn custom_properties(state: &CloudmoreState) -> Json {
    let properties = state.properties.iter();
    let properties =
        properties.map(|name| Json::object().with("name", name).with("type", "TextBox"));
    Json::Array(properties.collect())
}

/// Which subscriptions a path is about.
#[derive(Clone, Copy)]
enum Of<'a> {
    Kind(ServiceKind),
    Service(&'a str),
}

impl Call<'_> {
    fn subscriptions(&self, of: Of<'_>, organization: Option<&str>) -> Vec<Subscription> {
        let state = &self.state;
        let all = state.subscriptions.values();
        let found = all.filter(|own| {
            let Some(service) = state.service_of(own) else {
                return false;
            };
            let fits = match of {
                Of::Kind(kind) => service.kind == kind,
                Of::Service(id) => service.id == id,
            };
            fits && organization.is_none_or(|id| own.organization_id == id)
                && !state.rights.hidden.contains(&own.organization_id)
        });
        found.cloned().collect()
    }

    fn list(self, of: Of<'_>, organization: Option<&str>) -> Handled {
        self.only(&["GET"])?;
        let rows = self.subscriptions(of, organization);
        let rows = rows
            .iter()
            .map(|own| wire::subscription(self.state, own))
            .collect();
        self.ok(Json::Array(rows))
    }

    /// One subscription: read, or given another quantity.
    fn one(self, of: Of<'_>, organization: &str, id: &str) -> Handled {
        self.only(&["GET", "PUT"])?;
        let found = self.subscriptions(of, Some(organization));
        let found = found.into_iter().find(|own| own.id == id);
        let subscription = found.ok_or_else(|| self.missing())?;
        if self.is("GET") {
            let json = wire::subscription(self.state, &subscription);
            return self.ok(json);
        }
        let body = self.body()?;
        let quantity = body.get("quantity").and_then(Json::decimal);
        let quantity = quantity
            .filter(|quantity| !quantity.is_sign_negative() && quantity.fract().is_zero())
            .ok_or_else(|| bad(self.state, "The quantity must be a whole number."))?;
        let today = self.state.clock.today();
        if subscription.cancelled.is_some_and(|on| on <= today) {
            return Err(bad(self.state, "The subscription is cancelled."));
        }
        if subscription.quantity_on(today) != quantity {
            self.state.change_quantity(id, today, quantity);
        }
        Ok(SimAnswer::empty(204))
    }

    /// `R/services/...`
    pub(super) fn services(self, rest: &[&str]) -> Handled {
        match rest {
            [] => {
                self.only(&["GET"])?;
                let rows = self.state.services.values().map(wire::service).collect();
                self.ok(Json::Array(rows))
            }
            ["consumptions"] => self.consumptions(),
            ["csp", "nce", "subscriptions"] => self.list(Of::Kind(ServiceKind::CspNce), None),
            ["csp", "subscriptions"] => self.list(Of::Kind(ServiceKind::Csp), None),
            ["azure", "subscriptions"] => self.list(Of::Kind(ServiceKind::Azure), None),
            ["csp", "csptenants", "list"] => {
                self.only(&["GET"])?;
                self.tenants()
            }
            [id, rest @ ..] => {
                if !self.state.services.contains_key(*id) {
                    return Err(self.missing());
                }
                match rest {
                    [] => {
                        self.only(&["GET"])?;
                        let service = self.state.services.get(*id).map(wire::service);
                        self.ok(service.unwrap_or(Json::Null))
                    }
                    ["subscriptions"] => self.list(Of::Service(id), None),
                    ["pricelist"] => self.prices(id),
                    ["pricelist", "commitmentprice" | "postrenewalprice"] => self.price_of(id),
                    _ => Err(self.missing()),
                }
            }
        }
    }

    fn prices(self, service: &str) -> Handled {
        self.only(&["GET"])?;
        let other = self
            .query("currencyCode")
            .is_some_and(|code| !code.eq_ignore_ascii_case(&self.state.currency));
        if other {
            return Err(bad(self.state, "There are no prices in this currency."));
        }
        let products = self.state.products.values();
        let products = products
            .filter(|own| own.service_id == service)
            .map(|own| wire::product(self.state, own));
        self.ok(Json::Array(products.collect()))
    }

    /// The price of the product that a subscription is for.
    fn price_of(self, service: &str) -> Handled {
        self.only(&["GET"])?;
        let (Some(organization), Some(id)) =
            (self.query("organizationId"), self.query("subscriptionId"))
        else {
            return Err(bad(
                self.state,
                "The parameters organizationId and subscriptionId are required.",
            ));
        };
        let found = self.subscriptions(Of::Service(service), Some(organization));
        let product = found
            .iter()
            .find(|own| own.id == id)
            .and_then(|own| self.state.products.get(&own.product_id))
            .map(|product| wire::product(self.state, product));
        self.ok(product.ok_or_else(|| self.missing())?)
    }

    fn tenants(self) -> Handled {
        let microsoft = [ServiceKind::CspNce, ServiceKind::Csp];
        let with: BTreeSet<String> = microsoft
            .into_iter()
            .flat_map(|kind| self.subscriptions(Of::Kind(kind), None))
            .map(|own| own.organization_id)
            .collect();
        let organizations = with
            .iter()
            .filter_map(|id| self.state.organizations.get(id));
        let rows = organizations.map(|own| {
            Json::object()
                .with("tenantId", own.id.replacen("0000", "1111", 1))
                .with("domain", format!("{}.example.com", own.id))
                .with("organizationId", &own.id)
                .with("organizationName", &own.name)
        });
        self.ok(Json::Array(rows.collect()))
    }

    /// `POST` reads consumption, with the filter in the body; `PUT` submits it.
    fn consumptions(self) -> Handled {
        self.only(&["POST", "PUT"])?;
        if self.is("PUT") {
            let body = self.body()?;
            let id = self.state.fresh_id();
            self.state
                .remember("Consumption", (&id, ""), None, Some(body.clone()));
            self.state.submitted.push(body);
            return Ok(SimAnswer::empty(204));
        }
        let body = self.body()?;
        let rows = self
            .state
            .usage
            .iter()
            .map(|own| wire::usage(self.state, own));
        let fits = |row: &Json| {
            ["organizationId", "serviceId", "subscriptionId"]
                .iter()
                .all(|name| {
                    body.get(name)
                        .is_none_or(|wanted| row.get(name) == Some(wanted))
                })
        };
        self.ok(Json::Array(rows.filter(fits).collect()))
    }

    /// `O/...`
    pub(super) fn of_organization(mut self, organization: &Organization, rest: &[&str]) -> Handled {
        let own = organization.id.as_str();
        match rest {
            ["services", rest @ ..] => self.organization_services(organization, rest),
            ["manualbilling"] => {
                self.only(&["GET", "POST"])?;
                if self.is("POST") {
                    return self.create_manual_line(own);
                }
                let lines = self.state.manual_lines.values();
                let lines = lines
                    .filter(|line| line.organization_id == own)
                    .map(|line| wire::manual_line(self.state, line));
                self.ok(Json::Array(lines.collect()))
            }
            ["manualbilling", id] => {
                self.only(&["GET"])?;
                let line = self.state.manual_lines.get(*id);
                let line = line.filter(|line| line.organization_id == own);
                let json = line.map(|line| wire::manual_line(self.state, line));
                self.ok(json.ok_or_else(|| self.missing())?)
            }
            ["externalinvoice"] => {
                self.only(&["GET"])?;
                self.range()?;
                let invoices = self.state.external_invoices.get(own);
                self.ok(Json::Array(invoices.cloned().unwrap_or_default()))
            }
            ["externalinvoice", id] => {
                self.only(&["GET"])?;
                let invoices = self.state.external_invoices.get(own);
                let found = invoices
                    .into_iter()
                    .flatten()
                    .find(|invoice| invoice.get("id").and_then(Json::text) == Some(id));
                self.ok(found.cloned().ok_or_else(|| self.missing())?)
            }
            ["costcenters", "reports", year, month] => {
                self.only(&["GET"])?;
                self.cost_centers(own, year, month)
            }
            _ => Err(self.missing()),
        }
    }

    fn organization_services(self, organization: &Organization, rest: &[&str]) -> Handled {
        let own = organization.id.as_str();
        let (nce, csp) = (Of::Kind(ServiceKind::CspNce), Of::Kind(ServiceKind::Csp));
        let (azure, plan) = (
            Of::Kind(ServiceKind::Azure),
            Of::Kind(ServiceKind::AzurePlan),
        );
        match rest {
            [] => {
                self.only(&["GET"])?;
                let services = organization.services.iter();
                let services = services.filter_map(|id| self.state.services.get(id));
                self.ok(Json::Array(services.map(wire::service).collect()))
            }
            ["csp", "nce", "subscriptions"] => self.list(nce, Some(own)),
            ["csp", "nce", "subscriptions", "alignmentdates"] => {
                self.only(&["GET"])?;
                let ends: BTreeSet<String> = self
                    .subscriptions(nce, Some(own))
                    .iter()
                    .filter(|own| own.cancelled.is_none())
                    .map(|own| own.term_end.to_string())
                    .collect();
                self.ok(Json::from(ends.into_iter().collect::<Vec<_>>()))
            }
            ["csp", "nce", "subscriptions", id] => self.one(nce, own, id),
            ["csp", "subscriptions"] => self.list(csp, Some(own)),
            ["csp", "subscriptions", id] => self.one(csp, own, id),
            ["azure", "subscriptions"] => self.list(azure, Some(own)),
            ["azureplan", "subscriptions"] => self.list(plan, Some(own)),
            ["azureplan", "subscriptions", id] => self.one(plan, own, id),
            ["csp", rest @ ..] => self.organization_csp(organization, rest),
            [id, rest @ ..] => {
                if !organization.services.contains(*id) {
                    return Err(self.missing());
                }
                let of = Of::Service(id);
                match rest {
                    [] => {
                        self.only(&["GET"])?;
                        let service = self.state.services.get(*id).map(wire::service);
                        self.ok(service.unwrap_or(Json::Null))
                    }
                    ["products" | "pricelist"] => self.prices(id),
                    ["subscriptions"] => self.list(of, Some(own)),
                    ["subscriptions", "history", subscription] => {
                        self.only(&["GET"])?;
                        let found = self.subscriptions(of, Some(own));
                        let found = found.iter().find(|own| own.id == *subscription);
                        let history = found.map(|own| wire::history(self.state, own));
                        self.ok(history.ok_or_else(|| self.missing())?)
                    }
                    ["subscriptions", subscription] => self.one(of, own, subscription),
                    _ => Err(self.missing()),
                }
            }
        }
    }

    /// The state of Microsoft's licences of an organization.
    fn organization_csp(self, organization: &Organization, rest: &[&str]) -> Handled {
        self.only(&["GET"])?;
        let services = organization.services.iter();
        let own: Vec<String> = services
            .filter(|id| {
                let kind = self.state.services.get(*id).map(|service| service.kind);
                matches!(kind, Some(ServiceKind::CspNce | ServiceKind::Csp))
            })
            .cloned()
            .collect();
        match rest {
            [] => {
                let json = Json::object()
                    .with("organizationId", &organization.id)
                    .with("isActive", !own.is_empty());
                self.ok(json)
            }
            ["products"] => {
                let products = self.state.products.values();
                let products = products
                    .filter(|product| own.contains(&product.service_id))
                    .map(|product| wire::product(self.state, product));
                self.ok(Json::Array(products.collect()))
            }
            ["productlicenses"] => {
                let rows: Vec<Json> = own
                    .iter()
                    .flat_map(|id| self.subscriptions(Of::Service(id), Some(&organization.id)))
                    .map(|own| wire::subscription(self.state, &own))
                    .collect();
                self.ok(Json::Array(rows))
            }
            _ => Err(self.missing()),
        }
    }

    /// The lines billed in a month, per cost center: all are in one.
    fn cost_centers(self, organization: &str, year: &str, month: &str) -> Handled {
        let (Ok(year), Ok(month)) = (year.parse::<i16>(), month.parse::<i8>()) else {
            return Err(bad(self.state, "Year and month must be numbers."));
        };
        let bills = self.state.bills.iter().filter(|bill| {
            bill.organization_id == organization
                && (bill.date.year(), bill.date.month()) == (year, month)
        });
        let lines = bills.flat_map(|bill| &bill.lines);
        let lines: Vec<Json> = lines
            .map(|line| wire::bill_line(self.state, line))
            .collect();
        let center = Json::object()
            .with("costCenter", "Default")
            .with("items", Json::Array(lines));
        self.ok(Json::Array(vec![center]))
    }

    /// `POST R/Organizations`
    pub(super) fn create_organization(&mut self) -> Handled {
        let body = self.body()?;
        let name = body.get("name").and_then(Json::text).unwrap_or("");
        if name.trim().is_empty() {
            return Err(bad(self.state, "The name is required."));
        }
        let id = self.state.add_organization(name);
        let mut organization = self.organization(&id)?;
        self.fill(&mut organization, &body)?;
        let json = wire::organization_detail(&organization);
        self.state.organizations.insert(id.clone(), organization);
        self.state
            .remember("Organization", (&id, &id), None, Some(json.clone()));
        let json = self.state.options.names.apply(json);
        Ok(SimAnswer::json(201, &json))
    }

    /// `PUT` replaces, `PATCH` changes what is sent.
    pub(super) fn update_organization(&mut self, old: Organization) -> Handled {
        let body = self.body()?;
        let mut organization = old.clone();
        if self.is("PUT") {
            organization.texts.clear();
            organization.contact.clear();
            if body.get("name").and_then(Json::text).is_none() {
                return Err(bad(self.state, "The name is required."));
            }
        }
        self.fill(&mut organization, &body)?;
        let id = old.id.clone();
        let (before, after) = (
            wire::organization_detail(&old),
            wire::organization_detail(&organization),
        );
        self.state.organizations.insert(id.clone(), organization);
        self.state
            .remember("Organization", (&id, &id), Some(before), Some(after));
        Ok(SimAnswer::empty(204))
    }

    /// Takes the members of a body; those that are not known are passed over.
    fn fill(&self, organization: &mut Organization, body: &Json) -> Result<(), SimAnswer> {
        for (name, value) in body.members().unwrap_or(&[]) {
            match (name.as_str(), value) {
                ("name", Json::Text(text)) => organization.name.clone_from(text),
                (
                    "registrationNumber" | "vat" | "customerNumber" | "notificationEmail",
                    Json::Text(text),
                ) => {
                    organization.texts.insert(name.clone(), text.clone());
                }
                ("contact", Json::Object(members)) => {
                    let texts = members
                        .iter()
                        .filter_map(|(name, value)| Some((name.clone(), value.text()?.to_owned())));
                    organization.contact.extend(texts);
                }
                ("customProperties", Json::Array(items)) => {
                    for item in items {
                        let text = |name: &str| item.get(name).and_then(Json::text);
                        let (Some(name), Some(value)) = (text("name"), text("value")) else {
                            return Err(bad(
                                self.state,
                                "A custom property has a name and a value.",
                            ));
                        };
                        if !self.state.properties.iter().any(|known| known == name) {
                            return Err(bad(self.state, "The custom property is not defined."));
                        }
                        organization
                            .properties
                            .insert(name.to_owned(), value.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `POST O/manualbilling`
    fn create_manual_line(&mut self, organization: &str) -> Handled {
        let body = self.body()?;
        let text = |name: &str| body.get(name).and_then(Json::text).map(str::to_owned);
        let number = |name: &str| body.get(name).and_then(Json::decimal);
        let line = self.manual_line(organization, text, number);
        let line = line.ok_or_else(|| {
            bad(
                self.state,
                "billingDate, serviceId, subscriptionId, quantity, costPrice and salesPrice are required.",
            )
        })?;
        let subscription = self.state.subscriptions.get(&line.subscription_id);
        let fits = subscription.is_some_and(|own| {
            own.organization_id == organization
                && self
                    .state
                    .service_of(own)
                    .is_some_and(|service| service.id == line.service_id)
        });
        let product = line.product_id.as_ref();
        if !fits || product.is_some_and(|id| !self.state.products.contains_key(id)) {
            return Err(bad(
                self.state,
                "The service, the product or the subscription does not exist.",
            ));
        }
        let id = self.state.fresh_id();
        let line = ManualLine {
            id: id.clone(),
            ..line
        };
        let json = wire::manual_line(self.state, &line);
        self.state.manual_lines.insert(id.clone(), line);
        self.state.remember(
            "ManualBillingLine",
            (&id, organization),
            None,
            Some(json.clone()),
        );
        let json = self.state.options.names.apply(json);
        Ok(SimAnswer::json(201, &json))
    }

    fn manual_line(
        &self,
        organization: &str,
        text: impl Fn(&str) -> Option<String>,
        number: impl Fn(&str) -> Option<Decimal>,
    ) -> Option<ManualLine> {
        let date = text("billingDate")?;
        let date = date.split('T').next()?.parse().ok()?;
        Some(ManualLine {
            id: String::new(),
            organization_id: organization.to_owned(),
            billing_date: date,
            service_id: text("serviceId")?,
            product_id: text("productId"),
            subscription_id: text("subscriptionId")?,
            quantity: number("quantity")?,
            unit_cost: number("costPrice")?,
            unit_price: number("salesPrice")?,
        })
    }
}
