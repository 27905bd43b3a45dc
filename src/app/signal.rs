use tokio_util::sync::CancellationToken;

/// A token that is cancelled when the process is asked to stop, by ctrl-c or a terminating signal.
///
/// # Errors
/// When the operating system does not let the process listen for signals.
pub fn stop_on_signal() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let asked = asked_to_stop()?;
    let cancelled = stop.clone();
    tokio::spawn(async move {
        asked.await;
        tracing::info!("asked to stop");
        cancelled.cancel();
    });
    Ok(stop)
}

#[cfg(unix)]
fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
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
fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a way to hear ctrl-c the process can still be ended from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
