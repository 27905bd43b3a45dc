//! Waits that name what they wait for, with a deadline by the monotonic clock.

use std::time::{Duration, Instant};

/// How often a state is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Asks until there is an answer, and gives it. An attempt that fails says what there is instead.
pub(crate) fn wait_for<T>(what: &str, patience: Duration, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match attempt() {
            Ok(found) => return found,
            Err(instead) => assert!(begun.elapsed() < patience, "not within {patience:?}: {what}; instead: {instead}"),
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Asks until it is so, and gives how long that took.
pub(crate) fn wait_until(what: &str, patience: Duration, mut is_so: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    wait_for(what, patience, || if is_so() { Ok(()) } else { Err("it is not so".to_owned()) });
    begun.elapsed()
}

/// The same of what has to be awaited.
pub(crate) async fn wait_until_async(what: &str, patience: Duration, mut is_so: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < patience, "not within {patience:?}: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    begun.elapsed()
}
