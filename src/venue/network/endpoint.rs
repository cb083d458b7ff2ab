use super::url::UrlParts;
use super::validator::Check;
use super::{EndpointRole, FindingKind, NetworkEndpoint, NetworkEnvironment, NetworkVenue};

/// Checks where each connection of a venue would go.
pub(super) fn check(check: &mut Check<'_>, venue: NetworkVenue, environment: NetworkEnvironment) {
    for role in venue.roles() {
        let (name, value) = check.read(venue, role.suffix());
        let url = match value.or(role.preset(environment)) {
            Some(url) => url,
            None if environment == NetworkEnvironment::Local && role.is_needed() => {
                let problem = "a local server has no address of its own accord";
                let (secure, plain) = role.schemes();
                let fix = format!("set it, for example to {plain}://127.0.0.1:9010 ({secure})");
                check.find(FindingKind::Missing, &name, problem, &fix);
                continue;
            }
            None => continue,
        };
        if let Some(leads_to) = safe(check, (venue, environment), *role, (&name, url)) {
            let (role, url) = (*role, url.to_owned());
            check.report.endpoints.push(NetworkEndpoint { venue, role, leads_to, url });
        }
    }
}

/// Scheme and host, if nothing speaks against them.
fn safe(
    check: &mut Check<'_>,
    (venue, environment): (NetworkVenue, NetworkEnvironment),
    role: EndpointRole,
    (name, url): (&str, &str),
) -> Option<String> {
    let before = check.report.findings.len();
    let (secure, plain) = role.schemes();
    let Some(parts) = UrlParts::read(url) else {
        let problem = "it is no address of the form scheme://host[:port][/path]";
        let fix = "write the address alone, without user, query or spaces";
        check.find(FindingKind::Malformed, name, problem, fix);
        return None;
    };
    let is_local = environment == NetworkEnvironment::Local;
    if parts.scheme != secure && !(parts.scheme == plain && is_local && parts.is_loopback()) {
        let problem = "its scheme does not encrypt, or is of another protocol";
        let fix = format!("use {secure}://; {plain}:// only in `local` and to this machine");
        check.find(FindingKind::InsecureScheme, name, problem, &fix);
    }
    let host = parts.shown();
    if is_local != parts.is_loopback() {
        let problem = match is_local {
            true => format!("`local` must not leave this machine, and {host} does"),
            false => format!("{host} is this machine, and not the network {environment}"),
        };
        let fix = "name a host of the network, or change TRADEWRIGHT_NETWORK";
        check.find(FindingKind::OtherNetwork, name, &problem, fix);
    } else if !is_local {
        match venue.network_of(&parts.host) {
            Some(network) if network == environment => {}
            Some(network) => {
                let problem = format!("{host} belongs to {network}, and not to {environment}");
                let fix = "remove it to use the network's own, or change TRADEWRIGHT_NETWORK";
                check.find(FindingKind::OtherNetwork, name, &problem, fix);
            }
            None if check.is_trusted(venue, environment, &parts.host) => {}
            None => {
                let problem = format!("{host} is not known to belong to {environment}");
                let fix = "remove it to use the network's own, or vouch for the host in the \
                           program (NetworkValidator::trust)";
                check.find(FindingKind::UnknownHost, name, &problem, fix);
            }
        }
    }
    let is_safe = check.report.findings.len() == before;
    is_safe.then(|| format!("{}://{}", parts.scheme, parts.host))
}
