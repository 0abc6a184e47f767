//! The Secret with the authorities, which all replicas share.

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{Api, Client, api::PostParams};

use super::{
    SecretName,
    authority::Authorities,
    error::{ContentError, Trouble},
};
use crate::cluster::explain;

const CERTIFICATES: &str = "ca.crt";
const KEYS: &str = "ca.key";

pub(super) struct Store {
    api: Api<Secret>,
    name: SecretName,
}

impl Store {
    pub(super) fn new(client: Client, name: SecretName) -> Self {
        Self {
            api: Api::namespaced(client, &name.namespace),
            name,
        }
    }

    pub(super) async fn read(&self) -> Result<Secret, Trouble> {
        let name = &self.name;
        match self.api.get_opt(&name.name).await {
            Ok(Some(secret)) => Ok(secret),
            Ok(None) => Err(Trouble::NoSecret(name.clone())),
            Err(error) => Err(Trouble::Unread {
                what: format!("Secret {name}"),
                error: explain(&error),
            }),
        }
    }

    /// Parses the authorities in a Secret; an empty Secret has none.
    pub(super) fn parse(&self, secret: &Secret) -> Result<Authorities, ContentError> {
        let text = |key: &'static str| {
            let value = secret.data.as_ref().and_then(|data| data.get(key));
            let bytes = value.map_or(&[][..], |value| &value.0);
            str::from_utf8(bytes).map_err(|error| ContentError::NoText(key, error))
        };
        let parsed = Authorities::parse(text(CERTIFICATES)?, text(KEYS)?);
        parsed.map_err(|error| ContentError::NoAuthority(self.name.clone(), error))
    }

    /// Writes the authorities. Returns false if another replica was faster; its authorities then count.
    pub(super) async fn write(
        &self,
        mut secret: Secret,
        authorities: &Authorities,
    ) -> Result<bool, Trouble> {
        let data = secret.data.get_or_insert_default();
        for (key, text) in [
            (CERTIFICATES, authorities.certificates()),
            (KEYS, authorities.keys()),
        ] {
            data.insert(key.to_owned(), ByteString(text.into_bytes()));
        }
        let name = &self.name;
        match self
            .api
            .replace(&name.name, &PostParams::default(), &secret)
            .await
        {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(Trouble::Unwritten {
                what: format!("Secret {name}"),
                done: "written",
                error: explain(&error),
            }),
        }
    }
}
