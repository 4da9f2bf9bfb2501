//! Starting the part.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::org::Org;
use super::{sign_in, tls, web};
use crate::world::{Part, Running, World, listen};

/// The simulated Salesforce; [`Salesforce::start`] makes it answer.
#[derive(Debug, Clone, Copy)]
pub struct Salesforce;

#[derive(Debug, Clone)]
pub struct Options {
    /// For example `127.0.0.1:8431`; port 0 takes a free one.
    pub listen: SocketAddr,
    /// A second address with TLS, for clients that insist on https.
    pub tls_listen: Option<SocketAddr>,
    /// Where the throw-away authority (`sandbox-ca.pem`) and the private key of the JWT bearer
    /// flow (`sandbox-jwt-bearer.pem`) are saved; `None` saves neither.
    pub data: Option<PathBuf>,
    /// Prefix of the objects that the reference package has too (`AC_…`), as in an org where they
    /// came in a managed package: `amazonconnect` serves `amazonconnect__AC_ContactTraceRecord__c`.
    pub namespace: Option<String>,
}

impl Options {
    pub fn new(listen: SocketAddr) -> Self {
        Self { listen, tls_listen: None, data: None, namespace: None }
    }
}

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{address} cannot be listened on")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("the metadata in packages/salesforce cannot be used: {0}")]
    Package(String),
    #[error("{path} cannot be written")]
    Save {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the throw-away certificate authority cannot be made")]
    Authority(#[source] io::Error),
}

/// A simulated Salesforce that answers. Dropping it stops it.
#[derive(Debug)]
pub struct RunningSalesforce {
    plain: Running,
    tls: Option<Running>,
    certificate: Option<String>,
}

impl Salesforce {
    /// Listens and answers until the result is dropped.
    ///
    /// # Errors
    ///
    /// When an address is taken, a file cannot be written, or the package is broken.
    pub async fn start(world: &World, options: Options) -> Result<RunningSalesforce, StartError> {
        let org =
            Arc::new(Org::new(world.clone(), options.namespace.as_deref()).map_err(StartError::Package)?);
        let at = |address| move |source| StartError::Listen { address, source };
        let plain = listen(world, Part::Salesforce, options.listen, None, web::router(&org, false))
            .map_err(at(options.listen))?;
        let (mut tls, mut certificate) = (None, None);
        if let Some(address) = options.tls_listen {
            let authority = tls::authority(Part::Salesforce.host()).map_err(StartError::Authority)?;
            let router = web::router(&org, true);
            let running = listen(world, Part::Salesforce, address, Some(authority.server), router);
            tls = Some(running.map_err(at(address))?);
            certificate = Some(authority.certificate);
        }
        if let Some(data) = options.data {
            if let Some(certificate) = &certificate {
                save(data.join("sandbox-ca.pem"), certificate.clone()).await?;
            }
            // Finding primes takes a while; other tasks go on meanwhile.
            let key = tokio::task::spawn_blocking(sign_in::bearer_private_key).await;
            let key = key.map_err(|error| StartError::Authority(io::Error::other(error)))?;
            save(data.join("sandbox-jwt-bearer.pem"), key.to_owned()).await?;
        }
        let reset = Arc::downgrade(&org);
        world.on_reset(move |_| {
            let org = reset.upgrade();
            Box::pin(async move {
                if let Some(org) = org {
                    org.reset();
                }
            })
        });
        Ok(RunningSalesforce { plain, tls, certificate })
    }
}

async fn save(path: PathBuf, text: String) -> Result<(), StartError> {
    let written = async {
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let mut options = tokio::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        options.mode(0o600);
        let mut file = options.open(&path).await?;
        tokio::io::AsyncWriteExt::write_all(&mut file, text.as_bytes()).await?;
        tokio::io::AsyncWriteExt::flush(&mut file).await
    };
    written.await.map_err(|source| StartError::Save { path: path.clone(), source })
}

impl RunningSalesforce {
    pub fn addr(&self) -> SocketAddr {
        self.plain.addr
    }

    /// For example `http://127.0.0.1:8431`.
    pub fn url(&self) -> String {
        self.plain.url()
    }

    pub fn tls_addr(&self) -> Option<SocketAddr> {
        self.tls.as_ref().map(|tls| tls.addr)
    }

    /// The authority clients of the TLS address must trust, in PEM.
    pub fn authority_pem(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// The private key (PEM, PKCS #8) with which `tieline-sandbox` signs assertions of the JWT
    /// bearer flow. Made when first asked for, which takes a moment.
    pub fn bearer_private_key(&self) -> &'static str {
        sign_in::bearer_private_key()
    }

    pub fn stop(&self) {
        self.plain.stop();
        if let Some(tls) = &self.tls {
            tls.stop();
        }
    }
}
