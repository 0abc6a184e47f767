//! The Secret that all replicas take the authorities from.

use anyhow::{Context, bail};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{Api, Client, api::PostParams};

use super::{SecretName, authority::Authorities};
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

    pub(super) async fn read(&self) -> anyhow::Result<Secret> {
        let name = &self.name;
        match self.api.get_opt(&name.name).await {
            Ok(Some(secret)) => Ok(secret),
            Ok(None) => bail!(
                "Secret {name} is not there; whatever installed the guard (helm upgrade, kubectl apply) makes it again, empty"
            ),
            Err(error) => {
                Err(explain(&error)).with_context(|| format!("Secret {name} can't be read"))
            }
        }
    }

    /// What a Secret holds; none in one that is still empty.
    pub(super) fn parse(&self, secret: &Secret) -> anyhow::Result<Authorities> {
        let text = |key: &str| {
            let value = secret.data.as_ref().and_then(|data| data.get(key));
            let bytes = value.map_or(&[][..], |value| &value.0);
            str::from_utf8(bytes).with_context(|| format!("{key} is no text"))
        };
        let parsed = Authorities::parse(text(CERTIFICATES)?, text(KEYS)?);
        parsed.with_context(|| format!("Secret {} holds no authority", self.name))
    }

    /// Whether it was written: another replica may have been faster, and is right then.
    pub(super) async fn write(
        &self,
        mut secret: Secret,
        authorities: &Authorities,
    ) -> anyhow::Result<bool> {
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
            Err(error) => {
                Err(explain(&error)).with_context(|| format!("Secret {name} can't be written"))
            }
        }
    }
}
