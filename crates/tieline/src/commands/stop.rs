//! How servers are told to stop, and what stands in the way of starting.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::outcome::Failure;

/// A future that ends with ctrl-C or SIGTERM. They are listened for from the call on, not only
/// from the first poll: whoever reads that we are ready may stop us at once.
#[cfg(unix)]
pub fn asked_to_stop() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
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

/// A future that ends with ctrl-C.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same shape as on Unix")]
pub fn asked_to_stop() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

pub async fn listen(address: SocketAddr, option: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| taken(address, option, &error))
}

/// Says which port is in the way and how to take another.
pub fn taken(address: SocketAddr, option: &str, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::AddrInUse {
        return Failure::unknown(format!(
            "port {} is taken by another program (maybe another Tieline); choose another with {option}",
            address.port()
        ));
    }
    Failure::unknown(format!("{address} cannot be listened on: {error}; choose another with {option}"))
}
