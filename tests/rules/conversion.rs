//! The values of 12 as values of 13: `orchestration-values` and the rules that print the same file.

use camunda_upgrade_guard::{
    change::{Change, Facts},
    finding::{Action, Command, Finding, Typing},
    helm::manifest::Document,
    rules,
};
use harness::Corpus;
use serde_json::{Value, json};

use crate::{
    live::Upgrade,
    scene::{Scene, commands, secret},
};

const VALUES: &str = "orchestration-values";
const DATABASE: &str = "web-modeler-postgresql-renamed";

fn to_13(values: &Value) -> Scene {
    Scene::upgrade("12.13.3", "13.12.7").values(values.clone(), values.clone())
}

/// The file that a finding has written, with its comments.
pub fn text<'a>(finding: &'a Finding, name: &str) -> &'a str {
    // What is not all that the file should hold has another name.
    let names = [name.to_owned(), name.replace(".yaml", "-by-hand.yaml")];
    let writes = names.map(|name| format!("cat > {name}"));
    let commands = finding.fixes.iter().flat_map(|fix| &fix.commands);
    let mut files = commands.filter_map(Command::here_document);
    let file = files.find(|file| writes.contains(&file.command));
    &file.unwrap().text
}

/// The file that a finding has written, as Helm reads it.
pub fn file(finding: &Finding, name: &str) -> Value {
    let yaml = text(finding, name);
    Document::new(yaml).parse().unwrap().unwrap_or_default()
}

/// The file that `convert` writes, whose values may be secret.
pub fn whole((change, facts): &(Change, Facts)) -> Value {
    let (yaml, _) = rules::converted_file(change, facts).unwrap();
    Document::new(&yaml).parse().unwrap().unwrap_or_default()
}

/// `helm upgrade -f a -f b`.
pub fn over(under: &Value, over: &Value) -> Value {
    let (Value::Object(below), Value::Object(above)) = (under, over) else {
        return over.clone();
    };
    let mut merged = below.clone();
    for (key, value) in above {
        let value = below
            .get(key)
            .map_or_else(|| value.clone(), |old| self::over(old, value));
        merged.insert(key.clone(), value);
    }
    Value::Object(merged)
}

/// The first key that a chart's values do not have; below a mapping without keys anything goes.
pub fn unknown(values: &Value, chart: &Value) -> Option<String> {
    let (Value::Object(values), Value::Object(chart)) = (values, chart) else {
        return None;
    };
    if chart.is_empty() {
        return None;
    }
    values.iter().find_map(|(key, value)| match chart.get(key) {
        None => Some(key.clone()),
        Some(known) => unknown(value, known).map(|rest| format!("{key}.{rest}")),
    })
}

/// Everything that has another key, in one.
fn moved() -> Value {
    json!({
        "global": {"identity": {"auth": {"connectors": {"clientId": "robots"}}}},
        "zeebe": {
            "clusterSize": 5, "pvcSize": "64Gi", "nodeSelector": {"disk.example.com/type": "ssd"},
            "javaOpts": "-XX:HeapDumpPath=/usr/local/zeebe/data",
            "image": {"registry": "registry.example.com", "tag": "8.7.1"},
            "service": {"httpPort": 9700, "annotations": {"a.example.com/b": "c"}, "commandPort": 26601},
        },
        "zeebeGateway": {
            "replicas": 3, "contextPath": "/zeebe",
            "ingress": {"grpc": {"enabled": true, "host": "zeebe.example.com"}},
            "service": {"restPort": 8088, "grpcPort": 26600},
        },
        "operate": {"contextPath": "/operate"},
    })
}

#[test]
fn what_has_another_key_is_converted() {
    let finding = to_13(&moved()).refused(VALUES);
    let why = finding.why.join("\n");
    for line in [
        "zeebe.clusterSize: now orchestration.clusterSize",
        "zeebe.service.httpPort: now orchestration.service.managementPort",
        "zeebeGateway.service.restPort: now orchestration.service.httpPort",
        "zeebeGateway.ingress.grpc.host: now orchestration.ingress.grpc.host",
        "Nothing takes the place of",
    ] {
        assert!(why.contains(line), "{line}: {why}");
    }
    for gone in [
        "zeebe.image.tag",
        "zeebeGateway.replicas",
        "operate.contextPath",
    ] {
        assert!(finding.why.last().unwrap().contains(gone), "{gone}: {why}");
    }
    let new = file(&finding, "camunda-13.yaml");
    assert_eq!(
        new,
        json!({
            "connectors": {"security": {"authentication": {"oidc": {"clientId": "robots"}}}},
            "orchestration": {
                "clusterSize": "5", "pvcSize": "64Gi", "nodeSelector": {"disk.example.com/type": "ssd"},
                "javaOpts": "-XX:HeapDumpPath=/usr/local/camunda/data",
                "image": {"registry": "registry.example.com"},
                "contextPath": "/zeebe",
                "ingress": {"grpc": {"enabled": true, "host": "zeebe.example.com"}},
                "service": {
                    "managementPort": 9700, "commandPort": 26601, "httpPort": 8088, "grpcPort": 26600,
                },
            },
        })
    );
    let told = "# orchestration.service.headless.annotations.a.example.com/b: move what you have under \
        zeebe.service.annotations.a.example.com/b here as it is; it is not shown here.";
    let text = text(&finding, "camunda-13.yaml");
    assert!(text.contains(told), "{text}");
    let whole = whole(&to_13(&moved()).judged());
    assert_eq!(whole, over(&whole, &new));
    assert_eq!(
        whole["orchestration"]["service"]["headless"]["annotations"],
        json!({"a.example.com/b": "c"})
    );
}

#[test]
fn what_was_converted_passes() {
    let old = moved();
    let new = whole(&to_13(&old).judged());
    let both = over(&old, &new);
    let scene = Scene::upgrade("12.13.3", "13.12.7").values(old.clone(), both.clone());
    let findings = scene.findings();
    assert!(
        findings
            .iter()
            .all(|finding| finding.action == Action::Warn),
        "{findings:#?}"
    );
    Scene::upgrade("12.13.3", "13.12.7")
        .values(old, new)
        .passes();
}

#[test]
fn values_of_others_pass() {
    for values in [
        json!({}),
        json!({"zeebe": {"enabled": true}, "operate": {"enabled": true}}),
        json!({"zeebe": {"env": [], "nodeSelector": {}, "pvcStorageClassName": ""}}),
        json!({"connectors": {"env": [{"name": "A", "value": "b"}]}, "ours": {"zeebe": {"clusterSize": 5}}}),
        json!({"orchestration": {"clusterSize": 5}, "zeebe": {"clusterSize": 5}}),
    ] {
        to_13(&values).passes();
    }
    let off = to_13(&json!({"tasklist": {"enabled": false}})).refused(VALUES);
    assert!(text(&off, "camunda-13.yaml").contains("profiles: {tasklist: false}"));
    let old = json!({"zeebe": {"clusterSize": 5}});
    Scene::upgrade("12.13.1", "12.13.3")
        .values(old.clone(), old)
        .passes();
}

#[test]
fn what_the_chart_merges_by_itself_is_told_until_14() {
    let merged = json!({
        "zeebe": {"enabled": true, "clusterSize": 5},
        "zeebeGateway": {"enabled": true, "contextPath": "/zeebe"},
    });
    let finding = to_13(&merged).one(VALUES);
    assert_eq!(finding.action, Action::Warn);
    assert!(finding.why[0].contains("zeebe.clusterSize"), "{finding:#?}");
    let off = over(
        &merged,
        &json!({"global": {"compatibility": {"orchestration": {"enabled": false}}}}),
    );
    to_13(&off).refused(VALUES);
    // Neither its replicas nor anything of Operate is merged.
    let more = over(
        &merged,
        &json!({"zeebeGateway": {"service": {"type": "LoadBalancer"}}}),
    );
    to_13(&more).refused(VALUES);
    let finding = Scene::upgrade("13.12.7", "14.8.4")
        .values(merged.clone(), merged)
        .refused(VALUES);
    assert_eq!(
        file(&finding, "camunda-14.yaml"),
        json!({"orchestration": {"clusterSize": "5", "contextPath": "/zeebe"}})
    );
}

#[test]
fn lists_are_put_together() {
    let values = json!({
        "zeebe": {"env": [{"name": "A", "value": "1"}, {"name": "SHARED", "value": "3"}]},
        "operate": {"env": [{"name": "B", "value": "2"}, {"name": "SHARED", "value": "3"}]},
        "tasklist": {"extraVolumeMounts": [{"name": "certs", "mountPath": "/certs"}]},
    });
    let finding = to_13(&values).refused(VALUES);
    assert!(
        finding
            .fixes
            .iter()
            .flat_map(|fix| &fix.commands)
            .all(|command| command.typing() != Typing::Manual)
    );
    let new = file(&finding, "camunda-13.yaml");
    let names: Vec<_> = new["orchestration"]["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| &variable["name"])
        .collect();
    assert_eq!(names, ["A", "SHARED", "B"]);
    assert_eq!(
        new["orchestration"]["extraVolumeMounts"][0]["mountPath"],
        "/certs"
    );
    let both = over(&values, &new);
    Scene::upgrade("12.13.3", "13.12.7")
        .values(values, both)
        .passes();
    // A list with a value that may be secret is put together in the file only that nobody else sees.
    let values = json!({
        "zeebe": {"env": [{"name": "A", "value": "hunter2"}]}, "operate": {"env": [{"name": "B", "value": "2"}]},
        "zeebeGateway": {"extraConfiguration": {"log.yaml": "a: b\n"}},
    });
    let text = text(&to_13(&values).refused(VALUES), "camunda-13.yaml").to_owned();
    let told = "# orchestration.env: put what you have under zeebe.env, operate.env here as it is, one after the other; it is not shown here.";
    assert!(text.contains(told), "{text}");
    let new = whole(&to_13(&values).judged());
    assert_eq!(
        new["orchestration"],
        json!({"env": [{"name": "A", "value": "hunter2"}, {"name": "B", "value": "2"}],
            "extraConfiguration": {"log.yaml": "a: b\n"}})
    );
    let both = over(&values, &new);
    Scene::upgrade("12.13.3", "13.12.7")
        .values(values, both)
        .passes();
}

#[test]
fn what_cannot_be_merged_stands_side_by_side() {
    let values = json!({
        "zeebe": {"extraConfiguration": {"application-a.yaml": "zeebe: 1\n"}, "env": [{"name": "A", "value": "1"}]},
        "operate": {"extraConfiguration": {"application-a.yaml": "operate: 2\n"}, "env": [{"name": "A", "value": "2"}]},
        "tasklist": {"configuration": "camunda: {tasklist: {}}\n"},
    });
    let finding = to_13(&values).refused(VALUES);
    let text = text(&finding, "camunda-13.yaml");
    for comment in [
        "# zeebe.extraConfiguration, operate.extraConfiguration were written for one application each; orchestration.extraConfiguration is for all",
        "# from operate.env:",
        "#   orchestration:",
        "# tasklist.configuration was written for one application;",
    ] {
        assert!(text.contains(comment), "{comment}: {text}");
    }
    let manual = |command: &&Command| {
        command.typing() == Typing::Manual && command.here_document().is_some()
    };
    let mut typed = finding.fixes.iter().flat_map(|fix| &fix.commands);
    assert!(typed.any(|command| manual(&command)));
    // Who decided is let pass.
    let decided = json!({"orchestration": {
        "extraConfiguration": {"application-a.yaml": "both: 3\n"}, "env": [{"name": "A", "value": "2"}],
        "configuration": "camunda: {}\n",
    }});
    let both = over(&values, &decided);
    Scene::upgrade("12.13.3", "13.12.7")
        .values(values, both)
        .passes();
}

#[test]
fn what_may_be_secret_is_only_named() {
    let values = json!({
        "zeebe": {"env": [{"name": "ES_PASSWORD", "value": "hunter2"}, {"name": "A", "value": "1"}]},
        "operate": {"configuration": "camunda.operate.password: hunter2\n"},
        "postgresql": {"enabled": true, "auth": {"password": "hunter2", "username": "modeler"}},
    });
    let findings = to_13(&values).findings();
    assert!(
        !format!("{findings:?}").contains("hunter2"),
        "{findings:#?}"
    );
    let finding = to_13(&values).one(VALUES);
    let text = text(&finding, "camunda-13.yaml");
    for told in [
        "# orchestration.env: move what you have under zeebe.env here as it is; it is not shown here.",
        "# webModelerPostgresql.auth.password: move what you have under postgresql.auth.password here as it is; it is not shown here.",
        "# from operate.configuration: what you have there; it is not shown here.",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    // It comes by a command, too, and that by which it is written by hand stands beside it.
    let typed = commands(&finding);
    let convert = "camunda-upgrade-guard convert camunda -n prod --to 13.12.7 -o camunda-13.yaml";
    assert_eq!(typed[0], convert);
    assert!(!finding.fixes[1].moment.cures());
    let judged = to_13(&values).judged();
    let (whole, decisions) = rules::converted_file(&judged.0, &judged.1).unwrap();
    assert_eq!(whole.matches("hunter2").count(), 3, "{whole}");
    assert!(!decisions.join(" ").contains("hunter2"), "{decisions:?}");
}

#[test]
fn an_umbrella_has_them_under_its_name() {
    let values = json!({"bpm": {"zeebe": {"clusterSize": 5}}});
    let object = |version: &str| {
        let labels = format!(
            "app.kubernetes.io/part-of: camunda-platform, helm.sh/chart: camunda-platform-{version}"
        );
        let source = "# Source: umbrella/charts/bpm/templates/secret.yaml";
        format!("{source}\n{}", secret("labelled", &labels, ""))
    };
    let finding = Scene::upgrade("12.13.3", "13.12.7")
        .values(values.clone(), values)
        .umbrella()
        .running(&object("12.13.3"))
        .planned(&object("13.12.7"))
        .one(VALUES);
    let new = file(&finding, "camunda-13.yaml");
    assert_eq!(new["bpm"]["orchestration"]["clusterSize"], "5");
}

#[test]
fn the_database_of_web_modeler_has_another_key() {
    let modeler = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: camunda-web-modeler-restapi, labels: \
        {app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: restapi}}";
    let old = json!({"webModeler": {"enabled": false}, "postgresql": {"enabled": true, "auth": {"username": "modeler"}}});
    let scene = |values: &Value| to_13(values).running(modeler);
    let finding = scene(&old).refused(DATABASE);
    let new = file(&finding, "camunda-13.yaml");
    assert_eq!(new["webModelerPostgresql"], json!({"enabled": true}));
    let new = whole(&scene(&old).judged());
    assert_eq!(new["webModelerPostgresql"], old["postgresql"]);
    scene(&over(&old, &new)).passes();
    to_13(&old).passes();
    scene(&json!({"webModeler": {"enabled": false}, "webModelerPostgresql": old["postgresql"]}))
        .passes();
}

#[test]
fn every_key_that_is_printed_is_one_of_the_chart() {
    let Some(corpus) = Corpus::find() else { return };
    let chart = corpus.record("13.12.7-migration-full").unwrap().raw["chart"]["values"].clone();
    let full = over(
        &moved(),
        &json!({
            "zeebe": {"extraVolumes": [{"name": "a"}], "retention": {"enabled": true}, "resources": {"limits": {"cpu": "2"}}},
            "zeebeGateway": {"service": {"type": "LoadBalancer", "loadBalancerIP": "10.0.0.1", "annotations": {"a": "b"},
                "grpcName": "g", "restName": "r", "commandPort": 1, "internalPort": 2, "loadBalancerSourceRanges": ["10.0.0.0/8"]}},
            "postgresql": {"enabled": true, "auth": {"existingSecret": "mine", "database": "m"}},
            "operate": {"env": [{"name": "A", "value": "b"}], "envFrom": [{"secretRef": {"name": "s"}}], "sidecars": [{"name": "s"}],
                "initContainers": [{"name": "i"}], "extraVolumeMounts": [{"name": "a", "mountPath": "/a"}], "extraConfiguration": {"a": "b"}},
        }),
    );
    let upgrade = Upgrade::between(&corpus, "12.13.3", "13.12.7-defaults");
    let before = upgrade.running["config"].clone();
    let upgrade = upgrade.values(over(&before, &full), json!({"zeebe": {"clusterSize": 5}}));
    let findings = upgrade.findings();
    let finding = findings
        .iter()
        .find(|finding| finding.rule.name() == VALUES)
        .unwrap();
    let new = file(finding, "camunda-13.yaml");
    assert_eq!(unknown(&new, &chart), None, "{new:#}");
    assert_eq!(new["webModeler"]["enabled"], true);
    assert_eq!(
        new["webModelerPostgresql"]["auth"]["existingSecret"],
        "mine"
    );
    // 13 looks for other keys in it than 12 did.
    assert_eq!(
        new["webModelerPostgresql"]["auth"]["secretKeys"],
        json!({"adminPasswordKey": "postgres-password", "userPasswordKey": "password"})
    );
}
