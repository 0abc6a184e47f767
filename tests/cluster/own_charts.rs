//! The whole way from 8.2 to 13 with the project's own charts, and what becomes of generated Secrets on it.

use std::fs;

use base64::{Engine, engine::general_purpose::STANDARD};
use harness::{Cluster, Denial, Helm};
use serde_json::json;

use crate::{
    charts::{ANEW, REUSE, copied, own, released_as, replace},
    release::{Release, assert_silent},
    stage::guarded,
};

const REGENERATED: &str = "identity-secret-regenerated";

/// One step of the way.
struct Step {
    chart: &'static str,
    /// The versions of chart and application that it stands in for.
    stands_for: Option<[&'static str; 2]>,
    /// What stops it where nothing is prepared, new credentials aside.
    stops: &'static [&'static str],
    /// Whether the chart generates credentials.
    generates: bool,
    /// The ends of the names of Secrets that go because nothing reads them any more.
    drops: &'static [&'static str],
}

const STEPS: [Step; 6] = [
    Step {
        chart: "camunda-8.3",
        stands_for: None,
        stops: &["elasticsearch-claims-orphaned", "immutable-field-changed"],
        generates: true,
        drops: &[],
    },
    Step {
        chart: "camunda-9.3",
        stands_for: None,
        stops: &[],
        generates: true,
        drops: &[],
    },
    Step {
        chart: "camunda-12",
        stands_for: Some(["10.11.3", "8.5."]),
        stops: &["immutable-field-changed"],
        generates: true,
        drops: &["-console-identity-secret"],
    },
    Step {
        chart: "camunda-12",
        stands_for: Some(["11.12.3", "8.6."]),
        stops: &[],
        generates: true,
        drops: &[],
    },
    Step {
        chart: "camunda-12",
        stands_for: None,
        stops: &[],
        generates: true,
        drops: &[],
    },
    Step {
        chart: "camunda-13",
        stands_for: None,
        stops: &[
            "authentication-changed",
            "claims-orphaned",
            "component-disappears",
            "data-migration-disabled",
            "identity-secret-removed",
            "importers-disabled",
        ],
        generates: false,
        // What PostgreSQL and Keycloak know is carried over before.
        drops: &["-identity-secret", "-license", "-keycloak", "-postgresql"],
    },
];

#[test]
fn helm_3_from_8_2_to_13_with_credentials_made_anew() {
    from_8_2_to_13([Helm::V3; 6], ANEW);
}

#[test]
fn helm_4_from_8_2_to_13_with_credentials_made_anew() {
    from_8_2_to_13([Helm::V4; 6], ANEW);
}

#[test]
fn either_helm_from_8_2_to_13_with_credentials_looked_up() {
    from_8_2_to_13(
        [Helm::V4, Helm::V3, Helm::V3, Helm::V4, Helm::V4, Helm::V3],
        REUSE,
    );
}

fn from_8_2_to_13(helms: [Helm; 6], mode: &str) {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    // Charts up to 8.3 can't be installed by Helm 4, and 9 not upgraded where Helm 4 installed it.
    let installed = release.install(Helm::V3, &own("camunda-8.2"), &[mode]);
    assert_silent(&installed.ok().unwrap());
    for (helm, step) in helms.into_iter().zip(&STEPS) {
        take(&release, helm, mode, step);
    }
}

fn take(release: &Release, helm: Helm, mode: &str, step: &Step) {
    let chart = match step.stands_for {
        Some([version, tag]) => released_as(
            release.cluster,
            step.chart,
            ["12.13.3", version],
            ["8.7.", tag],
        ),
        None => own(step.chart),
    };
    release.bind_all();
    let (volumes, secrets) = (release.volumes(), release.secrets());
    let mut args = vec![mode];
    if mode == REUSE && step.chart == "camunda-8.3" {
        // Console's is new, and a chart that looks its Secrets up makes none up on an upgrade.
        args.push("--set=global.identity.auth.console.existingSecret=of-its-own");
    }
    let mut stops = step.stops.to_vec();
    if mode == ANEW && step.generates {
        stops.push(REGENERATED);
    }
    if stops.is_empty() {
        release.upgrade(helm, &chart, &args).ok().unwrap();
    } else {
        let denial = release.refused(helm, &chart, &args);
        denial.assert_rules(&stops);
        release.cured(helm, &denial, &chart, &args);
    }
    release.bind_all();
    assert!(release.volumes().is_superset(&volumes), "{}", step.chart);
    let after = release.secrets();
    for (name, data) in &secrets {
        if !step.drops.iter().any(|dropped| name.ends_with(dropped)) {
            assert_eq!(after.get(name), Some(data), "{name} in {}", step.chart);
        }
    }
    release.delete_lost_claims();
    if mode == REUSE {
        // With what the refusal had printed, too.
        let again = release.upgrade(helm, &chart, &[REUSE, "--reuse-values"]);
        assert_silent(&again.ok().unwrap());
    }
}

/// Charts up to 8.3.2 want every client's secret given at every upgrade.
#[test]
fn a_wrong_value_where_the_chart_demands_one() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    for chart in ["camunda-8.2", "camunda-8.3"] {
        let chart = own(chart);
        let release = Release::new(cluster, "camunda");
        let value = |component| {
            format!("--set-string=global.identity.auth.{component}.existingSecret=the-{component}")
        };
        let right = ["connectors", "console", "operate", "optimize", "zeebe"].map(value);
        let mut args: Vec<_> = right.iter().map(String::as_str).collect();
        let (tasklist, wrong) = (
            value("tasklist"),
            "--set-string=global.identity.auth.tasklist.existingSecret=wrong",
        );
        args.push(&tasklist);
        release.install(Helm::V3, &chart, &args).ok().unwrap();
        assert_silent(&release.upgrade(Helm::V4, &chart, &args).ok().unwrap());
        args.pop();
        args.push(wrong);
        let denial = release.refused(Helm::V3, &chart, &args);
        denial.assert_rules(&[REGENERATED]);
        let flag = "--set-string global.identity.auth.tasklist.existingSecret=\"$TASKLIST_SECRET\"";
        assert_eq!(denial.flags(), [flag]);
        release.cured(Helm::V4, &denial, &chart, &args);
    }
}

/// What a shell or `--set-string` would change goes from the Secret into a values file, byte for byte.
#[test]
fn passwords_that_no_command_line_carries() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let values = json!({
        "global": {"identity": {"auth": {
            "operate": {"existingSecret": "it's`$HOME`*!#&;|<>[x]=y"},
            "optimize": {"existingSecret": "ends with lines\n\n"},
            "tasklist": {"existingSecret": "with,comma"},
            "zeebe": {"existingSecret": "null"},
        }}},
        "identityKeycloak": {
            "auth": {"adminPassword": "back\\slash{{brace}}{x}\"quote\"'$(id)`id`"},
            "postgresql": {"auth": {
                "postgresPassword": "  blanks \t and a bell \u{7} ",
                "password": "Grüße #: %q \u{1F511} \u{85}\u{FEFF}",
            }},
        },
    });
    let file = cluster.scratch("values").unwrap().join("values.json");
    // To YAML, the last two are a line break and nothing at all unless they are escaped.
    let escaped = values
        .to_string()
        .replace('\u{85}', "\\u0085")
        .replace('\u{FEFF}', "\\ufeff");
    fs::write(&file, escaped).unwrap();
    let file = format!("--values={}", file.display());
    let (release, chart) = (Release::new(cluster, "camunda"), own("camunda-12"));
    let installed = release.install(Helm::V3, &chart, &[ANEW, &file]);
    installed.ok().unwrap();
    let before = release.secrets();
    let keycloak = values["identityKeycloak"]["auth"]["adminPassword"].as_str();
    let live = before["camunda-keycloak"]["admin-password"].as_str();
    assert_eq!(
        STANDARD.decode(live.unwrap()).unwrap(),
        keycloak.unwrap().as_bytes()
    );
    let database = values["identityKeycloak"]["postgresql"]["auth"]["password"].as_str();
    let live = before["camunda-postgresql"]["password"].as_str();
    assert_eq!(
        STANDARD.decode(live.unwrap()).unwrap(),
        database.unwrap().as_bytes()
    );
    for helm in Helm::BOTH {
        let denial = release.refused(helm, &chart, &[ANEW]);
        denial.assert_rules(&[REGENERATED]);
        let flags = denial.flags();
        let files = flags.iter().filter(|flag| flag.starts_with("-f <("));
        assert_eq!(files.count(), 5, "{}", denial.text);
        release.cured(helm, &denial, &chart, &[ANEW]);
        assert_eq!(release.secrets(), before);
    }
}

/// What counts is what the API server would store, not in which field the chart writes it.
#[test]
fn secrets_rendered_as_string_data() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let chart = with_string_data(cluster);
    for helm in Helm::BOTH {
        let release = Release::new(cluster, "camunda");
        release.install(helm, &own("camunda-12"), &[]).ok().unwrap();
        let before = release.secrets();
        assert_credentials(&release.refused(helm, &chart, &[ANEW]));
        for chart in [&chart, &own("camunda-12")] {
            assert_silent(&release.upgrade(helm, chart, &[REUSE]).ok().unwrap());
            assert_credentials(&release.refused(helm, chart, &[ANEW]));
        }
        assert_eq!(release.secrets(), before);
    }
}

#[track_caller]
fn assert_credentials(denial: &Denial) {
    denial.assert_rules(&[REGENERATED]);
    assert_eq!(denial.flags().len(), 8, "{}", denial.text);
}

/// Chart 12 with all its credentials in `stringData`.
fn with_string_data(cluster: &Cluster) -> std::path::PathBuf {
    let chart = copied(cluster, "camunda-12");
    let keycloak = "charts/identityKeycloak";
    for (file, end) in [
        (
            "charts/common/templates/_secrets.tpl".to_owned(),
            "\" .of)) | quote",
        ),
        (
            format!("{keycloak}/templates/secrets.yaml"),
            "true) | quote",
        ),
        (
            format!("{keycloak}/charts/postgresql/templates/secrets.yaml"),
            "true) | quote",
        ),
    ] {
        replace(&chart, &file, "\ndata:", "\nstringData:");
        replace(&chart, &file, end, &end.replace("quote", "b64dec | quote"));
    }
    chart
}
