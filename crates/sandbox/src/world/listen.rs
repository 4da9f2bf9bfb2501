use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use http::Request;
use tokio::task::JoinHandle;
use tower::Service;
use tower::make::Shared;

use super::{Part, World};

/// A part that answers. Dropping it stops the part.
#[derive(Debug)]
pub struct Running {
    pub addr: SocketAddr,
    handle: Handle<SocketAddr>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Running {
    /// Ends `task` together with the part.
    pub fn keep(&self, task: JoinHandle<()>) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    pub fn stop(&self) {
        self.handle.shutdown();
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }

    /// For example `http://127.0.0.1:8431`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Put into a response's extensions to close the connection instead of answering:
/// the fault `refuse`, an answer that is lost.
#[derive(Debug, Clone, Copy)]
pub struct Closed;

impl Closed {
    pub fn response() -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Self);
        response
    }
}

/// Serves `router` on `addr` (port 0 takes a free one), with TLS when `tls` is given.
///
/// A plain listener becomes the part's address in the world; a TLS one stands beside it.
///
/// # Errors
///
/// When the address is taken or not ours.
pub fn listen(
    world: &World,
    part: Part,
    addr: SocketAddr,
    tls: Option<RustlsConfig>,
    router: Router,
) -> io::Result<Running> {
    let listener = TcpListener::bind(addr)?;
    listener.set_nonblocking(true)?;
    let addr = listener.local_addr()?;
    let handle = Handle::new();
    let service = Shared::new(Closing(router));
    let control = handle.clone();
    match tls {
        None => {
            world.update_addresses(|addresses| addresses.set_port(part, addr.port()));
            let server = axum_server::from_tcp(listener)?.handle(control);
            tokio::spawn(async move { report(part, server.serve(service).await) });
        }
        Some(tls) => {
            let server = axum_server::from_tcp_rustls(listener, tls)?.handle(control);
            tokio::spawn(async move { report(part, server.serve(service).await) });
        }
    }
    Ok(Running { addr, handle, tasks: Mutex::new(Vec::new()) })
}

fn report(part: Part, ended: io::Result<()>) {
    if let Err(error) = ended {
        tracing::error!(part = part.name(), %error, "The sandbox stopped listening");
    }
}

/// Turns a response marked [`Closed`] into a service error, which is what makes hyper
/// drop the connection without a byte.
#[derive(Clone)]
struct Closing(Router);

impl<B> Service<Request<B>> for Closing
where
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        <Router as Service<Request<B>>>::poll_ready(&mut self.0, context).map(|ready| ready.map_err(never))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move {
            let response = answer.await.map_err(never)?;
            if response.extensions().get::<Closed>().is_some() {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            Ok(response)
        })
    }
}

fn never(error: Infallible) -> io::Error {
    match error {}
}
