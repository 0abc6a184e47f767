//! The table of rights in docs/install.md is what the API server says.

use std::collections::{BTreeMap, BTreeSet};

use harness::Cluster;

use crate::rendered::NAME;

/// Verbs by resource and names.
type Rights = BTreeMap<(String, String), BTreeSet<String>>;

fn add(rights: &mut Rights, resource: &str, names: &str, verbs: impl Iterator<Item = String>) {
    let key = (resource.to_owned(), names.to_owned());
    rights.entry(key).or_default().extend(verbs);
}

/// What an account may do beyond what every account may.
fn granted(cluster: &Cluster, namespace: &str) -> Rights {
    let list = |account: &str| {
        let who = format!("--as=system:serviceaccount:{NAME}:{account}");
        let output = cluster.kubectl(["auth", "can-i", "--list", "-n", namespace, &who]);
        let table = output.ok().unwrap().stdout;
        let rows = table.lines().skip(1).map(|row| {
            let words: Vec<_> = row.split_whitespace().collect();
            words.join(" ")
        });
        rows.collect::<BTreeSet<_>>()
    };
    let mut rights = Rights::new();
    for line in &list(NAME) - &list("default") {
        let (resource, rest) = line.split_once('[').unwrap();
        let groups: Vec<_> = rest.split(['[', ']']).step_by(2).collect();
        let verbs = groups[2].split(' ').map(str::to_owned);
        add(&mut rights, resource.trim(), groups[1], verbs);
    }
    rights
}

/// The rows of the two tables: everywhere, and in the own namespace.
fn documented(page: &str) -> [Rights; 2] {
    let section = page.split("\n## Rights\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let (everywhere, own) = section.split_once("In its own namespace").unwrap();
    [everywhere, own].map(|text| {
        let mut rights = Rights::new();
        for row in text.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<_> = row.split('|').collect();
            let words = |cell: &str| -> Vec<String> {
                let words = cell.split('`').skip(1).step_by(2);
                words.map(str::to_owned).collect()
            };
            for resource in words(cells[1]) {
                let names = words(cells[2]).join(" ");
                add(&mut rights, &resource, &names, words(cells[3]).into_iter());
            }
        }
        rights
    })
}

pub fn assert_documented(cluster: &Cluster, page: &str) {
    let [mut rights, own] = documented(page);
    assert!(rights.len() > 10, "{rights:?}");
    assert_eq!(granted(cluster, "camunda"), rights);
    rights.extend(own);
    assert_eq!(granted(cluster, NAME), rights);
}
