//! Computing off the runtime. Queries, rendering and compression run on blocking threads under permits, about one a core,
//! so the workers that serve connections always get a turn.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::api::response::problem::{ApiError, panic_text};

/// A bounded pool of computations.
#[derive(Debug)]
pub(in crate::api) struct ComputePool {
    permits: Arc<Semaphore>,
    /// Maximum wait for a permit.
    queue_limit: Duration,
}

impl ComputePool {
    /// A pool that runs at most `permits` computations at once.
    pub(in crate::api) fn new(permits: usize, queue_limit: Duration) -> Self {
        Self { permits: Arc::new(Semaphore::new(permits.max(1))), queue_limit }
    }

    /// Runs `work` on a blocking thread. A computation cannot be aborted from outside: its permit returns when it ends,
    /// which is at its next checkpoint once nobody waits for it.
    ///
    /// # Errors
    /// [`ApiError::Overloaded`] if no permit is free in time, [`ApiError::Internal`] if `work` panics.
    pub(in crate::api) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let permit = tokio::time::timeout(self.queue_limit, Arc::clone(&self.permits).acquire_owned());
        let Ok(Ok(permit)) = permit.await else { return Err(ApiError::Overloaded) };
        let task = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        task.await.map_err(|error| match error.try_into_panic() {
            Ok(panic) => ApiError::Internal(panic_text(panic.as_ref())),
            Err(error) => ApiError::Internal(format!("a computation was not run: {error}")),
        })
    }

    /// Number of computations that may start now.
    #[cfg(test)]
    fn available(&self) -> usize {
        self.permits.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_computation_that_waits_too_long_is_turned_away_and_its_place_comes_back() {
        let pool = Arc::new(ComputePool::new(1, Duration::from_millis(20)));
        let (release, held) = mpsc::channel::<()>();
        let (entered, started) = tokio::sync::oneshot::channel();
        let first = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                pool.run(move || {
                    let _ = entered.send(());
                    held.recv().is_ok()
                })
                .await
            }
        });
        started.await.unwrap();
        assert!(matches!(pool.run(|| 1).await, Err(ApiError::Overloaded)));
        release.send(()).unwrap();
        assert!(first.await.unwrap().unwrap());
        assert_eq!((pool.run(|| 2).await.unwrap(), pool.available()), (2, 1));
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error_and_frees_the_permit() {
        let pool = ComputePool::new(1, LONG);
        let failed: Result<(), _> = pool.run(|| panic!("a broken formula")).await;
        assert!(matches!(failed, Err(ApiError::Internal(text)) if text.contains("a broken formula")));
        assert_eq!(pool.run(|| 3).await.unwrap(), 3);
    }
}
