use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Time limit of the health check.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Sends a health check to the service that listens on `listen`, for a container's probe.
///
/// # Errors
/// [`io::Error`] if nothing listens there, the response takes too long, or its status is not `200`.
pub async fn probe_livez(listen: SocketAddr) -> io::Result<()> {
    let reply = tokio::time::timeout(TIMEOUT, status_line(reachable(listen))).await;
    let status_line = reply.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    if status_line.starts_with("HTTP/1.1 200 ") {
        Ok(())
    } else {
        Err(io::Error::other(format!("the response was {status_line:?}")))
    }
}

/// Returns the first line of the response of `/livez`.
async fn status_line(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /livez HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await?;
    Ok(String::from_utf8_lossy(&reply).lines().next().unwrap_or_default().to_owned())
}

/// Returns a local address of a service that listens on every address.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Starts a service that sends one response, listening on every address.
    async fn answering(reply: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 512];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            stream.write_all(reply.as_bytes()).await.unwrap();
        });
        address
    }

    #[tokio::test]
    async fn only_200_is_healthy() {
        assert!(probe_livez(answering("HTTP/1.1 200 OK\r\n\r\n").await).await.is_ok());
        let unhealthy = probe_livez(answering("HTTP/1.1 503 Service Unavailable\r\n\r\n").await).await;
        assert!(unhealthy.unwrap_err().to_string().contains("503"));
    }

    #[tokio::test]
    async fn no_listener_is_an_error() {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert!(probe_livez(address).await.is_err());
    }
}
