//! Waits for a condition instead of a fixed time.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

/// Polls until `condition` returns something. Its errors mean "not yet"; the last one is reported after the timeout.
pub fn wait_until<T>(
    what: &str,
    timeout: Duration,
    mut condition: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + timeout;
    let mut pause = Duration::from_millis(20);
    loop {
        let last = match condition() {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => anyhow!("the condition does not hold"),
            Err(error) => error,
        };
        if Instant::now() >= deadline {
            return Err(last).with_context(|| format!("waited {timeout:?} in vain: {what}"));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(250));
    }
}
