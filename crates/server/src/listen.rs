//! Accepts connections, and lets go of those whose request never comes.
//!
//! What `axum::serve` does, with a limit on how long a request's headers may take: without one
//! anybody could hold all our connections with a byte now and then.

use std::io;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a connection may take for the headers of its next request, the pause before them
/// included. Longer than the minute for which common proxies keep idle connections: whoever
/// closes first must not be us, or a request that is just being sent is lost.
const HEADERS_WITHIN: Duration = Duration::from_secs(75);

/// Serves until `stop` ends; then takes no new connection and returns when those that are open
/// have had their answers. Dropping the future cuts them off.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let stopping = watch::Sender::new(false);
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(converse(stream, router.clone(), stopping.subscribe()));
            }
            Err(error) if is_of_the_caller(&error) => {}
            Err(error) => {
                // Out of file handles, most likely: those that are open will end.
                tracing::error!(%error, "A connection could not be accepted");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
    drop(listener);
    stopping.send_replace(true);
    while connections.join_next().await.is_some() {}
}

async fn converse(stream: TcpStream, router: Router, mut stopping: watch::Receiver<bool>) {
    // Frames and answers are small and wanted at once.
    let _ = stream.set_nodelay(true);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection.with_upgrades());
    // Its error is the other side's: it went away, or does not speak HTTP.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stopping| *stopping) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// It went away before we took it.
fn is_of_the_caller(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn connect(stop: impl Future<Output = ()> + Send + 'static) -> (TcpStream, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "here"));
        let mut server = JoinSet::new();
        server.spawn(serve(listener, router, stop));
        (TcpStream::connect(address).await.unwrap(), server)
    }

    async fn rest(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test(start_paused = true)]
    async fn headers_that_never_end_do_not_hold_a_connection() {
        let (mut stream, _server) = connect(std::future::pending()).await;
        let began = tokio::time::Instant::now();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: loc").await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(began.elapsed() <= HEADERS_WITHIN + Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_server_that_stops_answers_what_was_asked_and_takes_no_more() {
        let (stopping, stop) = tokio::sync::oneshot::channel::<()>();
        let (mut stream, mut server) = connect(async move { stop.await.unwrap() }).await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        stopping.send(()).unwrap();
        assert!(rest(&mut stream).await.ends_with("here"), "and the idle connection is closed");
        server.join_next().await.unwrap().unwrap();
    }
}
