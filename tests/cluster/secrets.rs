//! Secrets that a database's data needs: deleted by people, by an uninstall, and missed by the next installation.

use std::fs;

use harness::Helm;

use crate::{
    charts::own,
    release::{Release, assert_silent},
    stage::guarded,
};

const SECRET: &str = "camunda-postgresql";

#[test]
fn a_secret_that_the_data_needs_goes_only_on_purpose() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let installed = release.install(Helm::V3, &own("camunda-12"), &[]);
    assert_silent(&installed.ok().unwrap());
    release.bind_all();
    let namespace = &*release.namespace;
    let delete = |secret: &str| cluster.kubectl(["-n", namespace, "delete", "secret", secret]);
    let text = delete(SECRET).refused().unwrap().text();
    assert!(text.contains("identity-secret-deleted"), "{text}");
    let warned = delete("camunda-tasklist-identity-secret").ok().unwrap();
    let warned = warned.text();
    assert!(
        warned.contains("Warning: identity-secret-deleted"),
        "{warned}"
    );

    let file = cluster.scratch("saved").unwrap().join("secret.yaml");
    let commands = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("kubectl "))
        .map(|line| line.replace("camunda-postgresql.yaml", &file.display().to_string()));
    let commands: Vec<_> = commands.collect();
    assert_eq!(commands.len(), 2, "{text}");
    let shell = cluster.shell(Helm::V3).unwrap();
    shell.run(&commands.join("\n")).unwrap().ok().unwrap();
    assert!(fs::read_to_string(&file).unwrap().contains("password:"));
    assert_silent(&delete(SECRET).ok().unwrap());
}

/// Nothing stops an uninstall half-way well, so it is only told; the next install must not make up new passwords.
#[test]
fn a_reinstallation_meets_the_data_of_the_last_one() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    for helm in Helm::BOTH {
        let release = Release::new(cluster, "camunda");
        let chart = own("camunda-12");
        release.install(helm, &chart, &[]).ok().unwrap();
        release.bind_all();
        let namespace = &*release.namespace;
        let get = ["-n", namespace, "get", "secret", SECRET, "-o", "yaml"];
        let saved = cluster.kubectl(get).ok().unwrap().stdout;
        let uninstalled = cluster.helm(helm).uninstall("camunda", namespace, &[]);
        let text = uninstalled.ok().unwrap().text();
        assert!(text.contains("identity-secret-deleted"), "{text}");
        assert!(!release.secrets().contains_key(SECRET));

        let refused = release.install(helm, &chart, &[]).refused().unwrap().text();
        assert!(refused.contains("reinstall-over-old-claims"), "{refused}");
        let restored = cluster
            .admin()
            .run_with_input(["apply", "-n", namespace, "-f", "-"], &saved);
        let text = restored.ok().unwrap().text();
        assert!(
            text.contains("Warning: reinstall-over-old-claims"),
            "{text}"
        );
        let refused = release.install(helm, &chart, &[]).refused().unwrap().text();
        assert!(
            refused.contains("camunda-keycloak for the data"),
            "{refused}"
        );
        assert!(
            !refused.contains("camunda-postgresql for the data"),
            "{refused}"
        );
    }
}
