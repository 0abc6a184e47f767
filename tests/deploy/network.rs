//! Who may reach the guard, by its NetworkPolicy.

use harness::{Binaries, Helm};
use serde_json::{Value, json};

use crate::rendered::{documents, is_hook, template};

fn policies(binaries: &Binaries, args: &[&str]) -> Vec<Value> {
    let output = template(binaries, Helm::V4, args).ok().unwrap();
    let mut objects = documents(&output.stdout);
    objects.retain(|object| object["kind"] == "NetworkPolicy");
    objects
}

/// Who may reach the admin port, by the policies that are hooks or not.
fn let_in(policies: &[Value], hooks: bool) -> Vec<&Value> {
    let policies = policies.iter().filter(|policy| is_hook(policy) == hooks);
    let rules = policies.flat_map(|policy| policy["spec"]["ingress"].as_array().unwrap());
    let admin = json!([{"port": "admin"}]);
    rules
        .filter(|rule| rule["ports"] == admin)
        .map(|rule| &rule["from"])
        .collect()
}

#[test]
fn the_admin_port_is_open_to_nobody_until_somebody_is_named() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let closed = policies(&binaries, &[]);
    assert_eq!(let_in(&closed, false), Vec::<&Value>::new());
    let webhook = json!([{"ports": [{"port": "webhook"}]}]);
    let own = closed.iter().find(|policy| !is_hook(policy)).unwrap();
    assert_eq!(own["spec"]["ingress"], webhook);

    let monitoring = json!([{"namespaceSelector": {"matchLabels": {"a": "b"}}}]);
    let set = format!("--set-json=networkPolicy.metricsFrom={monitoring}");
    let open = policies(&binaries, &[&set]);
    assert_eq!(let_in(&open, false), [&monitoring]);
}

#[test]
fn helm_test_may_ask_and_nobody_else() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let policies_of = |args: &[&str]| policies(&binaries, args);
    let pod = json!([{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "camunda-upgrade-guard-test"}}}]);
    assert_eq!(let_in(&policies_of(&[]), true), [&pod]);
    assert!(policies_of(&["--set=networkPolicy.enabled=false"]).is_empty());
}
