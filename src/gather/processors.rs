//! Work that may take long: a few at a time, off the threads that serve connections.

use std::{sync::Arc, thread};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::Semaphore,
    task,
    time::{Instant, timeout_at},
};

use super::Reader;

/// The processors that long work may keep busy at once.
#[derive(Clone, Debug)]
pub struct Processors(Arc<Semaphore>);

/// Not all was judged by the time that the answer is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there was no time left to judge it; try again")]
pub struct Late;

impl Default for Processors {
    fn default() -> Self {
        let processors = thread::available_parallelism();
        Self(Arc::new(Semaphore::new(
            processors.map_or(1, |it| it.get()),
        )))
    }
}

impl Reader {
    /// Returns a reader whose long work shares these processors with that of others.
    #[must_use]
    pub fn sharing(&self, processors: &Processors) -> Self {
        Self {
            processors: Some(processors.clone()),
            ..self.clone()
        }
    }

    /// Does work that may take long, as soon as a processor is free; at once if none are shared.
    ///
    /// # Errors
    /// When the answer is due before.
    pub async fn work<T>(&self, work: impl FnOnce() -> T) -> Result<T, Late> {
        let Some(processors) = &self.processors else {
            return Ok(work());
        };
        let free = timeout_at(self.answer, processors.0.acquire()).await;
        let Ok(Ok(_busy)) = free else {
            return Err(Late);
        };
        // Another thread takes over what else this one had to do. Only a runtime with several has another.
        Ok(match Handle::current().runtime_flavor() {
            RuntimeFlavor::MultiThread => task::block_in_place(work),
            _ => work(),
        })
    }

    /// Whether an answer that is still to be worked on comes in time.
    pub fn is_in_time(&self) -> bool {
        Instant::now() < self.answer
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        cluster::{Cluster, Snapshot},
        gather::ReadErrors,
    };

    fn reader(budget: Duration) -> Reader {
        let cluster = Cluster::Snapshot(Arc::new(Snapshot::default()));
        Reader::new(cluster, budget, ReadErrors::default(), Arc::default())
    }

    #[tokio::test]
    async fn work_waits_for_a_processor_until_the_answer_is_due() {
        let processors = Processors(Arc::new(Semaphore::new(1)));
        let held = processors.0.acquire().await.unwrap();
        let patient = reader(Duration::from_millis(10)).sharing(&processors);
        assert_eq!(patient.work(|| 1).await, Err(Late));
        assert!(!patient.is_in_time());
        assert_eq!(reader(Duration::ZERO).work(|| 2).await, Ok(2));
        drop(held);
        let patient = reader(Duration::from_secs(3600)).sharing(&processors);
        assert_eq!(patient.work(|| 3).await, Ok(3));
        assert!(patient.is_in_time());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn long_work_leaves_the_thread_to_others() {
        let reader = reader(Duration::from_secs(3600)).sharing(&Processors::default());
        let (sender, receiver) = std::sync::mpsc::channel();
        let other = tokio::spawn(async move { sender.send(()) });
        // With the only thread kept busy, nobody would send.
        let waited = reader.work(|| receiver.recv()).await;
        assert_eq!(waited, Ok(Ok(())));
        other.await.unwrap().unwrap();
    }
}
