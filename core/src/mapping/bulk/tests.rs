use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::model::{Agreement, Company, Product, Service, VendorAccount};

/// Three accounts and services, of which the third is not known; one company of one agreement.
struct Records {
    accounts: Vec<VendorAccount>,
    services: Vec<Service>,
    companies: Vec<Company>,
    agreements: Vec<Agreement>,
    products: Vec<Product>,
}

impl Records {
    fn new() -> Self {
        Self {
            accounts: ["A-0", "A-1"].map(|id| VendorAccount::new(id, id)).into(),
            services: ["S-0", "S-1"].map(|key| Service::new(key, key)).into(),
            companies: vec![Company::new("45", "Contoso")],
            agreements: vec![Agreement::new("101", "45", "Cloud")],
            products: vec![Product::new("P1", "SEAT", "Seat")],
        }
    }

    fn directory(&self) -> Directory<'_> {
        Directory::new(
            &self.accounts,
            &self.services,
            &self.companies,
            &self.agreements,
            &self.products,
        )
    }
}

fn tag(text: &str) -> Tag {
    Tag::new(text).unwrap()
}

fn subject() -> impl Strategy<Value = Subject> {
    (any::<bool>(), 0..3_u8).prop_map(|(account, n)| {
        if account {
            Subject::Account(format!("A-{n}").into())
        } else {
            Subject::Service(format!("S-{n}").as_str().into())
        }
    })
}

fn edit() -> impl Strategy<Value = Edit> {
    let company = prop_oneof![Just("45"), Just("99")];
    let product = prop_oneof![Just("P1"), Just("P9")];
    let tags = || prop_oneof![Just("vip"), Just("key client")].prop_map(tag);
    prop_oneof![
        company.prop_map(|company| Edit::LinkAccount {
            company: company.into(),
            target: LineTarget::Agreement("101".into()),
        }),
        product.prop_map(|product| Edit::LinkService {
            products: vec![ProductRule::one_to_one(product)],
            counts: ChargeKind::Recurring,
            billed_as: BilledAs::Line,
        }),
        prop_oneof![Just(""), Just("Ours.")].prop_map(|reason| Edit::Exclude {
            reason: reason.into()
        }),
        Just(Edit::Clear),
        any::<bool>().prop_map(Edit::Enable),
        prop_oneof![Just(" "), Just("Paused.")].prop_map(|note| Edit::SetNote(note.into())),
        tags().prop_map(Edit::AddTag),
        tags().prop_map(Edit::RemoveTag),
    ]
}

/// What the method for this edit alone does; `None` where there is no such method for the subject.
fn single(
    mapping: &mut Mapping,
    subject: &Subject,
    edit: &Edit,
    known: &Directory<'_>,
) -> Option<Result<()>> {
    Some(match (subject, edit) {
        (Subject::Account(id), Edit::LinkAccount { company, target }) => {
            let LineTarget::Agreement(agreement) = target else {
                return None;
            };
            mapping.link_account(id.clone(), company.clone(), agreement.clone(), known)
        }
        (Subject::Service(key), Edit::LinkService { products, .. }) => {
            mapping.link_service(key.clone(), products.clone(), ChargeKind::Recurring, known)
        }
        (Subject::Account(id), Edit::Exclude { reason }) => {
            known.account(id)?;
            mapping.exclude_account(id.clone(), reason)
        }
        (Subject::Service(key), Edit::Exclude { reason }) => {
            known.service(key)?;
            mapping.exclude_service(key.clone(), reason)
        }
        (Subject::Account(id), Edit::Clear) => mapping.clear_account(id).then_some(Ok(()))?,
        (Subject::Service(key), Edit::Clear) => mapping.clear_service(key).then_some(Ok(()))?,
        (Subject::Account(id), Edit::Enable(on)) => mapping.set_account_enabled(id, *on),
        (Subject::Service(key), Edit::Enable(on)) => mapping.set_service_enabled(key, *on),
        (Subject::Account(id), Edit::SetNote(note)) => mapping.set_account_note(id, note),
        (Subject::Service(key), Edit::SetNote(note)) => mapping.set_service_note(key, note),
        (Subject::Account(id), Edit::AddTag(tag)) => mapping.add_account_tag(id, tag),
        (Subject::Service(key), Edit::AddTag(tag)) => mapping.add_service_tag(key, tag),
        (Subject::Account(id), Edit::RemoveTag(tag)) => mapping.remove_account_tag(id, tag),
        (Subject::Service(key), Edit::RemoveTag(tag)) => mapping.remove_service_tag(key, tag),
        (Subject::Account(_), Edit::LinkService { .. })
        | (Subject::Service(_), Edit::LinkAccount { .. }) => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn many_edits_are_the_single_ones_in_their_order_each_with_its_own_outcome(
        edits in vec((subject(), edit()), 0..24),
    ) {
        let records = Records::new();
        let known = records.directory();
        let mut one_by_one = Mapping::new();
        let mut expected = Vec::new();
        for (subject, edit) in &edits {
            let before = one_by_one.clone();
            let done = single(&mut one_by_one, subject, edit, &known);
            if !matches!(done, Some(Ok(()))) {
                prop_assert_eq!(&one_by_one, &before);
            }
            expected.push(match done {
                Some(Ok(())) => Some(one_by_one != before),
                Some(Err(_)) | None => None,
            });
        }
        let mut together = Mapping::new();
        let outcomes = together.edit_all(edits.clone(), &known);
        let found: Vec<Option<bool>> = outcomes.iter().map(|edited| edited.outcome.as_ref().ok().copied()).collect();
        prop_assert_eq!(found, expected);
        let subjects: Vec<&Subject> = outcomes.iter().map(|edited| &edited.subject).collect();
        prop_assert_eq!(subjects, edits.iter().map(|(subject, _)| subject).collect::<Vec<_>>());
        prop_assert_eq!(together, one_by_one);
    }

    #[test]
    fn a_deleted_tag_is_nowhere_and_nothing_else_is_changed(edits in vec((subject(), edit()), 0..24)) {
        let records = Records::new();
        let known = records.directory();
        let mut mapping = Mapping::new();
        mapping.edit_all(edits, &known);
        let before = mapping.clone();
        let vip = tag("vip");
        let used = mapping.tags().get(&vip).copied().unwrap_or_default();
        prop_assert_eq!(mapping.delete_tag(&vip), used);
        prop_assert!(!mapping.tags().contains_key(&vip));
        prop_assert_eq!(mapping.revision(), before.revision() + u64::from(before.tags().contains_key(&vip)));
        let text = mapping.to_toml().unwrap();
        prop_assert!(!text.contains("vip"), "{}", text);
        let others = |mapping: &Mapping| mapping.tags().get(&tag("key client")).copied();
        prop_assert_eq!(others(&mapping), others(&before));
        prop_assert_eq!(mapping.linked_accounts(), before.linked_accounts());
    }
}

#[test]
fn item_8_one_edit_of_many_that_is_refused_holds_up_no_other() {
    let records = Records::new();
    let known = records.directory();
    let account = |id: &str| Subject::Account(id.into());
    let link = |company: &str| Edit::LinkAccount {
        company: company.into(),
        target: LineTarget::Agreement("101".into()),
    };
    let mut mapping = Mapping::new();
    let done = mapping.edit_all(
        [
            (account("A-0"), link("45")),
            (account("A-1"), link("99")),
            (account("A-1"), Edit::AddTag(tag("vip"))),
            (account("A-0"), Edit::AddTag(tag("vip"))),
            (account("A-0"), Edit::AddTag(tag("vip"))),
            (account("nobody"), Edit::Exclude { reason: "x".into() }),
            (Subject::Service("S-0".into()), link("45")),
        ],
        &known,
    );
    let outcomes: Vec<String> = done
        .iter()
        .map(|edited| match &edited.outcome {
            Ok(changed) => format!("{}: {changed}", edited.subject),
            Err(error) => error.message().to_owned(),
        })
        .collect();
    assert_eq!(outcomes[0], "account A-0: true");
    assert!(
        outcomes[1].contains("company 99 is unknown"),
        "{outcomes:?}"
    );
    assert!(
        outcomes[2].contains("account A-1 is unmapped"),
        "{outcomes:?}"
    );
    assert_eq!(outcomes[3..5], ["account A-0: true", "account A-0: false"]);
    assert!(
        outcomes[5].contains("account nobody is unknown"),
        "{outcomes:?}"
    );
    assert!(outcomes[6].contains("give products"), "{outcomes:?}");
    assert_eq!((mapping.linked_accounts(), mapping.revision()), (1, 2));
}

#[test]
fn a_link_that_takes_anothers_place_keeps_its_tags_and_note() {
    let records = Records::new();
    let known = records.directory();
    let account = VendorAccountId::new("A-0");
    let mut mapping = Mapping::new();
    mapping.link_account("A-0", "45", "101", &known).unwrap();
    mapping.set_account_note(&account, "Call first.").unwrap();
    mapping.add_account_tag(&account, &tag("vip")).unwrap();
    mapping
        .link_account_per_service("A-0", "45", &known)
        .unwrap();
    let Some(AccountEntry::Link(link)) = mapping.account(&account) else {
        panic!("not linked");
    };
    assert_eq!(link.target, LineTarget::PerService);
    assert_eq!(link.note.as_deref(), Some("Call first."));
    assert_eq!(link.tags, [tag("vip")].into());
    assert_eq!(
        mapping.account(&account).unwrap().tags().next(),
        Some(&tag("vip"))
    );
}

#[test]
fn a_tag_is_a_word_that_can_be_seen_and_stands_in_a_cell() {
    for wrong in [
        "",
        " ",
        "a;b",
        "line\nbreak",
        "\u{202e}turned",
        &"x".repeat(51),
    ] {
        assert!(Tag::new(wrong).is_err(), "{wrong:?}");
        assert!(serde_json::from_value::<Tag>(serde_json::json!(wrong)).is_err());
    }
    assert_eq!(tag(" key client ").as_str(), "key client");
    assert_ne!(tag("VIP"), tag("vip"));
}
