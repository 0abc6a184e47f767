//! A release that runs, one that is to run, and what is live, written as a manifest each.

use camunda_upgrade_guard::{
    change::{Change, Facts, Operation, Rendered},
    finding::{Action, Command, Finding, Moment},
    helm::{manifest, release::Release},
    kubernetes::{Kind, Object, ObjectRef},
    proof::prove,
    rules::{self, Rule},
};
use serde_json::{Value, json};

/// The rules that have something to say to every change of line.
pub const OF_EVERY_LINE: [&str; 3] = [
    "upgrade-path-not-latest-patch",
    "backup-first",
    "release-notes",
];

/// Everything that a verdict depends on.
#[derive(Clone)]
pub struct Scene {
    running: String,
    planned: String,
    hooks: Vec<Value>,
    status: &'static str,
    versions: [&'static str; 2],
    /// What the user had set and sets.
    values: [Value; 2],
    /// How the Helm that wrote each record applies objects; Helm 3 does not say.
    apply_methods: [Option<&'static str>; 2],
    tested_helm: Option<&'static str>,
    chart: &'static str,
    /// What the charts have by default.
    defaults: Value,
    facts: Facts,
}

impl Scene {
    /// An upgrade between two versions of the chart.
    pub fn upgrade(from: &'static str, to: &'static str) -> Scene {
        Scene {
            running: String::new(),
            planned: String::new(),
            hooks: Vec::new(),
            status: "pending-upgrade",
            versions: [from, to],
            values: [Value::Null, Value::Null],
            apply_methods: [None, None],
            tested_helm: None,
            chart: "camunda-platform",
            defaults: Value::Null,
            facts: Facts::default(),
        }
    }

    /// What the user had set, and what is set now.
    pub fn values(self, running: Value, planned: Value) -> Scene {
        Scene {
            values: [running, planned],
            ..self
        }
    }

    /// What the chart that is to run has by default.
    pub fn defaults(self, defaults: Value) -> Scene {
        Scene { defaults, ..self }
    }

    /// The ways in which the two Helms apply objects, and the versions that the chart was tested with.
    pub fn helm(
        self,
        apply_methods: [Option<&'static str>; 2],
        tested: Option<&'static str>,
    ) -> Scene {
        Scene {
            apply_methods,
            tested_helm: tested,
            ..self
        }
    }

    /// The same under an umbrella chart: Camunda's is found by its objects.
    pub fn umbrella(self) -> Scene {
        Scene {
            chart: "umbrella",
            ..self
        }
    }

    /// The same as a rollback.
    pub fn rollback(self) -> Scene {
        Scene {
            status: "pending-rollback",
            ..self
        }
    }

    /// A first install.
    pub fn install(version: &'static str) -> Scene {
        Scene {
            status: "pending-install",
            ..Scene::upgrade(version, version)
        }
    }

    /// The release is known to be Camunda's, as its labelled objects tell the gate.
    pub fn known(mut self) -> Scene {
        self.facts.insert_release("prod", "camunda");
        self
    }

    /// Adds a document to the running manifest, and the object to what is live.
    pub fn running(self, document: &str) -> Scene {
        self.deleted(document).live(document)
    }

    /// Adds a document to the running manifest only: somebody deleted the object.
    pub fn deleted(mut self, document: &str) -> Scene {
        self.running += &format!("---\n{document}\n");
        self
    }

    /// Adds a document to the new manifest.
    pub fn planned(mut self, document: &str) -> Scene {
        self.planned += &format!("---\n{document}\n");
        self
    }

    /// Has this for the whole new manifest.
    pub fn replanned(mut self, document: &str) -> Scene {
        self.planned.clear();
        self.planned(document)
    }

    /// Adds a hook of the new release.
    pub fn hook(mut self, events: &[&str], document: &str) -> Scene {
        self.hooks.push(json!({"path": "camunda-platform/templates/hook.yaml", "manifest": document, "events": events}));
        self
    }

    /// Adds a live object, in place of one of the same name.
    pub fn live(mut self, document: &str) -> Scene {
        for document in manifest::split(document) {
            let mut value = document.parse().unwrap().unwrap();
            let kind = Kind::from_name(value["kind"].as_str().unwrap()).unwrap();
            if kind.namespaced() {
                value["metadata"]["namespace"] = "prod".into();
            }
            self.facts.insert(kind, Object(value).into());
        }
        self
    }

    fn release(&self, side: usize, manifest: &str, status: &str) -> Release {
        let annotations = self
            .tested_helm
            .map(|tested| json!({"camunda.io/helmCLIVersion": tested}));
        serde_json::from_value(json!({
            "name": "camunda", "namespace": "prod", "version": 2, "info": {"status": status},
            "chart": {"metadata": {
                "name": self.chart, "version": self.versions[side], "annotations": annotations},
                "values": self.defaults},
            "manifest": manifest, "hooks": self.hooks,
            "config": self.values[side], "apply_method": self.apply_methods[side],
        }))
        .unwrap()
    }

    fn change(&self) -> Change {
        let running = Rendered::of(&self.release(0, &self.running, "deployed"), None);
        let running = (self.status != "pending-install").then_some(&running);
        let next = self.release(1, &self.planned, self.status);
        Change::of_release(&next, &Rendered::of(&next, running), running).unwrap()
    }

    /// What the rules are given.
    pub fn judged(&self) -> (Change, Facts) {
        (self.change(), self.facts.clone())
    }

    /// What all rules find.
    pub fn findings(&self) -> Vec<Finding> {
        explained(rules::judge(&self.change(), &self.facts))
    }

    /// What all rules find where only the one object of the new manifest is known.
    pub fn object_findings(&self, operation: Operation) -> Vec<Finding> {
        let document = manifest::split(&self.planned).next().unwrap();
        let mut object = Object(document.parse().unwrap().unwrap());
        object.0["metadata"]["namespace"] = "prod".into();
        let kind = Kind::from_name(object.str("/kind").unwrap()).unwrap();
        let reference = ObjectRef::new(kind, "prod", object.name());
        let change = match operation {
            Operation::Delete => Change::of_deletion(reference, "camunda", object),
            _ => Change::of_object(operation, reference, "camunda", object),
        };
        explained(rules::judge(&change, &self.facts))
    }

    /// What all rules find where the one object of the new manifest is deleted on its own.
    pub fn deletion_findings(&self) -> Vec<Finding> {
        let document = manifest::split(&self.planned).next().unwrap();
        let mut object = Object(document.parse().unwrap().unwrap());
        object.0["metadata"]["namespace"] = "prod".into();
        let kind = Kind::from_name(object.str("/kind").unwrap()).unwrap();
        let reference = ObjectRef::new(kind, "prod", object.name());
        let change = Change::of_deletion(reference, "camunda", object);
        explained(rules::judge(&change, &self.facts))
    }

    /// Asserts that exactly this refuses.
    #[track_caller]
    pub fn refused(&self, rule: &str) -> Finding {
        let findings = self.findings();
        let denied: Vec<_> = findings
            .iter()
            .filter(|finding| finding.action == Action::Deny)
            .collect();
        assert_eq!(
            denied
                .iter()
                .map(|finding| finding.rule.name())
                .collect::<Vec<_>>(),
            [rule],
            "{findings:#?}"
        );
        let finding = denied[0].clone();
        self.assert_stands(&finding);
        finding
    }

    /// Asserts that a cure is printed as its rule has it: the engine knows of nothing against it.
    #[track_caller]
    fn assert_stands(&self, finding: &Finding) {
        let (change, facts) = self.judged();
        let mut proved = rules::judge(&change, &facts);
        prove(&change, &facts, &mut proved);
        let proved = proved.iter().find(|it| it.rule == finding.rule).unwrap();
        assert_eq!(proved.fixes, finding.fixes, "{:#?}", proved.why);
    }

    /// Asserts that nothing refuses, and nothing is said but what every change of line is told.
    #[track_caller]
    pub fn passes(&self) {
        assert_eq!(self.particular(), [], "expected no finding");
    }

    /// Asserts that nothing refuses, and that what is left behind on purpose is told once more.
    #[track_caller]
    pub fn leaves_on_purpose(&self, claim: &str) {
        let findings = self.particular();
        let [finding] = &findings[..] else {
            panic!("{findings:?}")
        };
        assert_eq!(finding.action, Action::Warn, "{finding:?}");
        assert_eq!(finding.title, format!("{claim} is left behind on purpose"));
    }

    /// What is said beyond what every change of line is told.
    pub fn particular(&self) -> Vec<Finding> {
        let mut findings = self.findings();
        findings.retain(|finding| !OF_EVERY_LINE.contains(&finding.rule.name()));
        findings
    }

    /// The one finding of a rule.
    #[track_caller]
    pub fn one(&self, rule: &str) -> Finding {
        let mut findings = self.findings();
        findings.retain(|finding| finding.rule.name() == rule);
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings.remove(0)
    }

    /// The ids of all findings.
    pub fn rules(&self) -> Vec<&'static str> {
        let findings = self.findings();
        findings.iter().map(|finding| finding.rule.name()).collect()
    }
}

/// A StatefulSet with one claim template.
pub fn statefulset(name: &str, template: &str, labels: &str, replicas: u32) -> String {
    format!(
        "apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {name}
  labels: {{{labels}}}
spec:
  replicas: {replicas}
  serviceName: {name}
  selector: {{matchLabels: {{app: {name}}}}}
  template: {{spec: {{containers: [{{name: c, image: x}}]}}}}
  volumeClaimTemplates:
  - metadata: {{name: {template}}}
    spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}"
    )
}

/// A claim and, where it is bound, its volume.
pub fn claim(name: &str, phase: &str, labels: &str) -> String {
    format!(
        "apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}, uid: uid-{name}, labels: {{{labels}}}}}
spec: {{volumeName: volume-{name}, storageClassName: standard, accessModes: [ReadWriteOnce]}}
status: {{phase: {phase}}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {{name: volume-{name}}}
spec: {{claimRef: {{namespace: prod, name: {name}}}, capacity: {{storage: 1Gi}}, persistentVolumeReclaimPolicy: Delete}}"
    )
}

/// A Secret with plain values.
pub fn secret(name: &str, labels: &str, values: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, labels: {{{labels}}}}}\nstringData: {{{values}}}"
    )
}

/// Where a rule has a way to give something up, its page says what that costs.
pub fn explained(findings: Vec<Finding>) -> Vec<Finding> {
    let gives_up = |finding: &&Finding| {
        let mut fixes = finding.fixes.iter();
        fixes.any(|fix| fix.moment == Moment::OnPurpose)
    };
    for finding in findings.iter().filter(gives_up) {
        let rule = Rule::named(finding.rule.name()).unwrap();
        assert!(rule.page.contains("\n**On purpose.** "), "{}", finding.rule);
    }
    findings
}

/// What a finding has one type.
pub fn commands(finding: &Finding) -> Vec<String> {
    let commands = finding.fixes.iter().flat_map(|fix| &fix.commands);
    commands.map(Command::text).collect()
}

/// The rules that found something.
pub fn rules(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.rule.name()).collect()
}
