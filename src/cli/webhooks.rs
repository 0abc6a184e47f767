//! `webhooks`: prints the configurations that bring requests to the guard.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::{
    kubernetes::namespace_and_name,
    webhooks::{Address, Trust, configurations},
};

/// Where the API server reaches the guard, and which CA it is to trust there.
#[derive(Args, Debug)]
pub struct WebhooksArgs {
    /// Where the API server reaches the guard
    #[arg(
        long,
        value_name = "https://HOST:PORT",
        required_unless_present = "service"
    )]
    url: Option<String>,

    /// The Service that leads to the guard, port 443
    #[arg(long, value_name = "NAMESPACE/NAME", conflicts_with = "url")]
    service: Option<String>,

    /// The CA that signed the guard's certificate, a PEM file
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present_any = ["inject_ca_from", "self_managed"]
    )]
    ca: Option<PathBuf>,

    /// cert-manager's Certificate whose CA its injector is to write into the configurations, and keep right
    #[arg(long, value_name = "NAMESPACE/CERTIFICATE", conflicts_with = "ca")]
    inject_ca_from: Option<String>,

    /// Name no CA: the guard writes its own in (serve --tls-secret), and keeps it right
    #[arg(long, conflicts_with_all = ["ca", "inject_ca_from"])]
    self_managed: bool,
}

impl WebhooksArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let trust = self.trust()?;
        let mut out = io::stdout().lock();
        for configuration in configurations(&self.address()?, &trust) {
            let yaml = serde_saphyr::to_string(&configuration).context("can't write YAML")?;
            writeln!(out, "---\n{}", yaml.trim_end())?;
        }
        Ok(())
    }

    fn trust(&self) -> anyhow::Result<Trust> {
        if self.self_managed {
            return Ok(Trust::SelfManaged);
        }
        let file = match (&self.ca, &self.inject_ca_from) {
            (Some(file), _) => file,
            (None, Some(certificate)) => {
                ensure!(
                    namespace_and_name(certificate).is_some(),
                    "--inject-ca-from must be NAMESPACE/CERTIFICATE, not {certificate:?}"
                );
                return Ok(Trust::Injected(certificate.clone()));
            }
            (None, None) => bail!("--ca, --inject-ca-from or --self-managed must be given"),
        };
        let name = file.display();
        let pem = std::fs::read(file).with_context(|| format!("can't read --ca {name}"))?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let count = certificates
            .with_context(|| format!("--ca {name} is not PEM"))?
            .len();
        ensure!(count > 0, "--ca {name} holds no certificate");
        Ok(Trust::Bundle(STANDARD.encode(&pem)))
    }

    fn address(&self) -> anyhow::Result<Address> {
        match (&self.url, &self.service) {
            (Some(url), _) => {
                ensure!(
                    url.starts_with("https://"),
                    "--url must start with https://: the API server calls nothing else"
                );
                Ok(Address::Url(url.clone()))
            }
            (None, Some(service)) => match namespace_and_name(service) {
                Some((namespace, name)) => Ok(Address::Service {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                }),
                None => bail!("--service must be NAMESPACE/NAME, not {service:?}"),
            },
            (None, None) => bail!("--url or --service must be given"),
        }
    }
}
