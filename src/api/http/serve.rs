use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::routes::router::router;
use crate::api::state::AppState;

/// Serves the HTTP interface on `listener` until `shutdown` is cancelled; requests under way then
/// have [`Settings::shutdown_grace`](crate::api::Settings::shutdown_grace) to end.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, state: AppState, shutdown: CancellationToken) -> std::io::Result<()> {
    let grace = state.settings.shutdown_grace;
    tokio::spawn(keep_caches_warm(state.clone(), shutdown.clone()));
    serve_router(listener, router(state), grace, shutdown).await
}

/// Prepares what answers about the past rest on, at start and after each commit: a row that comes late
/// changes days that nobody should have to wait for.
async fn keep_caches_warm(state: AppState, stop: CancellationToken) {
    let mut published = state.market.subscribe();
    let mut prepare: fn(&AppState, &CancellationToken) = AppState::prepare;
    loop {
        published.mark_unchanged();
        let (preparing, stopped) = (state.clone(), stop.clone());
        let prepared = tokio::task::spawn_blocking(move || prepare(&preparing, &stopped)).await;
        if prepared.is_err() {
            tracing::error!("the past is no longer prepared; questions about it take longer");
            return;
        }
        tokio::select! {
            changed = published.changed() => if changed.is_err() { return },
            () = stop.cancelled() => return,
        }
        prepare = AppState::prepare_stress;
    }
}

/// Serves a router as [`serve`] does its own.
///
/// # Errors
/// When the listener fails.
pub async fn serve_router(
    listener: TcpListener,
    router: Router,
    grace: Duration,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps collecting small packets");
        }
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let patience = async {
        shutdown.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        ended = serving => ended,
        () = patience => {
            tracing::warn!(grace_seconds = grace.as_secs(), "requests still under way were cut off");
            Ok(())
        }
    }
}
