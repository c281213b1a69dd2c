//! Which of a client's operations stand in its tables.

use std::collections::BTreeMap;

use tallyline_core::http::Operation;

use crate::raw::Route;

/// A reason shorter than this is none.
const SHORTEST_REASON: usize = 20;

/// The operations of a table, as they are asked for: method and path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covered(Vec<(String, String)>);

impl Covered {
    pub(super) fn of<'a>(routes: impl IntoIterator<Item = &'a Route>) -> Self {
        let asked = routes.into_iter();
        Self(
            asked
                .map(|route| (route.method().to_owned(), route.path().to_owned()))
                .collect(),
        )
    }

    /// With those of another table.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// Whether every operation that a client declares stands in its tables, or is excused by its name with a reason.
///
/// # Errors
///
/// One line for each operation that does neither or both, for each row that asks for no operation, and for each excuse
/// without an operation or a reason.
pub fn covers<'a>(
    operations: impl IntoIterator<Item = &'a Operation>,
    tables: &Covered,
    excused: &[(&str, &str)],
) -> Result<(), Vec<String>> {
    let operations: Vec<&Operation> = operations.into_iter().collect();
    let mut problems = Vec::new();
    let mut in_table: BTreeMap<&str, usize> = BTreeMap::new();
    for (method, path) in &tables.0 {
        match asked(&operations, method, path) {
            Some(operation) => *in_table.entry(operation.name).or_default() += 1,
            None => problems.push(format!(
                "{method} {path} is none of the client's operations"
            )),
        }
    }
    for operation in &operations {
        let name = operation.name;
        let is_excused = excused.iter().any(|(excused, _)| *excused == name);
        match (in_table.contains_key(name), is_excused) {
            (false, false) => problems.push(format!("{name} meets no hostile answer")),
            (true, true) => problems.push(format!("{name} is excused and is in the table")),
            _ => {}
        }
    }
    for (name, reason) in excused {
        if !operations.iter().any(|operation| operation.name == *name) {
            problems.push(format!("{name}, which is excused, is no operation"));
        }
        if reason.len() < SHORTEST_REASON {
            problems.push(format!("{name} is excused without a reason"));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

/// The operation that a request asks for: a literal segment wins over a placeholder.
fn asked<'a>(operations: &[&'a Operation], method: &str, path: &str) -> Option<&'a Operation> {
    let fitting = operations
        .iter()
        .filter(|operation| operation.method.as_str() == method)
        .filter_map(|operation| Some((fit(operation.template, path)?, *operation)));
    fitting
        .max_by_key(|(literals, _)| *literals)
        .map(|(_, operation)| operation)
}

/// How many literal segments of a template a path has at its end; none where it does not fit.
fn fit(template: &str, path: &str) -> Option<usize> {
    let template: Vec<&str> = template.split('/').skip(1).collect();
    let path: Vec<&str> = path.split('/').skip(1).collect();
    let below = path.len().checked_sub(template.len())?;
    let mut literals = 0;
    for (wanted, found) in template.iter().zip(path.iter().skip(below)) {
        let is_placeholder = wanted.starts_with('{');
        if !(is_placeholder || wanted == found) {
            return None;
        }
        literals += usize::from(!is_placeholder);
    }
    Some(literals)
}

#[cfg(test)]
mod tests {
    use super::*;

    static LIST: Operation = Operation::get("seats.list", "/seats");
    static ONE: Operation = Operation::get("seats.get", "/seats/{id}");
    static COUNT: Operation = Operation::get("seats.count", "/seats/count");
    static CREATE: Operation = Operation::post("seats.create", "/seats");

    const WHY: &str = "it is answered without a body";

    fn table(routes: &[Route]) -> Covered {
        Covered::of(routes)
    }

    #[test]
    fn an_operation_is_in_the_table_by_its_method_and_its_most_literal_path() {
        let operations = [&LIST, &ONE, &COUNT, &CREATE];
        let table = table(&[
            Route::get("/api/v1/seats", "[]"),
            Route::get("/api/v1/seats/count", "{}"),
        ]);
        let problems = covers(operations, &table, &[]).unwrap_err();
        assert_eq!(
            problems,
            [
                "seats.get meets no hostile answer",
                "seats.create meets no hostile answer"
            ]
        );
        let more = Covered::of(&[Route::get("/api/v1/seats/7", "{}")]);
        let excused = [("seats.create", WHY)];
        assert_eq!(covers(operations, &table.and(more), &excused), Ok(()));
    }

    #[test]
    fn an_excuse_needs_an_operation_a_reason_and_no_row() {
        let table = table(&[Route::get("/seats", "[]"), Route::get("/desks", "[]")]);
        let excused = [("seats.list", WHY), ("gone", WHY), ("seats.get", "no")];
        let problems = covers([&LIST, &ONE], &table, &excused).unwrap_err();
        assert_eq!(
            problems,
            [
                "GET /desks is none of the client's operations",
                "seats.list is excused and is in the table",
                "gone, which is excused, is no operation",
                "seats.get is excused without a reason",
            ]
        );
    }
}
