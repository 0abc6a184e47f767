//! How users and clients log in, according to the applications' configuration.

use std::{collections::BTreeSet, fmt};

use crate::{
    camunda::Application,
    change::{Change, Facts, Side},
    knowledge::configuration::Configuration,
};

/// The properties with the provider's URL, up to 12.
const URLS_BEFORE: [&str; 5] = [
    "camunda.identity.issuer",
    "camunda.identity.issuerBackendUrl",
    "spring.security.oauth2.resourceserver.jwt.issuer-uri",
    "spring.security.oauth2.resourceserver.jwt.jwk-set-uri",
    "ZEEBE_AUTHORIZATION_SERVER_URL",
];
/// The same in 13, below the Orchestration Cluster's own settings.
const URLS_AFTER: [&str; 4] = [
    "issuer-uri",
    "authorization-uri",
    "jwk-set-uri",
    "token-uri",
];

/// The values that name the method: the first wins.
pub(crate) const METHODS: [&str; 2] = [
    "orchestration.security.authentication.method",
    "global.security.authentication.method",
];

/// A way to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// By users and passwords that the applications keep themselves.
    Basic,
    /// By a provider of OpenID Connect.
    Provider {
        /// Whether it is a Keycloak.
        keycloak: bool,
        /// The provider's URLs, with the realm or tenant; empty if unknown.
        places: BTreeSet<String>,
    },
}

impl Method {
    /// Reads the method of Operate and Tasklist, or else of the Zeebe Gateway, up to 12.
    pub(crate) fn before(change: &Change, facts: &Facts) -> Option<Method> {
        let configured = |application| {
            let workload = change.application(application, Side::Running)?;
            Some(Configuration::of(change, facts, workload, Side::Running))
        };
        let web_application = |application| -> Option<Method> {
            let configuration: Configuration = configured(application)?;
            match configuration.get("spring.profiles.active")? {
                profiles if has(profiles, "identity-auth") => {
                    Some(Method::identity(&configuration, &change.namespace))
                }
                profiles if has(profiles, "auth") => Some(Method::Basic),
                _ => None,
            }
        };
        [Application::OPERATE, Application::TASKLIST]
            .into_iter()
            .find_map(web_application)
            .or_else(|| {
                let gateway: Configuration = configured(Application::GATEWAY)?;
                let mode = gateway.get("zeebe.gateway.security.authentication.mode")?;
                (mode == "identity").then(|| Method::identity(&gateway, &change.namespace))
            })
    }

    /// Reads the method of the Orchestration Cluster of 13.
    pub(crate) fn after(change: &Change, facts: &Facts) -> Option<Method> {
        let workload = change.application(Application::ZEEBE, Side::Planned)?;
        let configuration = Configuration::of(change, facts, workload, Side::Planned);
        let property = |name: &str| format!("camunda.security.authentication.{name}");
        match configuration.get(&property("method"))? {
            method if method.eq_ignore_ascii_case("basic") => Some(Method::Basic),
            method if method.eq_ignore_ascii_case("oidc") => {
                let urls: Vec<_> = URLS_AFTER
                    .iter()
                    .filter_map(|url| configuration.get(&property(&format!("oidc.{url}"))))
                    .collect();
                Some(Method::Provider {
                    keycloak: urls.iter().any(|url| url.contains("/realms/")),
                    places: places(&urls, &change.namespace),
                })
            }
            _ => None,
        }
    }

    fn identity(configuration: &Configuration, namespace: &str) -> Method {
        let kind = configuration.get("camunda.identity.type");
        let urls: Vec<_> = URLS_BEFORE
            .iter()
            .filter_map(|url| configuration.get(url))
            .collect();
        Method::Provider {
            keycloak: kind.is_none_or(|kind| kind.eq_ignore_ascii_case("keycloak")),
            places: places(&urls, namespace),
        }
    }

    /// Whether everybody who could log in by this method can log in by the other; an unknown provider counts as the same.
    pub(crate) fn is_kept_by(&self, other: &Method) -> bool {
        match (self, other) {
            (Method::Provider { places: one, .. }, Method::Provider { places: two, .. }) => {
                one.is_empty() || two.is_empty() || !one.is_disjoint(two)
            }
            _ => self == other,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Basic => f.write_str("basic authentication"),
            Method::Provider { keycloak, places } => {
                f.write_str(match keycloak {
                    true => "Keycloak",
                    false => "the OpenID Connect provider",
                })?;
                let places: Vec<_> = places.iter().map(String::as_str).collect();
                match places[..] {
                    [] => Ok(()),
                    _ => write!(f, " at {}", places.join(" and ")),
                }
            }
        }
    }
}

/// Whether a profile is active.
pub(crate) fn has(profiles: &str, wanted: &str) -> bool {
    profiles.split(',').any(|profile| profile.trim() == wanted)
}

fn places(urls: &[&str], namespace: &str) -> BTreeSet<String> {
    urls.iter()
        .filter_map(|url| place(url, namespace))
        .collect()
}

/// Host and realm, or host and tenant of Microsoft's, spelled one way; a port or a path before them may differ.
fn place(url: &str, namespace: &str) -> Option<String> {
    let (_, rest) = url.trim().split_once("://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let host = host.trim_end_matches('.').to_lowercase();
    let host = [".svc.cluster.local", ".svc"]
        .into_iter()
        .find_map(|suffix| host.strip_suffix(suffix))
        .unwrap_or(&host);
    let host = host
        .strip_suffix(namespace)
        .and_then(|host| host.strip_suffix('.'))
        .unwrap_or(host);
    // What is reached through a port-forward tells nothing of where it is.
    if host.is_empty() || ["localhost", "127.0.0.1"].contains(&host) {
        return None;
    }
    let mut segments = path.split('/');
    let host = match host {
        "sts.windows.net" => "login.microsoftonline.com",
        host => host,
    };
    let part = match host {
        "login.microsoftonline.com" => segments.next(),
        _ => segments
            .find(|segment| *segment == "realms")
            .and_then(|_| segments.next()),
    };
    match part.filter(|part| !part.is_empty()) {
        Some(part) => Some(format!("{host}/{part}")),
        None => Some(host.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_realm_has_many_urls() {
        for url in [
            "http://camunda-keycloak:80/auth/realms/camunda-platform",
            "http://camunda-keycloak.prod.svc.cluster.local/realms/camunda-platform/protocol/openid-connect/certs",
            "https://camunda-keycloak.prod.svc:8443/auth/realms/camunda-platform/",
        ] {
            let found = place(url, "prod");
            assert_eq!(
                found.as_deref(),
                Some("camunda-keycloak/camunda-platform"),
                "{url}"
            );
        }
        for (url, expected) in [
            (
                "https://login.microsoftonline.com/0f/oauth2/v2.0/authorize",
                Some("login.microsoftonline.com/0f"),
            ),
            (
                "https://acme.okta.com/oauth2/default",
                Some("acme.okta.com"),
            ),
            ("http://localhost:18080/auth/realms/camunda-platform", None),
            ("", None),
        ] {
            assert_eq!(place(url, "prod").as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn only_another_place_is_another_provider() {
        let provider = |urls: &[&str]| Method::Provider {
            keycloak: true,
            places: places(urls, "prod"),
        };
        let (inside, outside) = ("http://kc/realms/a", "https://login.example.com/realms/a");
        assert!(provider(&[inside, outside]).is_kept_by(&provider(&[outside])));
        assert!(provider(&[inside]).is_kept_by(&provider(&[])));
        assert!(!provider(&[inside]).is_kept_by(&provider(&["http://kc/realms/b"])));
        assert!(!provider(&[inside]).is_kept_by(&Method::Basic));
        assert!(Method::Basic.is_kept_by(&Method::Basic));
    }
}
