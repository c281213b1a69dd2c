//! The plan file.

use tallyline_core::ErrorKind;
use tallyline_core::plan::{Plan, PlanContent};
use tallyline_core::wire::decode_json;

/// An accepted plan file is written as a plan with the same id, and a content that can be read
/// is sealed, written and accepted.
///
/// The input is a plan file, or the content of a plan: random changes rarely hit the right hash.
pub fn plan_file(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        match Plan::from_text(text) {
            Ok(plan) => survives(&plan),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::StalePlan, "{error}");
                let shown = error.to_string();
                assert!(!shown.contains(char::is_control), "{shown:?}");
            }
        }
    }
    if let Ok(content) = decode_json::<PlanContent>(data) {
        survives(&Plan::new(content).unwrap());
    }
}

fn survives(plan: &Plan) {
    let text = plan.to_text().unwrap();
    let again = match Plan::from_text(&text) {
        Ok(again) => again,
        Err(error) => panic!("{error}\n{text}"),
    };
    assert_eq!(again.id(), plan.id(), "{text}");
    assert_eq!(&again, plan, "{text}");
    assert_eq!(again.to_text().unwrap(), text);
    let summary = plan.summary();
    assert_eq!(summary.ready + summary.blocked, plan.changes().len());
}
