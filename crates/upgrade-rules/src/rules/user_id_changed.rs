//! `user-id-changed`: a workload would run as another user on volumes whose files stay with the old one.
//!
//! Chart 8.3.0 takes Zeebe from root to user 1000, 10.0.0 everything to 1001. Kubernetes hands a volume's files to
//! the pod's fsGroup, but not those of hostPath (which local-path makes) and NFS, nor where a CSI driver says no.
//!
//! Charts 8.3.0 and 10.0.0; any line by value. Documented: "v8.3.0", Zeebe; the change of 10.0.0 is in no guide.

use serde_json::{Value, json};

use super::{Judge, Rule, immutable_field_changed, wanted};

use crate::{
    camunda::{Application, Component, Line},
    change::{Change, ChartVersion, Facts, ObjectChange, Wanted},
    finding::{Action, Command, Finding, Fix, Kubectl, Objects, RuleId, guide},
    fixes::flag,
    knowledge::claims,
    kubernetes::{Kind, Mounts, Object, replicas},
    volume_move::{self, Typed},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::UserIdChanged,
    summary: "a workload would run as another user on volumes that stay with the old one",
    guide: guide::ZEEBE,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/user-id-changed.md"),
    needs: &[needs],
    judge: Judge::Alone(judge),
};

/// The volumes of the claims that another user will mount.
fn needs(change: &Change, facts: Option<&Facts>) -> Vec<Wanted> {
    let Some(facts) = facts else {
        return Vec::new();
    };
    let disowned = wanted::mounts(change, |set| {
        changed_user(change, set)?;
        let running = claims::predecessor(change, set)?.running.as_deref();
        running.map(Mounts::of)
    });
    wanted::volumes(facts, |claim| wanted::is_among(&disowned, claim))
}

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda)
        .flat_map(|set| {
            let changed = finding(change, facts, set);
            changed.into_iter().chain(other_group(change, set))
        })
        .collect()
}

/// Brokers whose user somebody chose and whose volumes go to the group that the chart chose; said once, when it comes so.
fn other_group(change: &Change, set: &ObjectChange) -> Option<Finding> {
    if set.component != Component::Zeebe {
        return None;
    }
    let group = |object: &Object| {
        object
            .at("/spec/template/spec/securityContext/fsGroup")
            .and_then(Value::as_i64)
    };
    let planned = set.planned.as_deref()?;
    let (user, owner) = (user_set(planned)?, group(planned)?);
    let own = change.to.as_ref()?.line?.image_user;
    if user == 0 || user == owner || Some(user) == own {
        return None;
    }
    let running = set.running.as_deref();
    let as_before =
        |running: &Object| (user_set(running), group(running)) == (Some(user), Some(owner));
    if running.is_some_and(as_before) {
        return None;
    }
    let root = change.target_line()?.brokers.count.split('.').next()?;
    let key = format!("{root}.podSecurityContext.fsGroup");
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: format!(
            "{} would run as user {user} with volumes of group {owner}",
            set.object
        ),
        objects: vec![set.object.clone()],
        why: vec![format!(
            "Kubernetes hands the volumes to fsGroup {owner}, which is not the user's own. Who chooses another user gives its group, too."
        )],
        fixes: vec![Fix::new(
            "Give both the same number; add to your helm upgrade:",
            vec![flag::set(change, &key, &user.to_string())],
        )],
        guide: RULE.guide,
    })
}

fn finding(change: &Change, facts: &Facts, set: &ObjectChange) -> Option<Finding> {
    let (from, to) = changed_user(change, set)?;
    let namespace = &set.object.namespace;
    let before = Mounts::of(claims::predecessor(change, set)?.running.as_deref()?);
    let after = Mounts::of(set.planned.as_deref()?);
    let mut disowned = Vec::new();
    for claim in facts.claims(namespace) {
        let Some((template, ordinal)) = before.parse(claim.name()) else {
            continue;
        };
        let volume = facts.volume_of(claim);
        let Some((volume, reason)) =
            volume.and_then(|volume| Some((volume, keeps_owner(facts, volume)?)))
        else {
            continue;
        };
        if let Some(template) = before.becomes(template, &after) {
            disowned.push(Disowned {
                before: claim.name(),
                after: after.claim(template, ordinal),
                volume: volume.name(),
                reason,
            });
        }
    }
    if disowned.is_empty() {
        return None;
    }
    let mut why = vec![format!(
        "User {to} can't write what user {from} owns, and Kubernetes does not change the owner on:"
    )];
    why.extend(
        disowned
            .iter()
            .map(|it| format!("  claim {}, volume {} ({})", it.after, it.volume, it.reason)),
    );
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: format!("{} would run as user {to} instead of {from}", set.object),
        objects: vec![set.object.clone()],
        why,
        fixes: cure(change, facts, set, &disowned, to)?,
        guide: RULE.guide,
    })
}

/// A claim whose files another user will have to write.
struct Disowned<'a> {
    /// Its name before the upgrade, and the name of its successor.
    before: &'a str,
    after: String,
    volume: &'a str,
    reason: String,
}

/// Changes the owner while no pod writes: before the upgrade, where claims and StatefulSet are the same after it.
fn cure(
    change: &Change,
    facts: &Facts,
    set: &ObjectChange,
    disowned: &[Disowned<'_>],
    user: i64,
) -> Option<Vec<Fix>> {
    let namespace = set.object.namespace.as_str();
    let (planned, running) = (set.planned.as_deref()?, set.running.as_deref());
    let stay = disowned.iter().all(|it| it.before == it.after);
    let is_made_anew = immutable_field_changed::changed(change, facts, set).is_some();
    let early = running.filter(|_| stay && !is_made_anew);
    let stopped = early.unwrap_or(planned);
    let claims: Vec<_> = disowned.iter().map(|it| it.after.as_str()).collect();
    let stop = volume_move::stop(facts, namespace, stopped, &claims);
    let mut commands = volume_move::commands(&stop, namespace, Typed::ByHand);
    let image = stopped.str("/spec/template/spec/containers/0/image")?;
    let chown = claims
        .iter()
        .map(|claim| chown(namespace, claim, user, image));
    commands.extend(chown.map(Command::from));
    let start = Objects::one(&set.object).scale(replicas(planned));
    if early.is_some() {
        let before =
            "Before the upgrade, which starts its pods again, stop them and change the owner:";
        let after = "Where the upgrade is through already, do the same and start them again:";
        return Some(vec![
            Fix::new(before, commands),
            Fix::alternative(after, [start]),
        ]);
    }
    commands.push(start.into());
    let once =
        "Once the upgrade is through, stop its pods, change the owner, and start them again:";
    Some(vec![Fix::new(once, commands)])
}

/// The user that a StatefulSet ran as and the one it is to run as, where both are known and differ.
fn changed_user(change: &Change, set: &ObjectChange) -> Option<(i64, i64)> {
    let before = claims::predecessor(change, set)?.running.as_deref()?;
    let from = user(before, &change.from)?;
    let to = user(set.planned.as_deref()?, &change.to)?;
    // Root writes everywhere.
    (from != to && to != 0).then_some((from, to))
}

fn user(set: &Object, chart: &Option<ChartVersion>) -> Option<i64> {
    let line: Option<&Line> = chart.as_ref().and_then(|chart| chart.line);
    user_set(set).or_else(|| match Application::of(set)? {
        Application::ZEEBE => Some(line?.image_user.unwrap_or(0)),
        _ => None,
    })
}

/// The user that the manifest names.
fn user_set(set: &Object) -> Option<i64> {
    let set_to = |pointer| set.at(pointer).and_then(Value::as_i64);
    set_to("/spec/template/spec/containers/0/securityContext/runAsUser")
        .or_else(|| set_to("/spec/template/spec/securityContext/runAsUser"))
}

/// Returns the reason why Kubernetes does not change the owner of a volume's files, if there is one.
fn keeps_owner(facts: &Facts, volume: &Object) -> Option<String> {
    if volume.at("/spec/hostPath").is_some() {
        return Some("hostPath".to_owned());
    }
    if volume.at("/spec/nfs").is_some() {
        return Some("NFS".to_owned());
    }
    let driver = volume.str("/spec/csi/driver")?;
    let known = facts.named(Kind::CsiDriver, "", driver)?;
    (known.str("/spec/fsGroupPolicy") == Some("None")).then(|| format!("CSI driver {driver}"))
}

/// A pod that runs once, as root, from an image that the cluster has already.
fn chown(namespace: &str, claim: &str, user: i64, image: &str) -> Kubectl {
    let overrides = json!({"spec": {
        "securityContext": {"runAsUser": 0},
        "containers": [{
            "name": "chown", "image": image, "command": ["chown", "-R", format!("{user}:{user}"), "/data"],
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        }],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
    }})
    .to_string();
    let pod = format!("chown-{claim}");
    let (overrides, image) = (
        format!("--overrides={overrides}"),
        format!("--image={image}"),
    );
    let words = [
        "run",
        &pod,
        "--rm",
        "-i",
        "--restart=Never",
        &image,
        &overrides,
    ];
    Kubectl::new(namespace, words)
}
