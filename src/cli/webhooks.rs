//! `webhooks`: prints the configurations that bring requests to the guard.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::webhooks::{Address, configurations};

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
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
}

impl WebhooksArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let file = self.ca.display();
        let pem = std::fs::read(&self.ca).with_context(|| format!("can't read --ca {file}"))?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let count = certificates
            .with_context(|| format!("--ca {file} is not PEM"))?
            .len();
        ensure!(count > 0, "--ca {file} holds no certificate");
        let bundle = STANDARD.encode(&pem);
        let mut out = io::stdout().lock();
        for configuration in configurations(&self.address()?, &bundle) {
            let yaml = serde_saphyr::to_string(&configuration).context("can't write YAML")?;
            writeln!(out, "---\n{}", yaml.trim_end())?;
        }
        Ok(())
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
            (None, Some(service)) => match service.split_once('/') {
                Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
                    Ok(Address::Service {
                        namespace: namespace.to_owned(),
                        name: name.to_owned(),
                    })
                }
                _ => bail!("--service must be NAMESPACE/NAME, not {service:?}"),
            },
            (None, None) => bail!("--url or --service must be given"),
        }
    }
}
