//! `connectors-secret-missing`: 8.2 reads a Secret of Connectors that a chart before it never made.
//!
//! Charts of 8.2 read `<release>-connectors-identity-secret` whether Connectors are used or not. Where the chart does not
//! render it, it must be there before, and Helm adopts it only with its own label and annotations.
//!
//! Since chart 8.2.0. Documented: "v8.2.0, Connectors".

use super::{Judge, Rule};
use crate::{
    camunda::{Feature, HELM_RELEASE, HELM_RELEASE_NAMESPACE},
    change::{Change, Facts, Wanted},
    finding::{Action, Command, Finding, Fix, Kubectl, Objects, RuleId, guide, shell},
    knowledge::credentials::readers::secret_refs,
    kubernetes::{Kind, ObjectRef},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ConnectorsSecretMissing,
    summary: "8.2 needs a Secret of Connectors that is not there",
    guide: guide::CONNECTORS,
    release: &[Action::Deny, Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/connectors-secret-missing.md"),
    needs: &[needs],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let Some(secret) = missing(change, facts) else {
        return Vec::new();
    };
    let reader = change
        .objects
        .iter()
        .filter(|object| object.camunda && object.object.namespace == secret.namespace)
        .find(|object| {
            let planned = object.planned.as_deref();
            planned.is_some_and(|planned| {
                secret_refs(planned)
                    .iter()
                    .any(|read| read.secret == secret.name && !read.optional)
            })
        });
    let (action, why) = match reader {
        Some(reader) => (
            Action::Deny,
            format!(
                "{} reads it, and neither the cluster nor the new manifest has it: its pods would wait.",
                reader.object
            ),
        ),
        None => (
            Action::Warn,
            "Nothing of the new manifest reads it yet; Connectors and Identity of 8.2 do."
                .to_owned(),
        ),
    };
    vec![Finding {
        rule: RULE.id,
        action,
        title: format!("Secret {} is not there", secret.name),
        why: vec![why],
        fixes: fixes(change, &secret),
        objects: vec![secret],
        guide: RULE.guide,
    }]
}

/// The Secret.
fn needs(change: &Change, facts: Option<&Facts>) -> Vec<Wanted> {
    let secret = connectors_secret(change).filter(|_| facts.is_none());
    secret.map(Wanted::One).into_iter().collect()
}

/// The Secret, by the name that the chart gives it.
fn connectors_secret(change: &Change) -> Option<ObjectRef> {
    if !change.gets(Feature::ConnectorsSecret) {
        return None;
    }
    let fact = Feature::ConnectorsSecret
        .line()?
        .credentials
        .iter()
        .find(|fact| fact.name == "connectors")?;
    let name = format!("{}{}", change.release, fact.secret);
    Some(ObjectRef::new(Kind::Secret, &change.namespace, &name))
}

fn missing(change: &Change, facts: &Facts) -> Option<ObjectRef> {
    let secret = connectors_secret(change)?;
    let ending = secret.name.strip_prefix(&change.release)?;
    let rendered = change
        .of_kind(Kind::Secret)
        .any(|other| other.planned.is_some() && other.object.name.ends_with(ending));
    // Without Identity there are no clients of its.
    let identity = change
        .of_kind(Kind::Secret)
        .any(|other| other.camunda && other.object.name.ends_with("-identity-secret"));
    let there = facts.get(&secret).is_some() || facts.unread(&secret);
    (identity && !rendered && !there).then_some(secret)
}

fn fixes(change: &Change, secret: &ObjectRef) -> Vec<Fix> {
    const FILE: &str = "identity-connectors-secret.yaml";
    let namespace = secret.namespace.as_str();
    let version = change.to.as_ref().map_or("", |to| to.version.as_str());
    let rendered = shell::command([
        "--namespace",
        namespace,
        "--version",
        version,
        "--show-only",
        "charts/identity/templates/connectors-secret.yaml",
    ]);
    let release = shell::quote(&change.release);
    let template = format!("helm template {release} \"$CHART\" {rendered}");
    let made = Objects::one(secret);
    let helm = [
        (HELM_RELEASE, change.release.as_str()),
        (HELM_RELEASE_NAMESPACE, change.namespace.as_str()),
    ];
    vec![Fix::new(
        "Make it, and let Helm adopt it:",
        vec![
            Command::Shell(format!("{template} > {FILE}")),
            Kubectl::new(namespace, ["apply", "-f", FILE])
                .making(secret.clone())
                .into(),
            made.label(&[("app.kubernetes.io/managed-by", "Helm")])
                .into(),
            made.annotate_over(&helm).into(),
        ],
    )]
}
