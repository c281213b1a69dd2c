//! From the usage of a service to usage lines, and to what is not observed.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use tallyline_core::model::{Service, ServiceKey, UsageLine};
use tallyline_core::{Error, ErrorKind, Result};

use super::HyAltoSource;
use super::reduce::{Figure, PLACES, Span, Step, reduce};
use super::settings::{ServiceKind, SilentRule, UnitOverride};
use crate::client::CONNECTOR;
use crate::exact::product;
use crate::models::{self, RawUsage, Series, ServiceUsage};
use crate::observed::{Observed, service_key};
use crate::operations;

/// What a property is called: the names of those that are known, the vendor's word of others.
fn property_name(property: &str) -> &str {
    match property {
        "compute" => "CPU",
        "ram" => "RAM",
        "storage" => "storage",
        "vm_count" => "number of virtual machines",
        other => other,
    }
}

/// A service of an account, and what it is.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) service: models::Service,
    pub(super) kind: ServiceKind,
}

pub(super) fn refuse(service: &str, why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Protocol, why)
        .with_connector(CONNECTOR)
        .with_operation(operations::USAGE.name)
        .with_context("service", service.to_owned())
}

/// The usage of the service that was asked for; nothing where the answer has none of it.
pub(super) fn own_usage(mut usage: RawUsage, service: &str) -> Result<Option<ServiceUsage>> {
    usage.services.retain(|own| own.id == service);
    let mut own = usage.services.into_iter();
    let found = own.next();
    // The same record twice is one record.
    match own.find(|own| Some(own) != found.as_ref()) {
        None => Ok(found.filter(|found| !found.properties.is_empty())),
        Some(_) => Err(refuse(
            service,
            "its usage stands twice in the answer, and differently",
        )),
    }
}

/// Where a property is looked at.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) account: &'a str,
    pub(super) listed: &'a Listed,
    pub(super) span: Span,
    pub(super) source: &'a HyAltoSource,
}

/// Adds the usage of a service to what is known of its account.
pub(super) fn observe(
    observed: &mut Observed,
    place: Place<'_>,
    usage: Option<&ServiceUsage>,
) -> Result<()> {
    let id = place.listed.service.id.as_str();
    let Some(usage) = usage else {
        return match place.source.silent() {
            SilentRule::LeaveOut => Ok(()),
            SilentRule::FailAccount => Err(refuse(
                id,
                "it is listed and has no usage: what it has is not known, which is not zero",
            )),
        };
    };
    for (property, series) in &usage.properties {
        let key = service_key(&place.listed.kind, property);
        match figure(series, place, property) {
            Ok(figure) if figure.quantity < Decimal::ZERO => {
                return Err(refuse(id, format!("its {property} is negative")));
            }
            Ok(figure) => observed.line(line(place, property, key, &figure)),
            Err(why) => observed.unobserved(key, format!("{property} of service {id}: {why}")),
        }
    }
    Ok(())
}

/// The quantity of a property, in the unit that is asked for; the reason where there is none.
fn figure(
    series: &Series,
    place: Place<'_>,
    property: &str,
) -> std::result::Result<Figure, String> {
    let unit = place.source.unit_of(property);
    let factor = unit.map_or(Decimal::ONE, |unit| unit.factor);
    let mut steps = Vec::with_capacity(series.changes.len());
    for change in &series.changes {
        let value = product(change.value, factor)
            .ok_or("a value times the factor of the unit cannot be held exactly")?;
        steps.push(Step {
            at: change.timestamp,
            value,
            unit: change.unit_size.clone(),
        });
    }
    let figure = reduce(&steps, place.span, place.source.reduction())?
        .ok_or("no value is known up to the end of the window, which is not zero")?;
    if let Some(expected) = unit.and_then(|unit| unit.expected.as_deref()) {
        let found = figure.unit.as_ref().map(models::UnitSize::text);
        if found.as_deref() != Some(expected) {
            let found = found.unwrap_or_else(|| "none".to_owned());
            return Err(format!(
                "its factor is for the unit_size {expected:?}, and it has {found:?}"
            ));
        }
    }
    Ok(figure)
}

fn line(place: Place<'_>, property: &str, key: ServiceKey, figure: &Figure) -> UsageLine {
    let (service, source, span) = (&place.listed.service, place.source, place.span);
    let mut line = UsageLine::new(format!("{}/{property}", service.id), key, figure.quantity)
        .with_vendor_id("accountId", place.account)
        .with_vendor_id("serviceId", service.id.as_str())
        .with_vendor_id("property", property);
    line.resource_group = Some(service.id.as_str().into());
    line.resource_group_name = service.name.as_deref().map(Into::into);
    let unit = source.unit_of(property);
    let own = figure.unit.as_ref();
    line.unit = match unit {
        Some(UnitOverride { unit, .. }) => unit.as_deref().map(Into::into),
        None => own.and_then(models::UnitSize::label).map(Into::into),
    };
    let factor = unit
        .map(|unit| unit.factor)
        .filter(|it| *it != Decimal::ONE);
    let texts = [
        ("serviceName", service.name.clone()),
        ("serviceType", service.kind().map(ToString::to_string)),
        ("unit_size", own.map(models::UnitSize::text)),
        (
            "unitFactor",
            factor.map(|factor| factor.normalize().to_string()),
        ),
        ("reduction", Some(source.reduction().word().to_owned())),
        ("window", Some(format!("{} to {}", span.start, span.end))),
        (
            "rounded",
            figure
                .rounded
                .then(|| format!("to {PLACES} decimal places, half away from zero")),
        ),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            line.attributes.push((name.into(), text.into()));
        }
    }
    line
}

/// The services found so far, by key.
#[derive(Debug, Default)]
pub(super) struct Found(BTreeMap<ServiceKey, String>);

impl Found {
    pub(super) fn add(&mut self, kind: &ServiceKind, usage: &ServiceUsage) {
        for property in usage.properties.keys() {
            let name = || format!("{kind}: {}", property_name(property));
            let key = service_key(kind, property);
            self.0.entry(key).or_insert_with(name);
        }
    }

    pub(super) fn services(self) -> impl Iterator<Item = Service> {
        let found = self.0.into_iter();
        found.map(|(key, name)| Service::new(key, name))
    }
}
