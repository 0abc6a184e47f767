//! Going ahead against a refusal: only who may, only what was decided, only once, and never in silence.

use harness::{Denial, Helm, Kubectl};

use crate::{charts::own, command::words, release::Release, stage::guarded};

const DROPPED: &str = "--set=identityKeycloak.enabled=false";
const REFUSED: [&str; 2] = ["claims-orphaned", "identity-secret-removed"];

/// What the refusal prints for going ahead, with a reason.
pub fn printed(denial: &Denial, reason: &str) -> String {
    let (_, way) = denial.text.split_once("create -f - <<'EOF'\n").unwrap();
    let (document, _) = way.split_once("\n#   EOF").unwrap();
    let lines = document
        .lines()
        .map(|line| line.strip_prefix("#   ").unwrap());
    let yaml = lines.collect::<Vec<_>>().join("\n");
    yaml.replace("reason: \"\"", &format!("reason: \"{reason}\""))
}

#[track_caller]
fn refused(kubectl: &Kubectl, namespace: &str, yaml: &str, because: &str) {
    let output = kubectl.run_with_input(["create", "-n", namespace, "-f", "-"], yaml);
    let text = output.refused().unwrap().text();
    assert!(text.contains(because), "{because}: {text}");
}

#[test]
fn somebody_with_the_right_goes_ahead_once() {
    let Some((cluster, guard)) = guarded() else {
        return;
    };
    for helm in Helm::BOTH {
        let release = Release::new(cluster, "camunda");
        let namespace = &*release.namespace;
        let chart = own("camunda-12");
        release.install(helm, &chart, &[]).ok().unwrap();
        let denial = release.refused(helm, &chart, &[DROPPED]);
        denial.assert_rules(&REFUSED);
        let right = printed(&denial, "it is a rehearsal");
        let admin = cluster.admin();

        refused(admin, namespace, &printed(&denial, ""), "reason is missing");
        let year = |text: &str| text.replace("expires: \"20", "expires: \"19");
        refused(admin, namespace, &year(&right), "it has expired");
        refused(
            admin,
            namespace,
            &right.replace("claims-orphaned", "claims"),
            "there is no rule",
        );
        // Who may write here may not decide it.
        let binding = [
            "create",
            "rolebinding",
            "deployer",
            "--clusterrole=admin",
            "--user=deployer",
        ];
        cluster
            .kubectl([&binding[..], &["-n", namespace]].concat())
            .ok()
            .unwrap();
        let deployer = cluster.kubeconfig_of_user("deployer", &[]).unwrap();
        let deployer = cluster.kubectl_as(&deployer);
        let because = "deployer may not override releases.camunda-upgrade-guard camunda";
        refused(&deployer, namespace, &right, because);

        let create = |namespace: &str, yaml: &str| {
            let args = ["create", "-n", namespace, "-f", "-"];
            admin.run_with_input(args, yaml).ok().unwrap();
        };
        let delete = || {
            let name = "camunda-upgrade-guard-override-camunda";
            cluster
                .kubectl(["delete", "configmap", name, "-n", namespace])
                .ok()
                .unwrap();
        };
        // In another namespace, for another revision, for fewer rules.
        let elsewhere = cluster.namespace("elsewhere").unwrap();
        create(&elsewhere, &right);
        release
            .refused_by_guard(helm, &chart, &[DROPPED])
            .assert_rules(&REFUSED);
        create(
            namespace,
            &right.replace("revision: \"2\"", "revision: \"9\""),
        );
        let denial = release.refused_by_guard(helm, &chart, &[DROPPED]);
        denial.assert_rules(&REFUSED);
        let because = "it is for revision 9, and this is revision 2";
        assert!(words(&denial.text).contains(because), "{}", denial.text);
        delete();
        create(namespace, &right.replace("claims-orphaned,", ""));
        release
            .refused_by_guard(helm, &chart, &[DROPPED])
            .assert_rules(&["claims-orphaned"]);
        // It is not widened afterwards by who may not decide.
        let patch = r#"{"data":{"rules":"claims-orphaned,identity-secret-removed"}}"#;
        let name = "camunda-upgrade-guard-override-camunda";
        let widened = deployer.run(["patch", "configmap", name, "-n", namespace, "-p", patch]);
        let text = widened.refused().unwrap().text();
        assert!(text.contains("deployer may not override"), "{text}");
        delete();

        create(namespace, &right);
        let admitted = release
            .upgrade(helm, &chart, &[DROPPED])
            .ok()
            .unwrap()
            .text();
        for rule in REFUSED {
            let said = format!("{rule}: Overridden (it is a rehearsal): ");
            assert!(admitted.contains(&said), "{said}: {admitted}");
        }
        assert!(guard.log().contains("override used"));
        assert!(release.get("statefulset", "camunda-postgresql").is_none());
        let denial =
            release.refused_by_guard(helm, &chart, &[DROPPED, "--set=zeebe.clusterSize=1"]);
        denial.assert_rules(&["zeebe-brokers-reduced"]);
        let because = "it is for revision 2, and this is revision 3";
        assert!(words(&denial.text).contains(because), "{}", denial.text);
    }
}
