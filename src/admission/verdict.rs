//! The answer to one review.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Endpoint, review::Request};
use crate::{
    denial,
    finding::{Action, Finding, RuleId},
    kubernetes::Kind,
    mutations::Mutated,
    policy::Mode,
};

/// What the guard answers.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Why the request is refused; none admits it.
    refusal: Option<Refusal>,
    warnings: Vec<String>,
    patch: Option<Value>,
    /// The rules that had something to say.
    pub(super) findings: Vec<(RuleId, Action)>,
    /// The mutations that were done, each with what the user is told.
    pub(super) mutations: Vec<(RuleId, String)>,
    /// For the log and Events: which release.
    pub(super) release: Option<String>,
    /// What an override that was made is for.
    pub(super) overrides: Option<String>,
}

#[derive(Debug)]
struct Refusal {
    code: u16,
    reason: &'static str,
    message: String,
}

impl Refusal {
    fn forbidden(message: String) -> Self {
        Self {
            code: 403,
            reason: "Forbidden",
            message,
        }
    }
}

impl Verdict {
    /// Nothing to say.
    pub(super) fn admitted() -> Self {
        Self::default()
    }

    /// The findings of a change, refused with `message` where there is one.
    pub(super) fn of(findings: &[Finding], message: Option<String>) -> Self {
        Self {
            refusal: message.map(Refusal::forbidden),
            warnings: denial::warnings(findings),
            findings: findings
                .iter()
                .map(|finding| (finding.rule, finding.action))
                .collect(),
            ..Self::default()
        }
    }

    /// A refusal that is not a rule's finding.
    pub(super) fn refused(message: String) -> Self {
        Self {
            refusal: Some(Refusal::forbidden(message)),
            ..Self::default()
        }
    }

    /// Admitted with a word.
    pub(super) fn warned(warning: &str) -> Self {
        Self {
            warnings: vec![denial::one_line(warning)],
            ..Self::default()
        }
    }

    /// An object as mutations made it.
    pub(super) fn mutated(before: &Value, mutations: Vec<Mutated>) -> Self {
        let Some(last) = mutations.last() else {
            return Self::admitted();
        };
        let patch = json_patch::diff(before, &last.object.0);
        Self {
            patch: serde_json::to_value(patch).ok(),
            warnings: mutations
                .iter()
                .map(|mutated| denial::one_line(&mutated.notice))
                .collect(),
            mutations: mutations
                .into_iter()
                .map(|mutated| (mutated.mutation, mutated.notice))
                .collect(),
            ..Self::default()
        }
    }

    /// The same where only reports are wanted: nothing is done, and what would have been is told, or not even that.
    pub(super) fn under(mut self, mode: Mode) -> Self {
        if mode == Mode::Off {
            return Self::admitted();
        }
        if mode == Mode::Audit && self.patch.take().is_some() {
            self.mutations.clear();
            for warning in &mut self.warnings {
                warning.insert_str(0, "audit mode, not done: ");
            }
        }
        self
    }

    /// The request could not be understood.
    pub(super) fn unreadable(reason: &str) -> Self {
        Self {
            refusal: Some(Refusal {
                code: 400,
                reason: "BadRequest",
                message: format!("camunda-upgrade-guard could not judge this request: {reason}"),
            }),
            ..Self::default()
        }
    }

    /// A rule failed: a record can be tried again, an object must not stop an upgrade half-way.
    pub(super) fn failed(request: &Request<'_>) -> Self {
        let message =
            "camunda-upgrade-guard failed on this request; its log says where. Nothing was judged.";
        if request.is_record() {
            Self::refused(message.to_owned())
        } else {
            Self::warned(message)
        }
    }

    /// What was found out before, and what is done now.
    pub(super) fn and(mut self, done: Verdict) -> Self {
        self.refusal = self.refusal.or(done.refusal);
        self.findings.extend(done.findings);
        self.warnings.extend(done.warnings);
        self.patch = done.patch;
        self.mutations = done.mutations;
        self
    }

    /// Somebody has made an override.
    pub(super) fn overriding(what: String) -> Self {
        Self {
            overrides: Some(what),
            ..Self::default()
        }
    }

    /// Names the release in the log.
    pub(super) fn about(mut self, release: &str) -> Self {
        self.release = Some(release.to_owned());
        self
    }

    pub(super) fn allowed(&self) -> bool {
        self.refusal.is_none()
    }

    /// What the user is told who is refused.
    pub(super) fn message(&self) -> Option<&str> {
        self.refusal
            .as_ref()
            .map(|refusal| refusal.message.as_str())
    }

    /// The rules whose findings count as `count`, or all, each once.
    pub(super) fn rules(&self, count: Option<Action>) -> String {
        let mut rules = Vec::new();
        for (rule, counts) in &self.findings {
            let rule = rule.name();
            if count.is_none_or(|count| count == *counts) && !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        rules.join(",")
    }

    /// The AdmissionReview that answers request `uid`.
    pub(super) fn to_review(&self, uid: &str) -> String {
        let mut response = json!({"uid": uid, "allowed": self.allowed()});
        if let Some(refusal) = &self.refusal {
            response["status"] = json!({
                "status": "Failure",
                "code": refusal.code,
                "reason": refusal.reason,
                "message": refusal.message,
            });
        }
        if !self.warnings.is_empty() {
            response["warnings"] = json!(self.warnings);
        }
        if let Some(patch) = &self.patch {
            response["patchType"] = "JSONPatch".into();
            response["patch"] = STANDARD.encode(patch.to_string()).into();
        }
        let audit = self.audit();
        if !audit.is_empty() {
            response["auditAnnotations"] = Value::Object(audit);
        }
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).to_string()
    }

    fn audit(&self) -> serde_json::Map<String, Value> {
        let mut audit = serde_json::Map::new();
        for (key, ids) in [("rules", self.rules(None)), ("mutations", self.done())] {
            if !ids.is_empty() {
                audit.insert(key.to_owned(), ids.into());
            }
        }
        audit
    }

    fn done(&self) -> String {
        let ids: Vec<_> = self.mutations.iter().map(|(id, _)| id.name()).collect();
        ids.join(",")
    }

    /// One line a verdict; admissions without a word only for those who ask for them.
    pub(super) fn log(&self, endpoint: Endpoint, request: &Request<'_>) {
        let (rules, mutations) = (self.rules(None), self.done());
        let (user, kind, namespace, name) = (
            &*request.user_info.username,
            request.kind().map(Kind::name),
            &*request.namespace,
            request.name(),
        );
        let release = self.release.as_deref();
        let dry_run = request.is_dry_run();
        if !self.allowed() {
            tracing::warn!(
                ?endpoint,
                user,
                kind,
                namespace,
                name,
                dry_run,
                release,
                rules,
                "refused"
            );
        } else if !rules.is_empty() || !mutations.is_empty() {
            tracing::info!(
                ?endpoint,
                user,
                kind,
                namespace,
                name,
                dry_run,
                release,
                rules,
                mutations,
                "admitted"
            );
        } else {
            tracing::debug!(
                ?endpoint,
                user,
                kind,
                namespace,
                name,
                dry_run,
                release,
                "admitted"
            );
        }
    }
}
