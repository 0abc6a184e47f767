//! Certificates that the guard makes by itself.
//!
//! All replicas share one authority, kept in a Secret. Each signs a certificate of its own with it, whose key never leaves
//! the process, and all write the authority into the webhook configurations, where the API server reads whom to trust.
//! Nothing is handed from one replica to another: whoever looks at the Secret, the configurations and the clock comes to the same
//! conclusion, so it does not matter who acts first.
//!
//! An authority with a third of its life left gets a successor. Both are trusted from then on, but the successor signs
//! only when every configuration has shown it for a while: an API server that has not noticed yet trusts what it knew.
//!
//! It is the wall clock that is asked, again and again: a timer stands still while the machine sleeps.

mod authority;
mod error;
mod secret;
mod trust;

use std::{
    fmt,
    ops::RangeInclusive,
    str::FromStr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use tokio::time::{Instant, sleep, timeout};

use self::{
    authority::{Authorities, Leaf},
    error::{AuthorityError, Trouble, ValueError},
    secret::Store,
    trust::Configurations,
};
use crate::{
    kubernetes::namespace_and_name,
    metrics::ServerMetrics,
    server::{Admin, CERTIFICATE, Readiness, Served},
    webhooks::NAME,
};

/// Pause between two looks at the Secret, the webhook configurations and the clock.
const INTERVAL: Duration = Duration::from_secs(5);
/// Time limit of one look: a hanging API server must not keep a certificate from being renewed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest time that every API server of a cluster may need to notice a changed webhook configuration.
const SETTLED: Duration = Duration::from_secs(30);
/// Allowed lifetimes: long enough for a renewal, and short enough for a date.
const LIVES: RangeInclusive<Duration> =
    Duration::from_secs(10)..=Duration::from_secs(100 * 365 * 24 * 60 * 60);
/// Tries to write the Secret: replicas that start together race for the empty one.
const ATTEMPTS: usize = 5;

/// How the guard makes its certificates.
#[derive(Args, Clone, Debug)]
pub struct SelfManagedArgs {
    /// Secret with the certificate authority of the guard's own, which it fills and renews; the guard makes its certificate
    /// with it
    #[arg(
        long,
        value_name = "NAMESPACE/NAME",
        env = "CAMUNDA_UPGRADE_GUARD_TLS_SECRET",
        required = false,
        requires = "tls_name",
        conflicts_with = "cert"
    )]
    pub tls_secret: SecretName,

    /// Names and addresses under which the API server calls the guard
    #[arg(
        long,
        value_name = "NAME",
        env = "CAMUNDA_UPGRADE_GUARD_TLS_NAME",
        required = false,
        value_delimiter = ',',
        requires = "tls_secret"
    )]
    pub tls_name: Vec<String>,

    /// Webhook configurations that are to trust the authority
    #[arg(long, value_name = "NAME", env = "CAMUNDA_UPGRADE_GUARD_TLS_WEBHOOKS", default_value = NAME)]
    pub tls_webhooks: String,

    /// Life of the certificate, such as 720h; renewed at two thirds of it
    #[arg(long, value_name = "DURATION", env = "CAMUNDA_UPGRADE_GUARD_TLS_LIFE", default_value = "720h", value_parser = life)]
    pub tls_life: Duration,

    /// Life of the authority; renewed at two thirds of it
    #[arg(long, value_name = "DURATION", env = "CAMUNDA_UPGRADE_GUARD_TLS_CA_LIFE", default_value = "87600h", value_parser = life)]
    pub tls_ca_life: Duration,
}

/// A Secret and its namespace.
#[derive(Clone, Debug)]
pub struct SecretName {
    /// The namespace.
    pub namespace: String,
    /// The Secret.
    pub name: String,
}

/// Keeps the served certificate valid, and its authority trusted by the API server.
pub struct Keeper {
    args: SelfManagedArgs,
    store: Store,
    configurations: Configurations,
    served: Arc<Served>,
    metrics: ServerMetrics,
    readiness: Readiness,
    clock: fn() -> SystemTime,
    authorities: Authorities,
    leaf: Option<Leaf>,
    trusted: Option<(String, Instant)>,
    trouble: Option<String>,
}

impl Keeper {
    /// Creates a keeper of `served`'s certificate; the guard is not ready until it [runs](Keeper::run).
    pub fn new(args: SelfManagedArgs, client: Client, served: Arc<Served>, admin: &Admin) -> Self {
        admin.readiness.unmet(CERTIFICATE, "none was made yet");
        Self {
            store: Store::new(client.clone(), args.tls_secret.clone()),
            configurations: Configurations::new(&client, args.tls_webhooks.clone()),
            args,
            served,
            metrics: admin.metrics.server.clone(),
            readiness: admin.readiness.clone(),
            clock: SystemTime::now,
            authorities: Authorities::default(),
            leaf: None,
            trusted: None,
            trouble: None,
        }
    }

    /// Replaces the clock that the keeper goes by.
    #[must_use]
    pub fn with_clock(mut self, clock: fn() -> SystemTime) -> Self {
        self.clock = clock;
        self
    }

    /// Looks and acts again and again until dropped.
    pub async fn run(mut self) {
        let interval = INTERVAL.min(self.args.tls_life / 20);
        loop {
            self.look().await;
            sleep(interval).await;
        }
    }

    async fn look(&mut self) {
        let agreed = match timeout(PATIENCE, self.agree()).await {
            Ok(agreed) => agreed,
            Err(_) => Err(Trouble::Late),
        };
        // Even without the API server, the authorities that are already known suffice for a new certificate.
        let renewed = self.renew();
        let trouble = agreed.and(renewed).err().map(|error| error.to_string());
        self.judge(trouble.as_deref());
        if trouble.is_some() && trouble != self.trouble {
            let error = trouble.as_deref();
            self.metrics.reloaded(false);
            tracing::warn!(error, "the certificates can't be seen to; trying on");
        }
        self.trouble = trouble;
    }

    /// Agrees on the authorities with the other replicas, and makes the API server trust them.
    async fn agree(&mut self) -> Result<(), Trouble> {
        for _ in 0..ATTEMPTS {
            let secret = self.store.read().await?;
            let held = self.store.parse(&secret).unwrap_or_else(|error| {
                tracing::warn!("{error}; it is written anew");
                Authorities::default()
            });
            // A running replica still knows the authorities of a Secret that somebody has emptied.
            let lost = held.is_empty();
            let mut authorities = if lost { self.authorities.clone() } else { held };
            let changed = authorities.renew((self.clock)(), self.args.tls_ca_life)?;
            if (changed || lost) && !self.store.write(secret, &authorities).await? {
                continue;
            }
            self.authorities = authorities;
            return self.have_trusted().await;
        }
        Err(Trouble::Contended(self.args.tls_secret.clone()))
    }

    async fn have_trusted(&mut self) -> Result<(), Trouble> {
        let bundle = STANDARD.encode(self.authorities.certificates());
        let trusted = self.configurations.trust(&bundle).await?;
        let known = matches!(&self.trusted, Some((known, _)) if *known == bundle);
        match trusted {
            false => self.trusted = None,
            true if known => {}
            true => self.trusted = Some((bundle, Instant::now())),
        }
        Ok(())
    }

    fn renew(&mut self) -> Result<(), Trouble> {
        let now = (self.clock)();
        let settled = SETTLED.min(self.args.tls_ca_life / 12);
        let settled = matches!(&self.trusted, Some((_, since)) if since.elapsed() >= settled);
        let Some(signer) = self.authorities.signer(settled, now) else {
            return Ok(());
        };
        if matches!(&self.leaf, Some(leaf) if !leaf.is_due(signer, now)) {
            return Ok(());
        }
        let leaf = signer
            .sign(&self.args.tls_name, now, self.args.tls_life)
            .map_err(Trouble::Unsigned)?;
        let expiry = Timestamp::try_from(leaf.not_after).map_err(AuthorityError::from)?;
        self.served.exchange(Arc::clone(&leaf.pair));
        self.metrics.certificate_expiry.set(expiry.as_second());
        if self.leaf.is_some() {
            self.metrics.reloaded(true);
        }
        tracing::info!(%expiry, "serving a certificate of its own");
        self.leaf = Some(leaf);
        Ok(())
    }

    /// Sets the readiness condition. An expired certificate stays served: the client judges by its own clock, which
    /// may be right.
    fn judge(&self, trouble: Option<&str>) {
        let unmet = match &self.leaf {
            Some(leaf) if !leaf.has_expired((self.clock)()) => {
                return self.readiness.met(CERTIFICATE);
            }
            Some(_) => "it has expired",
            None => "none was made yet",
        };
        let reason = trouble.map_or(unmet.to_owned(), |trouble| format!("{unmet}: {trouble}"));
        self.readiness.unmet(CERTIFICATE, reason);
    }
}

impl FromStr for SecretName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let parts = namespace_and_name(text).ok_or(ValueError::SecretName)?;
        Ok(Self {
            namespace: parts.0.to_owned(),
            name: parts.1.to_owned(),
        })
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

fn life(text: &str) -> Result<Duration, ValueError> {
    let life: SignedDuration = text.parse()?;
    let life = Duration::try_from(life).map_err(|_| ValueError::Negative)?;
    match LIVES.contains(&life) {
        true => Ok(life),
        false => Err(ValueError::Life),
    }
}
