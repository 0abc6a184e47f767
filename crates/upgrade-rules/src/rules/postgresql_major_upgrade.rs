//! `postgresql-major-upgrade`: a PostgreSQL of another major would start over the old data directory, and can't.
//!
//! Chart 8.2.0 went from PostgreSQL 14 to 15. The server finds files that it can't read and stops; Keycloak, and with
//! it every login, is down until the image goes back.
//!
//! Since chart 8.2.0; any line when the tag is set. Documented: "v8.2.0 (Minor), Keycloak".

mod dump;

use super::{Judge, Rule, at, wanted};

use crate::{
    camunda::{Component, bundled},
    change::{Change, Facts, Gate, ObjectChange, Wanted, after_spec},
    finding::{Action, Finding, Fix, Flag, RuleId, guide},
    kubernetes::{Kind, Mounts, Object},
    matching,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::PostgresqlMajorUpgrade,
    summary: "PostgreSQL would start in another major version over the old data",
    guide: guide::KEYCLOAK_8_2,
    release: &[Action::Deny],
    object: at(&[Action::Deny], &[&matching::WORKLOADS]),
    page: include_str!("../../../../docs/rules/postgresql-major-upgrade.md"),
    needs: &[needs],
    judge: Judge::Alone(judge),
};

/// The server's container in Bitnami's charts.
const CONTAINER: &str = "postgresql";

/// The volumes whose data another major version would have to read.
fn needs(change: &Change, facts: Option<&Facts>) -> Vec<Wanted> {
    let Some(facts) = facts else {
        return Vec::new();
    };
    let crossed = wanted::mounts(change, |set| {
        let live = facts.get(&set.object)?;
        let (old, new) = (major(live)?, major(set.planned.as_deref()?)?);
        (is_postgresql(set.component) && old != new).then(|| Mounts::of(live))
    });
    wanted::volumes(facts, |claim| wanted::is_among(&crossed, claim))
}

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda && is_postgresql(set.component))
        .filter_map(|set| crossed(change, facts, set))
        .collect()
}

/// The major version of the PostgreSQL that a StatefulSet runs, where its image tells.
pub fn major(set: &Object) -> Option<u64> {
    Server::of(set).map(|server| server.major)
}

pub fn is_postgresql(component: Component) -> bool {
    matches!(
        component,
        Component::KeycloakPostgresql
            | Component::WebModelerPostgresql
            | Component::IdentityPostgresql
    )
}

fn crossed(change: &Change, facts: &Facts, set: &ObjectChange) -> Option<Finding> {
    let live = facts.get(&set.object)?;
    let old = Server::of(live)?;
    let wanted = set.planned.as_deref().and_then(Server::of);
    if wanted.is_some_and(|wanted| wanted.major == old.major) {
        return None;
    }
    let planned = after_spec(set, change.gate, live, &["template"])?;
    let new = Server::of(&planned)?;
    let backwards = || {
        // Back to what the data was made with, after an upgrade that never was through: that is a cure.
        let running = set.running.as_deref().and_then(Server::of);
        change.gate == Gate::Release && running.is_some_and(|running| running.major == old.major)
    };
    if new.major == old.major || new.major < old.major && !backwards() {
        return None;
    }
    let mounts = Mounts::of(live);
    let claim = mounts.holding(facts, &set.object.namespace).next()?;
    let name = &set.object.name;
    let mut fixes = vec![pin(change, set, &old)];
    fixes.push(dump::and_restore(change, facts, set, claim, &old, &new));
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!(
            "{} would go from {} to {} over its old data",
            set.component.name(),
            old.major,
            new.major
        ),
        objects: vec![set.object.clone()],
        why: vec![
            format!(
                "The data in claim {} was written by {}; StatefulSet {name} would run {}.",
                claim.name(),
                old.image,
                new.image
            ),
            "PostgreSQL does not start over the files of another major version.".to_owned(),
        ],
        fixes,
        guide: RULE.guide,
    })
}

/// Whether an update goes to a higher major version.
pub(super) fn concerns(old: &Object, new: &Object) -> bool {
    is_postgresql(Component::of(new, None))
        && matches!((Server::of(old), Server::of(new)), (Some(old), Some(new)) if old.major < new.major)
}

/// Method one of the guide.
fn pin(change: &Change, set: &ObjectChange, old: &Server<'_>) -> Fix {
    let path = bundled(set.component, change.target_line(), set.charts.as_deref());
    match (change.gate, path) {
        (Gate::Release, Some(path)) => Fix::new(
            format!(
                "Stay with PostgreSQL {} (method 1 of the guide); add to your helm upgrade:",
                old.major
            ),
            [Flag::set_string(format!("{path}.image.tag"), old.tag)],
        ),
        _ => Fix::say(format!("Stay with the image {}.", old.image)),
    }
}

/// The PostgreSQL server of a StatefulSet, if the image's tag names the major version.
struct Server<'a> {
    container: &'a str,
    image: &'a str,
    tag: &'a str,
    major: u64,
}

impl<'a> Server<'a> {
    fn of(set: &'a Object) -> Option<Server<'a>> {
        let containers = || set.array("/spec/template/spec/containers").iter();
        let text = |container: &'a serde_json::Value, key: &str| container.get(key)?.as_str();
        let server = containers()
            .find(|container| text(container, "name") == Some(CONTAINER))
            .or_else(|| containers().next())?;
        let image = text(server, "image")?;
        let (repository, tag) = image.split('@').next()?.rsplit_once(':')?;
        // A digest alone, a registry's port or somebody's own numbering say nothing of the major.
        if !repository.rsplit('/').next()?.contains("postgres") {
            return None;
        }
        let major = tag.split(['.', '-']).next()?.parse().ok()?;
        Some(Server {
            container: text(server, "name")?,
            image,
            tag,
            major,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_tag_tells_the_major_or_nothing_does() {
        let major = |image: &str| {
            let set = Object(json!({"spec": {"template": {"spec": {"containers": [
                {"name": "metrics", "image": "exporter:1.2.3"}, {"name": "postgresql", "image": image}]}}}}));
            Server::of(&set).map(|server| server.major)
        };
        assert_eq!(
            major("docker.io/bitnami/postgresql:14.5.0-debian-11-r35"),
            Some(14)
        );
        assert_eq!(major("registry:5000/postgres:15@sha256:00"), Some(15));
        for unknown in [
            "registry:5000/bitnami/postgresql@sha256:00",
            "registry:5000/bitnami/postgresql",
            "bitnami/postgresql:latest",
            "our/database:2.0.0",
        ] {
            assert_eq!(major(unknown), None, "{unknown}");
        }
    }
}
