//! Logging to stderr, as text or JSON, kept from repeating what may be a secret.

use std::any::Any;
use std::io::{self, IsTerminal};
use std::panic;

use clap::{Args, ValueEnum};
use thiserror::Error;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
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

/// Reason why logging could not be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// The filter is not one that `EnvFilter` understands.
    #[error(
        "--log {filter:?} is neither a level (error, warn, info, debug, trace) nor target=level directives: {error}"
    )]
    Filter {
        /// The filter as given.
        filter: String,
        /// What is wrong with it.
        error: ParseError,
    },
    /// Something else in the process logs already.
    #[error("logging was set up twice: {0}")]
    Twice(TryInitError),
}

// === impl LogArgs ===

impl LogArgs {
    /// Starts logging for the whole process, panics included.
    pub fn init(&self) -> Result<(), LogError> {
        let filter = EnvFilter::builder()
            .parse(&self.log)
            .map_err(|error| LogError::Filter {
                filter: self.log.clone(),
                error,
            })?;
        let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        tracing_subscriber::registry()
            .with(filter)
            .with(lines(self.log_format, colour, io::stderr))
            .try_init()
            .map_err(LogError::Twice)?;
        panic::set_hook(Box::new(|panicked| {
            let location = panicked.location().map(ToString::to_string);
            tracing::error!(location, "panicked: {}", plain_message(panicked.payload()));
        }));
        Ok(())
    }
}

/// The layer that writes log lines.
fn lines<S, W>(format: LogFormat, colour: bool, writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_ansi(colour).with_writer(writer);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        // One list has them all: a client's own span may be the innermost.
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
    };
    lines.with_filter(filter_fn(is_safe))
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
    use std::fs::{self, File};

    use tempfile::NamedTempFile;
    use tracing_subscriber::registry;

    use super::*;

    fn logged(format: LogFormat, log: impl FnOnce()) -> String {
        let file = NamedTempFile::new().unwrap();
        let writer = File::options().append(true).open(file.path()).unwrap();
        let subscriber = registry().with(lines(format, false, writer));
        tracing::subscriber::with_default(subscriber, log);
        fs::read_to_string(file.path()).unwrap()
    }

    #[test]
    fn json_is_one_object_a_line() {
        let line = logged(LogFormat::Json, || {
            tracing::info!(release = "a", "admitted")
        });
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["level"], "INFO");
        assert_eq!(object["message"], "admitted");
        assert_eq!(object["release"], "a");
    }

    #[test]
    fn what_a_review_causes_carries_its_uid() {
        let line = logged(LogFormat::Json, || {
            let review = tracing::error_span!("review", uid = "the-uid").entered();
            tracing::debug_span!("client").in_scope(|| tracing::info!("asked"));
            drop(review);
        });
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["spans"][0]["uid"], "the-uid");
    }

    #[test]
    fn the_kubernetes_client_cannot_print_what_it_failed_to_parse() {
        let text = logged(LogFormat::Text, || {
            tracing::warn!(target: "kube_client::client", "{{\"data\": \"cGFzc3dvcmQ=\"}}");
            tracing::warn!(target: "kube_client::client::builder", "retrying");
        });
        assert!(text.contains("retrying"), "{text}");
        assert!(!text.contains("cGFzc3dvcmQ="), "{text}");
    }

    #[test]
    fn a_bad_filter_is_told_apart() {
        let args = LogArgs {
            log_format: LogFormat::Text,
            log: "camunda_upgrade_guard=loud".to_owned(),
        };
        let message = args.init().unwrap_err().to_string();
        let expected = "--log \"camunda_upgrade_guard=loud\" is neither a level";
        assert!(message.starts_with(expected), "{message}");
    }

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
