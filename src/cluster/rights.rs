//! The rights of the user who runs a command: checked before the first write, so that a command does not stop
//! half-way.

use futures::future::try_join_all;
use serde_json::json;

use super::{LiveCluster, ReadError};
use crate::kubernetes::Access;

impl LiveCluster {
    /// Returns the requests that the API server would not allow this user, one line each, without duplicates.
    ///
    /// # Errors
    /// When the API server can't say.
    pub async fn lacking(&self, wanted: &[Access]) -> Result<Vec<String>, ReadError> {
        let asked = wanted.iter().map(|access| async move {
            let allowed = self.allows_me(access).await?;
            Ok::<_, ReadError>((!allowed).then(|| access.to_string()))
        });
        let mut lacking: Vec<_> = try_join_all(asked).await?.into_iter().flatten().collect();
        lacking.sort();
        lacking.dedup();
        Ok(lacking)
    }

    async fn allows_me(&self, access: &Access) -> Result<bool, ReadError> {
        let Access {
            verb,
            object,
            subresource,
        } = access;
        // An object to be created has no name yet that a role could match.
        let name = if *verb == "create" { "" } else { &object.name };
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": verb,
                "group": object.kind.group(),
                "resource": object.kind.plural(),
                "subresource": subresource,
                "namespace": object.namespace,
                "name": name,
            }},
        });
        self.reviewed("selfsubjectaccessreviews", &review).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::{Kind, ObjectRef};

    #[test]
    fn a_right_reads_as_in_a_role() {
        let volume = ObjectRef::new(Kind::PersistentVolume, "prod", "pv-1");
        let patch = Access::new("patch", &volume);
        assert_eq!(patch.to_string(), "patch persistentvolumes");
        let set = ObjectRef::new(Kind::StatefulSet, "prod", "es");
        let scale = Access::scale("patch", &set);
        assert_eq!(
            scale.to_string(),
            "patch statefulsets.apps/scale in namespace prod"
        );
    }
}
