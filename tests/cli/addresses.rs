//! Each rule and mutation is documented by Camunda and here, and says where.

use std::{fs, path::Path};

use camunda_upgrade_guard::{
    camunda::Line,
    finding::{Reference, RuleId},
    mutations::MUTATIONS,
    rules::Rule,
};
use serde_json::Value;
use strum::VariantArray;

use crate::guard;

/// Where Camunda documents what a rule or a mutation is about.
fn reference(id: RuleId) -> Reference {
    let mutation = || MUTATIONS.iter().find(|mutation| mutation.id == id);
    match Rule::of(id) {
        Some(rule) => rule.guide,
        None => mutation().unwrap().guide,
    }
}

#[track_caller]
fn assert_is_address(address: &str) {
    let homes = [
        "https://docs.camunda.io/docs/",
        "https://unsupported.docs.camunda.io/8.",
        "https://helm.camunda.io/",
    ];
    assert!(
        homes.iter().any(|home| address.starts_with(home)),
        "{address}"
    );
    let (page, anchor) = address.split_once('#').unwrap_or((address, "a"));
    assert!(!anchor.is_empty() && !page.contains(' '), "{address}");
}

#[test]
fn each_id_has_a_page_and_a_section_of_camunda_s_or_a_reason_why_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = guard(&["rules", "-o", "json"]);
    let listed: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed.len(), RuleId::VARIANTS.len());
    let mut undocumented = 0;
    for id in RuleId::VARIANTS {
        let text = fs::read_to_string(root.join(id.page())).unwrap();
        assert!(text.starts_with(&format!("# `{id}`\n")));
        let published = "https://example.test/guard/docs";
        let address = format!("{published}/rules/{id}.md");
        assert_eq!(id.page_below(published), address);
        assert_eq!(id.page_below(&format!("{published}/")), address);
        let entry = listed
            .iter()
            .find(|entry| entry["id"] == id.name())
            .unwrap();
        assert_eq!(entry["page"], id.page());
        let told = match reference(*id) {
            Reference::Section(guide) => {
                assert_is_address(&guide.address());
                assert_eq!(entry["guideAddress"], guide.address());
                assert_eq!(entry["guide"], guide.section);
                format!("[{}]({})", guide.section, guide.address())
            }
            Reference::Nowhere(because) => {
                undocumented += 1;
                assert!(because.split(' ').count() > 3 && !because.ends_with('.'));
                assert_eq!(entry["undocumented"], because);
                format!("none: {because}")
            }
        };
        assert!(text.contains(&told), "{id}: its page lacks {told}");
    }
    assert!(undocumented < RuleId::VARIANTS.len() / 8, "{undocumented}");
}

#[test]
fn lines_that_move_values_name_the_section_about_it() {
    let told = Line::all()
        .iter()
        .filter_map(|line| line.values_guide.as_ref());
    let told: Vec<_> = told.map(|section| section.address.as_str()).collect();
    assert!(told.len() > 2, "{told:?}");
    for address in told {
        assert_is_address(address);
    }
}
