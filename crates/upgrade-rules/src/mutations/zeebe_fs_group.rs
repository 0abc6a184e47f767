//! `zeebe-fs-group`: brokers that run as a plain user must be able to write their volumes.
//!
//! From 8.3.0 on Zeebe runs as user 1000, from chart 10 on as 1001; files that a broker of an earlier chart wrote
//! belong to another user. The pod's `fsGroup` lets the kubelet hand them over.
//!
//! Documented: "v8.3.0 (minor), Zeebe, Option One".

use serde_json::Value;

use super::{Mutated, Mutation};
use crate::{
    camunda::{self, Component, Line},
    change::Facts,
    finding::{RuleId, guide},
    kubernetes::{Kind, Object, ObjectRef, json},
    matching,
};

pub(super) const MUTATION: Mutation = Mutation {
    id: RuleId::ZeebeFsGroup,
    summary: "brokers that run as a plain user get an fsGroup, to write their volumes",
    guide: guide::ZEEBE_OPTION_ONE,
    page: include_str!("../../../../docs/rules/zeebe-fs-group.md"),
    matches: &[&matching::WORKLOADS],
};

/// OpenShift puts this on every namespace, and its SCC gives pods their group.
const OPENSHIFT_UIDS: &str = "openshift.io/sa.scc.uid-range";

const POD_CONTEXT: &str = "/spec/template/spec/securityContext";

/// The StatefulSet with an `fsGroup`, if it wants one.
///
/// `old` is the StatefulSet before an update: an edit that leaves the pod template alone must not restart brokers.
pub fn mutate(statefulset: &Object, old: Option<&Object>, facts: &Facts) -> Option<Mutated> {
    let template = |object: &Object| object.0.pointer("/spec/template").cloned();
    let is_zeebe =
        camunda::is_own(statefulset) && Component::of(statefulset, None) == Component::Zeebe;
    if !is_zeebe || old.is_some_and(|old| template(old) == template(statefulset)) {
        return None;
    }
    if number(statefulset, &format!("{POD_CONTEXT}/fsGroup")).is_some() {
        return None;
    }
    let user = user(statefulset, facts)?;
    let mut object = statefulset.clone();
    let context = ["spec", "template", "spec", "securityContext"];
    json::set(&mut object.0, [&context[..], &["fsGroup"]].concat(), user);
    let policy = [&context[..], &["fsGroupChangePolicy"]].concat();
    if statefulset
        .str(&format!("{POD_CONTEXT}/fsGroupChangePolicy"))
        .is_none()
    {
        json::set(&mut object.0, policy, "OnRootMismatch");
    }
    let notice = format!(
        "StatefulSet {} runs as user {user}: fsGroup {user} was set so that it can write its volumes",
        statefulset.name()
    );
    Some(Mutated {
        mutation: MUTATION.id,
        object,
        notice,
    })
}

/// The user that the brokers run as; none for root and where it can't be told.
fn user(statefulset: &Object, facts: &Facts) -> Option<i64> {
    let container = "/spec/template/spec/containers/0/securityContext/runAsUser";
    let set = number(statefulset, container)
        .or_else(|| number(statefulset, &format!("{POD_CONTEXT}/runAsUser")));
    if let Some(user) = set {
        return (user != 0).then_some(user);
    }
    let namespace = statefulset.namespace().unwrap_or_default();
    let reference = ObjectRef::new(Kind::Namespace, "", namespace);
    let openshift = facts
        .get(&reference)
        .is_some_and(|namespace| namespace.annotation(OPENSHIFT_UIDS).is_some());
    if openshift || facts.unread(&reference) {
        None
    } else {
        image_user(statefulset.image()?)
    }
}

/// The user of Camunda's own image, by its tag.
fn image_user(image: &str) -> Option<i64> {
    let tag = image
        .split('@')
        .next()?
        .rsplit('/')
        .next()?
        .split_once(':')?
        .1;
    let mut parts = tag.split(['.', '-']);
    let minor = format!("{}.{}", parts.next()?, parts.next()?);
    Line::all()
        .iter()
        .find(|line| line.application == minor)?
        .image_user
}

fn number(object: &Object, pointer: &str) -> Option<i64> {
    object.0.pointer(pointer).and_then(Value::as_i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn brokers(image: &str, pod: Value, container: Value) -> Object {
        Object(json!({
            "metadata": {"name": "camunda-zeebe", "namespace": "prod", "labels": {
                "app.kubernetes.io/part-of": "camunda-platform", "app.kubernetes.io/component": "zeebe-broker"}},
            "spec": {"template": {"spec": {"securityContext": pod,
                "containers": [{"image": image, "securityContext": container}]}}},
        }))
    }

    fn group(statefulset: &Object) -> Option<i64> {
        let mutated = mutate(statefulset, None, &Facts::default())?;
        assert_eq!(
            mutate(&mutated.object, None, &Facts::default()),
            None,
            "not idempotent"
        );
        number(
            &mutated.object,
            "/spec/template/spec/securityContext/fsGroup",
        )
    }

    #[test]
    fn the_group_follows_the_user() {
        let set = |pod, container| group(&brokers("camunda/zeebe:8.3.1", pod, container));
        assert_eq!(set(json!({}), json!({"runAsUser": 1008})), Some(1008));
        assert_eq!(set(json!({"runAsUser": 1009}), json!({})), Some(1009));
        assert_eq!(set(json!({}), json!({})), Some(1000));
        assert_eq!(set(json!(null), json!(null)), Some(1000));
        assert_eq!(
            group(&brokers(
                "r:5000/camunda/zeebe:8.5.3@sha256:0",
                json!({}),
                json!({})
            )),
            Some(1001)
        );
    }

    #[test]
    fn root_and_what_somebody_set_stay() {
        let set = |pod, container| group(&brokers("camunda/zeebe:8.3.1", pod, container));
        assert_eq!(set(json!({"fsGroup": 7}), json!({"runAsUser": 1008})), None);
        assert_eq!(set(json!({}), json!({"runAsUser": 0})), None);
        for image in [
            "camunda/zeebe:8.2.34",
            "camunda/zeebe:latest",
            "camunda/zeebe",
        ] {
            assert_eq!(
                group(&brokers(image, json!({}), json!({}))),
                None,
                "{image}"
            );
        }
    }

    #[test]
    fn an_unrelated_edit_restarts_nothing() {
        let old = brokers("camunda/zeebe:8.3.1", json!({}), json!({}));
        let mut scaled = old.clone();
        scaled.0["spec"]["replicas"] = 5.into();
        assert_eq!(mutate(&scaled, Some(&old), &Facts::default()), None);
        let newer = brokers("camunda/zeebe:8.3.2", json!({}), json!({}));
        assert!(mutate(&newer, Some(&old), &Facts::default()).is_some());
    }

    #[test]
    fn openshift_gives_groups_itself() {
        let mut facts = Facts::default();
        let namespace =
            json!({"metadata": {"name": "prod", "annotations": {OPENSHIFT_UIDS: "1000/1000"}}});
        facts.insert(Kind::Namespace, Object(namespace).into());
        let bare = brokers("camunda/camunda:8.8.35", json!({}), json!({}));
        assert_eq!(mutate(&bare, None, &facts), None);
        assert!(mutate(&bare, None, &Facts::default()).is_some());
    }
}
