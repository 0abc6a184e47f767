//! Giving data up is a decision of its own: it is printed behind a comment sign, so that nobody pastes it unread.

use crate::{
    annotations::{ALLOW_DELETION, ALLOW_ORPHAN},
    finding::{Command, Fix, Kubectl, Objects},
    kubernetes::{Kind, Object},
};

/// Returns the command, behind a comment sign, that allows deleting this object, and no later one of the same name.
pub(crate) fn allow(kind: Kind, object: &Object) -> Option<Command> {
    annotate(kind, object, ALLOW_DELETION).map(commented)
}

/// Returns the call that lets an upgrade leave an object behind; the object stays until somebody deletes it.
pub(crate) fn orphan(kind: Kind, object: &Object) -> Option<Kubectl> {
    annotate(kind, object, ALLOW_ORPHAN)
}

/// The command behind a comment sign.
pub(crate) fn commented(command: impl Into<Command>) -> Command {
    command.into().commented()
}

fn annotate(kind: Kind, object: &Object, key: &str) -> Option<Kubectl> {
    let namespace = object.namespace().unwrap_or_default();
    let objects = Objects::new(kind, namespace, [object.name()]);
    Some(objects.annotate(&[(key, object.uid()?)]))
}

/// The step that lets these claims be deleted.
pub(crate) fn claims<'a>(claims: impl IntoIterator<Item = &'a Object>) -> Option<Fix> {
    let claims = claims.into_iter();
    let commands: Vec<_> = claims
        .filter_map(|claim| allow(Kind::PersistentVolumeClaim, claim))
        .collect();
    (!commands.is_empty()).then(|| {
        Fix::on_purpose(
            "Let data go that is saved elsewhere or not wanted any more; nothing brings it back:",
            commands,
        )
    })
}

/// Returns the commands that delete claims; the guard allows them once each claim has its annotation.
pub(crate) fn deletions(claims: &[&Object]) -> Vec<Command> {
    let allow = claims.iter().filter_map(|claim| {
        let namespace = claim.namespace()?;
        let claims = Objects::new(Kind::PersistentVolumeClaim, namespace, [claim.name()]);
        Some([
            allow(Kind::PersistentVolumeClaim, claim)?,
            commented(claims.delete()),
        ])
    });
    allow.flatten().collect()
}

/// The step that deletes claims which nobody wants any more.
pub(crate) fn deleted(claims: &[&Object]) -> Option<Fix> {
    let commands = deletions(claims);
    (!commands.is_empty()).then(|| {
        Fix::on_purpose(
            "Delete data that nobody wants any more; nothing brings it back:",
            commands,
        )
    })
}
