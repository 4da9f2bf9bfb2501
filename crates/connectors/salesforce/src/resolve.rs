//! Names for the HTTP client: `localhost` and everything below it is this machine (RFC 6761
//! section 6.3), which the system's resolver does not promise for `crm.localhost`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            if is_localhost(&host) {
                let here =
                    [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
                return Ok(Box::new(here.into_iter()) as Addrs);
            }
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// Whether `host`, as written in an address, can only be this machine.
pub(crate) fn is_this_machine(host: &str) -> bool {
    is_localhost(host)
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_below_localhost_are_this_machine() {
        for host in ["crm.localhost", "localhost", "a.b.LOCALHOST"] {
            let found: Vec<SocketAddr> = Resolver.resolve(host.parse().unwrap()).await.unwrap().collect();
            assert!(found.iter().all(|address| address.ip().is_loopback()), "{host}");
            assert!(found.iter().any(SocketAddr::is_ipv4), "{host}");
        }
        assert!(!is_this_machine("localhost.example.com"));
        assert!(!is_this_machine("10.0.0.1"));
        assert!(is_this_machine("[::1]"));
    }
}
