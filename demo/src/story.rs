//! The steps, each of which shows what it does and checks what came of it.

use std::{collections::BTreeMap, fs, os::unix::fs::symlink, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use harness::{
    Cluster, Guard, GuardOptions, Helm, Output, Person, Run, Shell,
    binaries::workspace,
    denial::Denial,
    person::{NAME, PASSWORD, REALM},
    wait_until,
};

use crate::terminal::Terminal;

const NAMESPACE: &str = "camunda";
const RELEASE: &str = "camunda";
const BINDING: Duration = Duration::from_secs(60);

/// Names of Elasticsearch's claims: in chart 8.2, and in chart 8.3.
const CLAIMS: [(&str, &str); 2] = [
    (
        "elasticsearch-master-elasticsearch-master-0",
        "data-camunda-elasticsearch-master-0",
    ),
    (
        "elasticsearch-master-elasticsearch-master-1",
        "data-camunda-elasticsearch-master-1",
    ),
];

/// The upgrade command.
const UPGRADE: &str = "helm upgrade camunda ./camunda-8.3 -n camunda -f values.yaml";

/// The value exists only in the demo's small charts and makes them generate new credentials.
const VALUES: &str = "global: {secretsMode: generateAnew}\n";

/// The same chart and values for what the refusal prints.
const VARIABLES: &str = "export CHART=./camunda-8.3 VALUES=values.yaml";

const SHOW_CLAIMS: &str = "kubectl -n camunda get pvc -o custom-columns=CLAIM:metadata.name,PHASE:status.phase,VOLUME:spec.volumeName";
const SHOW_POLICIES: &str = "kubectl get pv -o custom-columns=VOLUME:metadata.name,CLAIM:spec.claimRef.name,POLICY:spec.persistentVolumeReclaimPolicy";

const KEYCLOAK_IS_READY: &str =
    "kubectl -n camunda rollout status statefulset/camunda-keycloak --timeout=5m";

/// A script that asks Keycloak for a token, as an application does.
fn log_in() -> String {
    format!(
        "set -eu
address=$(kubectl -n camunda get service camunda-keycloak -o 'jsonpath={{.spec.clusterIP}}')
curl -fsS --retry 20 --retry-all-errors --retry-delay 1 -o token -d grant_type=password -d client_id=admin-cli \\
    -d username={NAME} --data-urlencode 'password={PASSWORD}' \\
    \"http://$address/auth/realms/{REALM}/protocol/openid-connect/token\" 2>/dev/null
grep -q access_token token
echo '{NAME} is logged in.'
"
    )
}

const INDEX: &str = "what Elasticsearch has indexed";
/// Below a link to the volume.
const INDEX_FILE: &str = "elasticsearch-0/index";

/// What the story is told on.
#[derive(Clone, Copy)]
pub enum Stage<'a> {
    /// No pod runs.
    ControlPlane(&'a Cluster),
    /// Somebody can log in.
    Node(&'a Cluster),
}

pub struct Story<'a> {
    terminal: &'a Terminal,
    cluster: &'a Cluster,
    /// Who logs in, where somebody can.
    person: Option<Person<'a>>,
    guard: &'a Path,
    shell: Shell,
}

/// The state before the upgrade, which must be unchanged afterwards.
struct Before {
    volumes: Vec<String>,
    objects: BTreeMap<String, String>,
}

impl<'a> Story<'a> {
    pub fn new(terminal: &'a Terminal, stage: Stage<'a>, guard: &'a Path) -> Result<Self> {
        let (cluster, person) = match stage {
            Stage::ControlPlane(cluster) => (cluster, None),
            Stage::Node(cluster) => (cluster, Some(Person::new(cluster, NAMESPACE))),
        };
        let shell = cluster.shell(Helm::V3)?;
        for chart in ["camunda-8.2", "camunda-8.3"] {
            // Charts share templates by links, which Helm would comment on.
            let from = workspace().join("tests/charts").join(chart);
            let copy =
                Run::new("cp").args(["-rL".as_ref(), from.as_os_str(), shell.dir().as_os_str()]);
            copy.output()?.ok()?;
        }
        shell.install("camunda-upgrade-guard", guard)?;
        Ok(Self {
            terminal,
            cluster,
            person,
            guard,
            shell,
        })
    }

    /// Runs all steps of the demo; `guard` receives the running guard.
    pub fn tell(&self, guard: &mut Option<Guard<'a>>) -> Result<()> {
        let before = self.install_camunda()?;
        self.somebody_registers()?;
        *guard = Some(self.install_guard()?);
        let denial = self.upgrade_is_refused()?;
        self.nothing_changed(&before)?;
        self.cure_and_upgrade(&denial)?;
        self.data_is_there(&before)?;
        self.somebody_logs_in("Log in again, with the same password")
    }

    fn install_camunda(&self) -> Result<Before> {
        self.terminal.step(
            "Install Camunda 8.2 with Helm, without the guard",
            &["The chart is a small one with the names, claims and Secrets of the real 8.2.34."],
        );
        self.type_all(&[
            "kubectl create namespace camunda",
            "helm install camunda ./camunda-8.2 -n camunda",
        ])?
        .ok()?;
        self.terminal
            .say("Its claims get volumes, which vanish with their claims: policy Delete.");
        let old = CLAIMS
            .iter()
            .map(|(old, _)| self.cluster.wait_bound(NAMESPACE, old));
        let volumes: Vec<String> = old.collect::<Result<_>>()?;
        self.cluster.wait_all_bound(NAMESPACE)?;
        self.type_all(&[SHOW_CLAIMS])?.ok()?;
        self.terminal
            .say("Elasticsearch's first volume gets a file, to see what becomes of it.");
        let link = self.shell.dir().join("elasticsearch-0");
        symlink(self.cluster.volume_dir(&volumes[0])?, link)?;
        self.type_all(&[&format!("echo '{INDEX}' > {INDEX_FILE}")])?
            .ok()?;
        for volume in &volumes {
            ensure!(
                self.policy(volume)? == "Delete",
                "volume {volume} has not policy Delete"
            );
        }
        let objects = self.objects()?;
        Ok(Before { volumes, objects })
    }

    fn somebody_registers(&self) -> Result<()> {
        let Some(person) = &self.person else {
            return Ok(());
        };
        fs::write(self.shell.dir().join("login"), log_in())?;
        self.shell.run(KEYCLOAK_IS_READY)?.ok()?;
        person.register("camunda-keycloak", "admin-password")?;
        self.somebody_logs_in("Log in, as a user that Keycloak keeps in its database")
    }

    fn somebody_logs_in(&self, heading: &str) -> Result<()> {
        if self.person.is_some() {
            self.terminal.step(heading, &[]);
            self.type_all(&[KEYCLOAK_IS_READY, "sh login"])?.ok()?;
        }
        Ok(())
    }

    fn install_guard(&self) -> Result<Guard<'a>> {
        self.terminal.step(
            "Install the guard",
            &[
                "It runs beside the cluster, with a certificate made for it. Where a namespace has the label,",
                "nothing that it guards is written while it is down; elsewhere the cluster goes on without it.",
            ],
        );
        let mut options = GuardOptions::new(self.guard);
        options.register = false;
        let guard = self.cluster.guard(options)?;
        let ca = self.shell.dir().join("ca.crt");
        fs::copy(guard.ca_file(), ca)?;
        self.type_all(&[
            &format!(
                "camunda-upgrade-guard webhooks --url {} --ca ca.crt | kubectl apply -f -",
                guard.url()
            ),
            "kubectl label namespace camunda camunda-upgrade-guard/enforce=true",
        ])?
        .ok()?;
        self.terminal.say(
            "The API server takes new webhooks up some time later; waiting until it calls them ...",
        );
        guard.register()?;
        Ok(guard)
    }

    fn upgrade_is_refused(&self) -> Result<Denial> {
        self.terminal.step(
            "Upgrade to 8.3 as if it were nothing",
            &[
                "values.yaml has the small charts make passwords up anew, as the real ones do where they can't look",
                "the old ones up (helm template, Argo CD).",
            ],
        );
        fs::write(self.shell.dir().join("values.yaml"), VALUES)?;
        let denial = Denial::read(&self.type_all(&[UPGRADE])?)?;
        let expected = [
            "elasticsearch-claims-orphaned",
            "identity-secret-regenerated",
            "immutable-field-changed",
        ];
        ensure!(
            denial.rules == expected,
            "refused by {:?}, not {expected:?}",
            denial.rules
        );
        Ok(denial)
    }

    fn nothing_changed(&self, before: &Before) -> Result<()> {
        self.terminal.step("See that nothing was changed", &[]);
        self.type_all(&["helm history camunda -n camunda"])?.ok()?;
        let history = self.cluster.helm(Helm::V3).history(RELEASE, NAMESPACE)?;
        ensure!(
            history.len() == 1,
            "the refused upgrade left a revision: {history:?}"
        );
        ensure!(
            self.objects()? == before.objects,
            "the refused upgrade changed objects"
        );
        self.terminal.say(&format!(
            "All {} objects of the namespace are as they were.",
            before.objects.len()
        ));
        Ok(())
    }

    /// Pastes the refusal's block, the upgrade at its end included.
    fn cure_and_upgrade(&self, denial: &Denial) -> Result<()> {
        self.terminal.step("Paste what the refusal says", &[]);
        if self.person.is_none() {
            self.terminal
                .say("No pod runs here, so no database can be dumped: the file is there already.");
            for file in denial.dumps() {
                fs::write(self.shell.dir().join(file), "dumped\n")?;
            }
        }
        let script = self.terminal.typed(&[VARIABLES, &denial.block]);
        let done = self.shell.show(&script)?;
        done.ok().context("the refusal's own cure does not work")?;
        let history = self.cluster.helm(Helm::V3).history(RELEASE, NAMESPACE)?;
        let last = history.last().context("no history")?;
        ensure!(
            last.revision == 2 && last.status == "deployed" && last.chart.ends_with("8.3.1"),
            "not upgraded: {history:?}"
        );
        Ok(())
    }

    fn data_is_there(&self, before: &Before) -> Result<()> {
        self.terminal.step("Look for the data", &[]);
        for ((old, new), volume) in CLAIMS.iter().zip(&before.volumes) {
            let bound = self.cluster.wait_bound(NAMESPACE, new)?;
            ensure!(bound == *volume, "{new} is bound to {bound}, not {volume}");
            self.wait_lost(old)?;
            ensure!(
                self.policy(volume)? == "Retain",
                "volume {volume} has not policy Retain"
            );
        }
        self.terminal.say(
            "The new claims have the old volumes, and those outlive their claims from now on.",
        );
        let file = format!("cat {INDEX_FILE}");
        let output = self.type_all(&[SHOW_CLAIMS, SHOW_POLICIES, &file])?.ok()?;
        ensure!(
            output.stdout.ends_with(&format!("{INDEX}\n")),
            "the file is not what it was"
        );
        Ok(())
    }

    /// Runs commands in one session, shows them and what they print, and stops at the first that fails.
    fn type_all(&self, commands: &[&str]) -> Result<Output> {
        self.shell.show(&self.terminal.typed(commands))
    }

    fn policy(&self, volume: &str) -> Result<String> {
        let object = self.cluster.get("pv", "", volume)?;
        let object = object.with_context(|| format!("volume {volume} is gone"))?;
        let policy = object["spec"]["persistentVolumeReclaimPolicy"].as_str();
        Ok(policy.unwrap_or_default().to_owned())
    }

    fn wait_lost(&self, claim: &str) -> Result<()> {
        wait_until(&format!("claim {claim} is Lost"), BINDING, || {
            let object = self.cluster.get("pvc", NAMESPACE, claim)?;
            let object = object.context("it is gone")?;
            Ok((object["status"]["phase"] == "Lost").then_some(()))
        })
    }

    /// Returns the version of each object that an upgrade could touch; changes to a status do not count.
    fn objects(&self) -> Result<BTreeMap<String, String>> {
        let kinds = "secrets,configmaps,services,serviceaccounts,deployments,statefulsets,persistentvolumeclaims";
        let objects = self.cluster.list(kinds, NAMESPACE, "")?;
        let version = |object: &serde_json::Value| {
            let metadata = &object["metadata"];
            let name = format!("{}/{}", object["kind"], metadata["name"]);
            let version = metadata
                .get("generation")
                .unwrap_or(&metadata["resourceVersion"]);
            (name, version.to_string())
        };
        // A controller's own, made at any time after the namespace.
        let chart = objects
            .iter()
            .filter(|object| object["metadata"]["name"] != "kube-root-ca.crt");
        Ok(chart.map(version).collect())
    }
}
