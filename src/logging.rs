//! Logging to stderr, as text or JSON, kept from repeating what may be a secret.

use std::any::Any;
use std::io::{self, IsTerminal};
use std::panic;

use clap::{Args, ValueEnum};
use thiserror::Error;
use tracing::Metadata;
use tracing_subscriber::filter::{EnvFilter, ParseError, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, fmt};

/// How and how much to log.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// How a log line looks
    #[arg(
        long,
        value_enum,
        default_value_t,
        env = "CAMUNDA_UPGRADE_GUARD_LOG_FORMAT"
    )]
    pub log_format: LogFormat,

    /// What is logged: a level, or directives such as "info,camunda_upgrade_guard::server=debug"
    #[arg(long, default_value = "info", env = "CAMUNDA_UPGRADE_GUARD_LOG")]
    pub log: String,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// For log collectors: one JSON object a line
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// The filter is not one that `EnvFilter` understands.
    #[error(
        "--log {filter:?} is neither a level (error, warn, info, debug, trace) nor target=level directives: {source}"
    )]
    Filter {
        /// The filter as given.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Something else in the process logs already.
    #[error("logging was set up twice: {0}")]
    Twice(#[from] TryInitError),
}

// === impl LogArgs ===

impl LogArgs {
    /// Starts logging for the whole process, panics included.
    pub fn init(&self) -> Result<(), LogError> {
        let filter = EnvFilter::builder()
            .parse(&self.log)
            .map_err(|source| LogError::Filter {
                filter: self.log.clone(),
                source,
            })?;
        let lines = match self.log_format {
            LogFormat::Text => fmt::layer()
                .with_ansi(io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
                .with_writer(io::stderr)
                .boxed(),
            LogFormat::Json => fmt::layer()
                .json()
                .flatten_event(true)
                .with_writer(io::stderr)
                .boxed(),
        };
        tracing_subscriber::registry()
            .with(filter)
            .with(lines.with_filter(filter_fn(is_safe)))
            .try_init()?;
        panic::set_hook(Box::new(|panicked| {
            let location = panicked.location().map(ToString::to_string);
            tracing::error!(location, "panicked: {}", plain_message(panicked.payload()));
        }));
        Ok(())
    }
}

/// kube's client prints a whole response, Secrets included, when it can't deserialize it.
fn is_safe(event: &Metadata<'_>) -> bool {
    event.is_span() || event.target() != "kube_client::client"
}

/// A panic's message, unless it was formatted: then it may quote the input, as slicing a string does.
fn plain_message(payload: &(dyn Any + Send)) -> &'static str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(message withheld, it may quote a secret)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_never_quotes_what_it_tripped_over() {
        panic::set_hook(Box::new(|_| {}));
        let secret = String::from("pässword");
        let formatted = panic::catch_unwind(|| secret[..2].len()).unwrap_err();
        let plain = panic::catch_unwind(|| panic!("no such rule")).unwrap_err();
        drop(panic::take_hook());

        assert_eq!(
            plain_message(&*formatted),
            "(message withheld, it may quote a secret)"
        );
        assert_eq!(plain_message(&*plain), "no such rule");
    }
}
