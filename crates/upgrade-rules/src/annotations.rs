//! Annotations and a label that users and the guard itself set on objects.

/// On a volume, with the policy as its value: allows this policy instead of `Retain`.
pub const ALLOW_POLICY: &str = "camunda-upgrade-guard/allow-reclaim-policy";

/// On a volume, set by the user: the claim to bind it to, as `NAMESPACE/CLAIM`.
pub const REBIND_TO: &str = "camunda-upgrade-guard/rebind-to";

/// On a volume, set by the guard: the claim that it belonged to before.
pub const REBOUND_FROM: &str = "camunda-upgrade-guard/rebound-from";

/// On a StatefulSet: how many brokers are enough, after the others were removed from the cluster through Zeebe.
pub const ALLOW_BROKERS: &str = "camunda-upgrade-guard/allow-brokers";

/// On a volume, set by the guard: the reclaim policy that it had before `Retain`.
pub const POLICY_BEFORE: &str = "camunda-upgrade-guard/reclaim-policy-before";

/// On a claim: allows leaving it behind; the value is the claim's uid.
pub const ALLOW_ORPHAN: &str = "camunda-upgrade-guard/allow-orphan";

/// On a claim, a volume or a Secret: allows deleting it; the value is the object's own uid.
pub const ALLOW_DELETION: &str = "camunda-upgrade-guard/allow-deletion";

/// The label of an override's ConfigMap; its value is the release.
pub const OVERRIDE: &str = "camunda-upgrade-guard/override";

/// Returns the name of a release's override: there is one at a time.
pub fn override_name(release: &str) -> String {
    format!("camunda-upgrade-guard-override-{release}")
}
