//! The answer to one review.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::Value;

use super::{Endpoint, review::Request};
use crate::{
    change::Change,
    denial,
    finding::{Action, Finding, RuleId},
    kubernetes::Kind,
    mutations::Mutated,
    policy::Mode,
};

/// The longest head of a refusal, warning or name of a release, in characters: logs and Events have them, too.
const LONGEST_LINE: usize = 1024;

/// The guard's answer to one request.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Why the request is refused; None if it is admitted.
    refusal: Option<Refusal>,
    warnings: Vec<String>,
    patch: Option<Value>,
    /// The rules with a finding, and how each finding counts.
    pub(super) findings: Vec<(RuleId, Action)>,
    /// The mutations that were applied, each with the notice for the user.
    pub(super) mutations: Vec<(RuleId, String)>,
    /// The release, for the log and Events.
    pub(super) release: Option<String>,
    /// What a newly created override is for.
    pub(super) overrides: Option<String>,
}

/// A refusal of a request.
#[derive(Debug)]
pub(super) struct Refusal {
    code: u16,
    reason: &'static str,
    /// What is refused, in words of the guard's own: others than the user may read it.
    head: String,
    /// The message for the user, which begins with the head.
    message: String,
}

/// The answer as the API server reads it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Status<'a> {
    status: &'static str,
    code: u16,
    reason: &'static str,
    message: &'a str,
}

impl Refusal {
    /// Forbids a request.
    pub(super) fn forbidden(head: String, message: String) -> Self {
        Self {
            code: 403,
            reason: "Forbidden",
            head: denial::cut(&head, LONGEST_LINE),
            message: denial::bounded(message),
        }
    }
}

/// A warning of one line.
fn line(warning: &str) -> String {
    denial::cut(&denial::one_line(warning), LONGEST_LINE)
}

impl Verdict {
    /// Admits without a warning.
    pub(super) fn admitted() -> Self {
        Self::default()
    }

    /// Builds the verdict of findings: refused if there is a refusal.
    pub(super) fn of(change: &Change, findings: &[Finding], refusal: Option<Refusal>) -> Self {
        Self {
            refusal,
            warnings: denial::warnings(change, findings),
            findings: findings
                .iter()
                .map(|finding| (finding.rule, finding.action))
                .collect(),
            ..Self::default()
        }
    }

    /// Builds the verdict of the findings of a change: refused with `message` if there is one.
    pub(super) fn of_change(
        findings: &[Finding],
        change: &Change,
        message: Option<String>,
    ) -> Self {
        let refusal = message.map(|text| Refusal::forbidden(denial::refused(change), text));
        Self::of(change, findings, refusal).about(&change.release)
    }

    /// Refuses for another reason than a rule's finding.
    pub(super) fn refused(head: String, because: &str) -> Self {
        let message = format!("{head}: {because}");
        Self {
            refusal: Some(Refusal::forbidden(head, message)),
            ..Self::default()
        }
    }

    /// Admits with a warning.
    pub(super) fn warned(warning: &str) -> Self {
        Self {
            warnings: vec![line(warning)],
            ..Self::default()
        }
    }

    /// Admits with the patch that leads from `before` to the mutated object.
    pub(super) fn mutated(before: &Value, mutations: Vec<Mutated>) -> Self {
        let Some(last) = mutations.last() else {
            return Self::admitted();
        };
        let patch = json_patch::diff(before, &last.object.0);
        Self {
            patch: serde_json::to_value(patch).ok(),
            warnings: mutations
                .iter()
                .map(|mutated| line(&mutated.notice))
                .collect(),
            mutations: mutations
                .into_iter()
                .map(|mutated| (mutated.mutation, mutated.notice))
                .collect(),
            ..Self::default()
        }
    }

    /// Applies the policy's mode: audit drops the patch and warns of what would have been done; off drops everything.
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

    /// Refuses a request that could not be parsed.
    pub(super) fn unreadable(reason: &str) -> Self {
        Self::not_judged(reason, (400, "BadRequest"))
    }

    /// Refuses a request that is too large to be received.
    pub(super) fn too_large(reason: &str) -> Self {
        Self::not_judged(reason, (413, "RequestEntityTooLarge"))
    }

    fn not_judged(because: &str, status: (u16, &'static str)) -> Self {
        let head = "camunda-upgrade-guard could not judge this request".to_owned();
        let message = format!("{head}: {because}");
        let (code, reason) = status;
        Self {
            refusal: Some(Refusal {
                code,
                reason,
                head,
                message,
            }),
            ..Self::default()
        }
    }

    /// The verdict after a panic in a rule: refuses a record, which can be tried again, but admits an object, lest an
    /// upgrade stop half-way.
    pub(super) fn failed(request: &Request<'_>) -> Self {
        let head = "camunda-upgrade-guard failed on this request";
        let because = "its log says where, and nothing was judged.";
        if request.is_record() {
            Self::refused(head.to_owned(), because)
        } else {
            Self::warned(&format!("{head}: {because}"))
        }
    }

    /// Combines an earlier verdict with the mutations of this one.
    pub(super) fn and(mut self, done: Verdict) -> Self {
        self.refusal = self.refusal.or(done.refusal);
        self.findings.extend(done.findings);
        self.warnings.extend(done.warnings);
        self.patch = done.patch;
        self.mutations = done.mutations;
        self
    }

    /// Admits an override that somebody creates.
    pub(super) fn overriding(what: String) -> Self {
        Self {
            overrides: Some(what),
            ..Self::default()
        }
    }

    /// Names the release, for the log and Events.
    pub(super) fn about(mut self, release: &str) -> Self {
        self.release = Some(denial::cut(release, LONGEST_LINE));
        self
    }

    pub(super) fn allowed(&self) -> bool {
        self.refusal.is_none()
    }

    /// What is refused, for others than the user.
    pub(super) fn head(&self) -> Option<&str> {
        self.refusal.as_ref().map(|refusal| refusal.head.as_str())
    }

    /// The names of the rules with findings that count as `count` (None: any), each once.
    pub(super) fn rules(&self, count: Option<Action>) -> Vec<&'static str> {
        let mut rules = Vec::new();
        for (rule, counts) in &self.findings {
            let rule = rule.name();
            if count.is_none_or(|count| count == *counts) && !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        rules
    }

    /// Serializes the AdmissionReview that answers request `uid`.
    pub(super) fn to_review(&self, uid: &str) -> String {
        let status = self.refusal.as_ref().map(|refusal| Status {
            status: "Failure",
            code: refusal.code,
            reason: refusal.reason,
            message: &refusal.message,
        });
        let patch = self.patch.as_ref();
        let response = Response {
            uid,
            allowed: self.allowed(),
            status,
            warnings: &self.warnings,
            patch_type: patch.map(|_| "JSONPatch"),
            patch: patch.map(|patch| STANDARD.encode(patch.to_string())),
            audit_annotations: self.audit(),
        };
        let review = Review {
            api_version: "admission.k8s.io/v1",
            kind: "AdmissionReview",
            response,
        };
        // Texts and numbers can always be written.
        serde_json::to_string(&review).unwrap_or_default()
    }

    fn audit(&self) -> BTreeMap<&'static str, String> {
        let all = [
            ("rules", self.rules(None).join(",")),
            ("mutations", self.done()),
        ];
        all.into_iter().filter(|(_, ids)| !ids.is_empty()).collect()
    }

    fn done(&self) -> String {
        let ids: Vec<_> = self.mutations.iter().map(|(id, _)| id.name()).collect();
        ids.join(",")
    }

    /// Logs one line for each verdict; an admission without a warning only at debug level.
    pub(super) fn log(&self, endpoint: Endpoint, request: &Request<'_>) {
        let (rules, mutations) = (self.rules(None).join(","), self.done());
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
