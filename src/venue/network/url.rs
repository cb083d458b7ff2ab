use core::net::{IpAddr, Ipv6Addr};

/// The parts of an address that decide where a connection goes.
pub(super) struct UrlParts<'a> {
    pub scheme: &'a str,
    /// In lower case; a numeric address of version 6 without its brackets.
    pub host: String,
}

impl<'a> UrlParts<'a> {
    /// Reads `scheme://host[:port][/path]`. User names, queries and fragments are refused: what
    /// stands there could be a secret, and nothing here needs one.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_clean = |char: char| char.is_ascii_graphic() && !"@?#\\".contains(char);
        if !rest.chars().all(is_clean) {
            return None;
        }
        let authority = rest.split('/').next()?;
        let (host, port) = match authority.strip_prefix('[') {
            Some(inner) => {
                let (host, port) = inner.split_once(']')?;
                host.parse::<Ipv6Addr>().ok()?;
                (host, port.strip_prefix(':').or(port.is_empty().then_some("443"))?)
            }
            None => authority.split_once(':').unwrap_or((authority, "443")),
        };
        let port: u16 = port.parse().ok()?;
        let is_host = |char: char| char.is_ascii_alphanumeric() || ".-:".contains(char);
        let is_sound = !host.is_empty() && host.chars().all(is_host) && port > 0;
        is_sound.then(|| Self { scheme, host: host.to_ascii_lowercase() })
    }

    /// True for this machine alone.
    pub(super) fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The host for a report, unless it is so odd that it could be a secret in the wrong place.
    pub(super) fn shown(&self) -> &str {
        let is_ordinary =
            self.host.contains(['.', ':']) && self.host.split('.').all(|label| label.len() <= 24);
        if is_ordinary || self.is_loopback() { &self.host } else { "(not shown)" }
    }
}
