//! The wire types, named as the API names them. Unknown members are ignored, unknown words kept.

mod account;
mod alert;
mod service;
mod vendor;
mod words;

pub use account::{Account, AccountUpdate, NewAccount};
pub use alert::{AlertCreated, AlertState, AlertStatus, NewAlert};
pub use service::{Count, CountSet, NewService, Service, ServiceUpdate};
pub use vendor::{Clients, Integration, IntegrationStatus, Module, Vendor, VendorUpdate, Wrapped};
pub use words::{Category, Subcategory};
