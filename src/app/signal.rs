use tokio_util::sync::CancellationToken;

/// Returns a token that is cancelled by ctrl-c or a termination signal.
///
/// # Errors
/// If the operating system does not allow the process to handle signals.
pub fn stop_on_signal() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let signal = stop_signal()?;
    let cancelled = stop.clone();
    tokio::spawn(async move {
        signal.await;
        tracing::info!("stopping on signal");
        cancelled.cancel();
    });
    Ok(stop)
}

#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // If ctrl-c cannot be handled, the process can still be ended from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
