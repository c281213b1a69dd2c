//! Every operation of the API that the client knows, and whether it may be repeated.

use tallyline_core::http::Operation;

/// The sign-in lookup; below the site's root, without credentials.
pub static COMPANY_INFO: Operation =
    Operation::get("company_info.get", "/login/companyinfo/{companyId}");
/// The system's version.
pub static SYSTEM_INFO: Operation = Operation::get("system.info", "/system/info");
/// The companies.
pub static COMPANIES_LIST: Operation = Operation::get("companies.list", "/company/companies");
/// The number of companies.
pub static COMPANIES_COUNT: Operation =
    Operation::get("companies.count", "/company/companies/count");
/// A company.
pub static COMPANIES_GET: Operation = Operation::get("companies.get", "/company/companies/{id}");
/// The agreements.
pub static AGREEMENTS_LIST: Operation = Operation::get("agreements.list", "/finance/agreements");
/// The number of agreements.
pub static AGREEMENTS_COUNT: Operation =
    Operation::get("agreements.count", "/finance/agreements/count");
/// An agreement.
pub static AGREEMENTS_GET: Operation = Operation::get("agreements.get", "/finance/agreements/{id}");
/// A new agreement.
pub static AGREEMENTS_CREATE: Operation =
    Operation::post("agreements.create", "/finance/agreements");
/// A change of an agreement to absolute values.
pub static AGREEMENTS_PATCH: Operation =
    Operation::patch("agreements.patch", "/finance/agreements/{id}");
/// The agreement types.
pub static AGREEMENT_TYPES_LIST: Operation =
    Operation::get("agreements.types.list", "/finance/agreements/types");
/// The billing cycles.
pub static BILLING_CYCLES_LIST: Operation =
    Operation::get("billing_cycles.list", "/finance/billingCycles");
/// The additions of an agreement.
pub static ADDITIONS_LIST: Operation = Operation::get(
    "agreements.additions.list",
    "/finance/agreements/{parentId}/additions",
);
/// The number of additions of an agreement.
pub static ADDITIONS_COUNT: Operation = Operation::get(
    "agreements.additions.count",
    "/finance/agreements/{parentId}/additions/count",
);
/// An addition.
pub static ADDITIONS_GET: Operation = Operation::get(
    "agreements.additions.get",
    "/finance/agreements/{parentId}/additions/{id}",
);
/// A new addition. The API has no idempotency key: never repeated blindly.
pub static ADDITIONS_CREATE: Operation = Operation::post(
    "agreements.additions.create",
    "/finance/agreements/{parentId}/additions",
);
/// A change of an addition to absolute values.
pub static ADDITIONS_PATCH: Operation = Operation::patch(
    "agreements.additions.patch",
    "/finance/agreements/{parentId}/additions/{id}",
);
/// The removal of an addition.
pub static ADDITIONS_DELETE: Operation = Operation::delete(
    "agreements.additions.delete",
    "/finance/agreements/{parentId}/additions/{id}",
);
/// The catalogue.
pub static CATALOG_LIST: Operation = Operation::get("catalog.list", "/procurement/catalog");
/// The number of catalogue items.
pub static CATALOG_COUNT: Operation = Operation::get("catalog.count", "/procurement/catalog/count");
/// A catalogue item.
pub static CATALOG_GET: Operation = Operation::get("catalog.get", "/procurement/catalog/{id}");
/// A new catalogue item.
pub static CATALOG_CREATE: Operation = Operation::post("catalog.create", "/procurement/catalog");

/// All of them.
pub static ALL: [&Operation; 22] = [
    &COMPANY_INFO,
    &SYSTEM_INFO,
    &COMPANIES_LIST,
    &COMPANIES_COUNT,
    &COMPANIES_GET,
    &AGREEMENTS_LIST,
    &AGREEMENTS_COUNT,
    &AGREEMENTS_GET,
    &AGREEMENTS_CREATE,
    &AGREEMENTS_PATCH,
    &AGREEMENT_TYPES_LIST,
    &BILLING_CYCLES_LIST,
    &ADDITIONS_LIST,
    &ADDITIONS_COUNT,
    &ADDITIONS_GET,
    &ADDITIONS_CREATE,
    &ADDITIONS_PATCH,
    &ADDITIONS_DELETE,
    &CATALOG_LIST,
    &CATALOG_COUNT,
    &CATALOG_GET,
    &CATALOG_CREATE,
];
