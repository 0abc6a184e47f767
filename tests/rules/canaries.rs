//! No value of a user's that could be secret comes out anywhere: a canary in every place where one can stand (`CAMUNDA_CORPUS`).

use camunda_upgrade_guard::{
    change::{Change, ChartVersion, Facts, Parsed, Rendered},
    denial,
    forecast::InstalledRelease,
    helm::{manifest, release::Release},
    html,
    kubernetes::{Kind, Object},
    plan::{Means, Plan},
    report::{Format, Report},
    rules,
    snapshot::{Redactor, Salt},
};
use harness::{Corpus, canary::assert_silent};
use serde_json::{Value, json};

use crate::{
    corpus_volumes::{live, newest},
    live::Upgrade,
    reports::printed,
};

/// The formats of a report.
const FORMATS: [Format; 6] = [
    Format::Text,
    Format::Json,
    Format::Sarif,
    Format::Junit,
    Format::Markdown,
    Format::Html,
];

/// Everything that is printed of an upgrade.
#[track_caller]
fn assert_nothing_told(what: &str, change: &Change, facts: &Facts) {
    let findings = rules::judge(change, facts);
    assert_silent(
        &format!("{what}, refusal"),
        &denial::message(change, &findings).unwrap_or_default(),
    );
    for finding in &findings {
        assert_silent(&format!("{what}, object"), &denial::object_message(finding));
    }
    for warning in denial::warnings(change, &findings) {
        assert_silent(&format!("{what}, warning"), &warning);
    }
    let report = Report::new(change.clone(), findings, "camunda.yaml");
    let report = report.with_storage([(change, facts)]);
    for format in FORMATS {
        let text = printed(&report, format, false);
        assert_silent(&format!("{what}, {format:?}"), &text);
    }
}

#[track_caller]
fn assert_plan_tells_nothing(running: &Value, to: &str) {
    let mut raw = running.clone();
    raw["info"]["status"] = "deployed".into();
    let release: Release = serde_json::from_value(raw).unwrap();
    let rendered = Rendered::of(&release, None);
    let standing = InstalledRelease::of("camunda", "camunda", rendered.clone()).unwrap();
    let means = Means {
        chart: "camunda/camunda-platform".to_owned(),
        values: vec!["values.yaml".to_owned()],
        ..Means::default()
    };
    // What `scan` judges.
    let chart = ChartVersion::new(to);
    let forecast = standing.upgraded(&chart, &rendered.values).unwrap();
    assert_nothing_told(
        &format!("forecast of {to}"),
        &forecast.change,
        &live(&rendered),
    );
    let target = to.parse().unwrap();
    let plan = Plan::of(&standing, &live(&rendered), &target, means, &newest());
    let plan = plan.unwrap();
    let data = html::data(&plan, &standing, &live(&rendered));
    for (form, text) in [
        ("HTML", html::plan(&plan, &data)),
        ("text", plan.to_string()),
        ("Markdown", plan.markdown()),
        ("script", plan.script()),
    ] {
        assert_silent(&format!("plan to {to}, {form}"), &text);
    }
}

#[test]
fn no_canary_of_a_real_release_comes_out() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    const SECRETS: &str = "12.13.3-secrets-in-values";
    for (from, to) in [
        ("12.13.3", SECRETS),
        (SECRETS, SECRETS),
        (SECRETS, "13.12.7-migration-full"),
        (SECRETS, "13.12.7-defaults"),
    ] {
        let upgrade = || Upgrade::between(&corpus, from, to);
        let own = upgrade().running["config"].clone();
        let what = format!("{from} to {to}");
        for upgrade in [
            upgrade(),
            // The user's file of 12 is given again.
            upgrade().values(own.clone(), own),
        ] {
            let (change, facts) = upgrade.judged();
            assert_nothing_told(&what, &change, &facts);
        }
    }
    let running = corpus.record(SECRETS).unwrap().raw;
    for to in ["12.13.4", "13.12.7", "14.8.4"] {
        assert_plan_tells_nothing(&running, to);
    }
}

/// Values with a canary at every place that holds a text or may hold anything.
fn poisoned(value: &Value, count: &mut usize, canary: &dyn Fn(usize) -> String) -> Value {
    let mut next = || {
        *count += 1;
        Value::from(canary(*count))
    };
    match value {
        // Switches have to work, and numbers may be told.
        Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::Null | Value::String(_) => next(),
        Value::Array(items) if items.is_empty() => json!([
            {"name": "A", "value": next()},
            {"name": "b", "args": [next()], "command": ["sh", "-c", next()], "env": [{"name": "B", "value": next()}]},
        ]),
        Value::Array(items) => {
            let items = items.iter().map(|item| poisoned(item, count, canary));
            items.collect()
        }
        Value::Object(map) if map.is_empty() => {
            let file = format!("a:\n  b: {}\n", next().as_str().unwrap());
            json!({"a.yaml": file, "b": next()})
        }
        Value::Object(map) => {
            let map = map
                .iter()
                .map(|(key, value)| (key.clone(), poisoned(value, count, canary)));
            Value::Object(map.collect())
        }
    }
}

/// Secrets as they look: of random letters, in an address, in a line, in a private key.
fn secret(count: usize) -> String {
    match count % 6 {
        0 => format!("-----BEGIN PRIVATE KEY-----\nCANARY-0{count}\n-----END PRIVATE KEY-----\n"),
        1 => format!("jdbc:postgresql://u:CANARY-0{count}@db.example.com/x"),
        2 => format!("https://db.example.com/x?password=CANARY-0{count}"),
        3 => format!("-Dpassword=CANARY-0{count}"),
        4 => format!("spring:\n  password: CANARY-0{count}\n"),
        _ => format!("CANARY-0{count}+/x="),
    }
}

#[test]
fn no_canary_at_any_leaf_comes_out() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    for (from, to, next) in [
        ("12.13.3", "13.12.7-migration-full", "13.12.7"),
        ("12.13.3-defaults", "13.12.7-defaults", "13.12.7"),
        ("13.12.7-migration-full", "14.0.0-identity", "14.8.4"),
        ("8.2.34", "8.3.1", "8.3.26"),
    ] {
        let (record, new) = (corpus.record(from).unwrap(), corpus.record(to).unwrap());
        // Other kinds of secrets stand under each key at each turn.
        for turn in [0, 1, 5] {
            let mut count = turn;
            let old = poisoned(&record.values, &mut count, &secret);
            let own = poisoned(&new.values, &mut count, &secret);
            assert!(count > 500, "{count}");
            for (running, planned) in [
                (old.clone(), old.clone()),
                (old.clone(), new.config.clone()),
                (old.clone(), own),
            ] {
                let upgrade = Upgrade::between(&corpus, from, to).values(running, planned);
                let (change, facts) = upgrade.judged();
                assert_nothing_told(&format!("{from} to {to}"), &change, &facts);
            }
            let mut running = record.raw.clone();
            running["config"] = old;
            assert_plan_tells_nothing(&running, next);
        }
    }
}

/// What is left out can be written without the program: the refusal names what moves where.
#[test]
fn what_is_not_shown_is_told_by_its_keys_and_written_by_a_command() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let upgrade = Upgrade::between(&corpus, "12.13.3-secrets-in-values", "13.12.7-defaults");
    let own = upgrade.running["config"].clone();
    let text = upgrade.values(own.clone(), own).refusal();
    for line in [
        "camunda-upgrade-guard convert camunda -n camunda --to 13.12.7 -o camunda-13.yaml",
        "# orchestration.env: move what you have under zeebe.env here as it is; it is not shown here.",
        "# orchestration.initContainers: move what you have under zeebe.initContainers here as it is; it is not shown here.",
        "# orchestration.javaOpts: move what you have under zeebe.javaOpts here as it is, but with /usr/local/camunda in place of /usr/local/zeebe; it is not shown here.",
        "# orchestration.extraConfiguration.oauth.yaml: move what you have under operate.extraConfiguration.oauth.yaml here as it is; it is not shown here.",
        "# orchestration.sidecars: move what you have under tasklist.sidecars here as it is; it is not shown here.",
        "-f camunda-13.yaml",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

/// A record and what it made, as a snapshot keeps them.
#[track_caller]
fn assert_snapshot_holds_nothing(record: &Value) {
    let mut release: Release = serde_json::from_value(record.clone()).unwrap();
    let mut redactor = Redactor::new(Salt::random().unwrap());
    let text = release.manifest.clone();
    let documents = manifest::split(&text).filter_map(|document| document.parse().unwrap());
    let objects: Vec<Value> = documents.flat_map(manifest::objects).collect();
    for object in objects.iter().filter(|object| object["kind"] == "Secret") {
        redactor.learn(&Object(object.clone()));
    }
    redactor.learn_release(&release, &Parsed::default());
    let mut parsed = Parsed::default();
    redactor.release(&mut release, &mut parsed);
    assert_silent("record", &serde_json::to_string(&release).unwrap());
    // What is kept parsed of it is what it says.
    let mut rendered = 0;
    for document in manifest::split(&release.manifest) {
        let objects = document
            .parse()
            .unwrap()
            .into_iter()
            .flat_map(manifest::objects);
        if let Some(kept) = parsed.of(&release.manifest, &document) {
            rendered += kept.len();
            assert!(kept.iter().map(|it| &it.0).eq(&objects.collect::<Vec<_>>()));
        }
    }
    assert!(rendered > 10, "{rendered}");
    for mut object in objects {
        let kind = object["kind"].as_str().and_then(Kind::from_name);
        if let Some(kind) = kind {
            redactor.object(kind, &mut object);
            assert_silent("live object", &object.to_string());
        }
    }
}

#[test]
fn no_canary_is_in_a_snapshot() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    assert_snapshot_holds_nothing(&corpus.record("12.13.3-secrets-in-values").unwrap().raw);
    for name in [
        "8.2.34",
        "12.13.3",
        "13.12.7-migration-full",
        "14.0.0-identity",
    ] {
        let mut record = corpus.record(name).unwrap();
        for turn in 0..6 {
            let mut count = turn;
            record.raw["config"] = poisoned(&record.values, &mut count, &secret);
            assert_snapshot_holds_nothing(&record.raw);
        }
    }
}
