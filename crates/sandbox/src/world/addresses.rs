use std::collections::BTreeMap;

use http::HeaderMap;
use serde::{Deserialize, Serialize};

/// One server of the demo, each on a host of its own: different sites to a browser, so
/// that framing, cookies and origin checks are as in life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Not simulated, but the parts deliver to it and are framed by it.
    Tieline,
    Salesforce,
    AmazonConnect,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::Tieline, Self::Salesforce, Self::AmazonConnect];

    /// As on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tieline => "tieline",
            Self::Salesforce => "salesforce",
            Self::AmazonConnect => "amazon-connect",
        }
    }

    /// The name browsers know it by; only browsers and curl resolve it.
    pub fn host(self) -> &'static str {
        match self {
            Self::Tieline => "panel.localhost",
            Self::Salesforce => "crm.localhost",
            Self::AmazonConnect => "ccp.localhost",
        }
    }

    /// Distance of its port from the base port.
    fn offset(self) -> u16 {
        match self {
            Self::Tieline => 0,
            Self::Salesforce => 1,
            Self::AmazonConnect => 2,
        }
    }
}

/// Where the parts are, as their pages and each other's origin checks know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    ports: BTreeMap<Part, u16>,
    extra_origins: Vec<String>,
}

impl Default for Addresses {
    fn default() -> Self {
        Self::from_base(8430)
    }
}

impl Addresses {
    /// Tieline on `base`, Salesforce on the next port, Amazon Connect on the one after.
    pub fn from_base(base: u16) -> Self {
        let ports = Part::ALL.iter().map(|part| (*part, base.saturating_add(part.offset()))).collect();
        Self { ports, extra_origins: Vec::new() }
    }

    /// Notes where `part` really listens; [`super::listen`] does so for every part it starts.
    pub fn set_port(&mut self, part: Part, number: u16) {
        self.ports.insert(part, number);
    }

    /// Lets the pages of one more origin frame the parts and call their control API, for
    /// example `https://tieline.example.com` when Tieline runs with `serve`.
    pub fn allow_origin(&mut self, origin: impl Into<String>) {
        self.extra_origins.push(origin.into());
    }

    pub fn port(&self, part: Part) -> u16 {
        self.ports[&part]
    }

    /// For browsers, for example `http://crm.localhost:8431` (no slash at the end).
    pub fn origin(&self, part: Part) -> String {
        format!("http://{}:{}", part.host(), self.port(part))
    }

    /// For everything that cannot resolve `*.localhost`.
    pub fn loopback(&self, part: Part) -> String {
        format!("http://127.0.0.1:{}", self.port(part))
    }

    /// Every origin whose pages belong to this world, under each of their names.
    pub fn origins(&self) -> Vec<String> {
        let mut origins = self.extra_origins.clone();
        for part in Part::ALL {
            for host in [part.host(), "127.0.0.1", "localhost"] {
                origins.push(format!("http://{host}:{}", self.port(part)));
            }
        }
        origins
    }

    /// The value of `Content-Security-Policy: frame-ancestors …` for pages that may be framed.
    pub fn frame_ancestors(&self) -> String {
        format!("frame-ancestors 'self' {}", self.origins().join(" "))
    }

    /// The address by which the caller came, for absolute URLs in answers:
    /// its `Host` when it is one of ours, else the browser's name of `part`.
    pub fn as_called(&self, part: Part, headers: &HeaderMap, tls: bool) -> String {
        let scheme = if tls { "https" } else { "http" };
        let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
        host.map_or_else(|| self.origin(part), |host| format!("{scheme}://{host}"))
    }
}
