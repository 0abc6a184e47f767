//! What users and the guard itself write on objects.

/// Put on a volume, with the policy as its value, to have another policy than `Retain` on purpose.
pub const ALLOW_POLICY: &str = "camunda-upgrade-guard/allow-reclaim-policy";

/// Put on a volume by the user: `NAMESPACE/CLAIM`.
pub const REBIND_TO: &str = "camunda-upgrade-guard/rebind-to";

/// Left on the volume: the claim that it belonged to.
pub const REBOUND_FROM: &str = "camunda-upgrade-guard/rebound-from";

/// Put on the StatefulSet where brokers were taken out of the cluster through Zeebe first: how many are enough.
pub const ALLOW_BROKERS: &str = "camunda-upgrade-guard/allow-brokers";

/// Left on a volume that was not retained before: the reclaim policy that it had.
pub const POLICY_BEFORE: &str = "camunda-upgrade-guard/reclaim-policy-before";

/// Put on a claim to leave it behind on purpose; its value is the claim's uid.
pub const ALLOW_ORPHAN: &str = "camunda-upgrade-guard/allow-orphan";

/// Put on a claim, a volume or a Secret to have it deleted on purpose; its value is the object's own uid.
pub const ALLOW_DELETION: &str = "camunda-upgrade-guard/allow-deletion";
