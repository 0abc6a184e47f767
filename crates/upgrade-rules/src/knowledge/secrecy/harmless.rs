//! Decides which of a user's values may be shown: those known to be harmless by their key and their form.
//!
//! Nobody can list all names of secrets: a password may be in a JDBC URL, in a shell line, in `javaOpts`. So a text is shown only
//! if its key is one of these and the text has the form of this kind of value.

use super::{names_a_place, speaks_of_secret};

/// Names of objects, identifiers and modes.
const NAMES: [&str; 42] = [
    "active",
    "audience",
    "classname",
    "claimname",
    "clientid",
    "effect",
    "existingclaim",
    "existingconfigmap",
    "existingsecret",
    "existingsecretkey",
    "existingsecretpasswordkey",
    "adminpasswordkey",
    "userpasswordkey",
    "passwordsecretkey",
    "fullnameoverride",
    "nameoverride",
    "imagepullpolicy",
    "pullpolicy",
    "indexprefix",
    "ingressclassname",
    "issuertype",
    "kind",
    "level",
    "loglevel",
    "method",
    "mode",
    "name",
    "operator",
    "podmanagementpolicy",
    "priorityclassname",
    "profilesactive",
    "protocol",
    "pvcstorageclassname",
    "schedulername",
    "secretname",
    "serviceaccountname",
    "storageclass",
    "storageclassname",
    "topologykey",
    "type",
    "updatestrategy",
    "whenunsatisfiable",
];
/// Parts of images.
const IMAGES: [&str; 6] = [
    "digest",
    "image",
    "imagetag",
    "registry",
    "repository",
    "tag",
];
/// Keys whose values are addresses.
const PLACES: [&str; 13] = [
    "authurl",
    "domain",
    "host",
    "hostname",
    "hosts",
    "issuer",
    "issueruri",
    "jwksetsuri",
    "loadbalancerip",
    "loadbalancersourceranges",
    "redirecturl",
    "uri",
    "url",
];
/// Ways in a file system or below a host.
const PATHS: [&str; 5] = ["contextpath", "file", "mountpath", "path", "subpath"];
/// Options of Java's.
const JAVA: [&str; 4] = [
    "javaopts",
    "javaoptions",
    "javatooloptions",
    "jdkjavaoptions",
];
/// Keys with labels and selectors below them.
const LABELS: [&str; 8] = [
    "affinity",
    "labels",
    "matchlabels",
    "nodeselector",
    "podlabels",
    "tolerations",
    "topologyspreadconstraints",
    "values",
];
/// No number that says how much of something there is has more digits.
const DIGITS: usize = 10;

/// Whether the text under a key may be shown; `path` holds the key's parts.
pub fn is_harmless(path: &[&str], text: &str) -> bool {
    let (Some(last), above) = (path.last(), &path[..path.len().saturating_sub(1)]) else {
        return false;
    };
    if text.is_empty() || is_bare_reference(text) {
        return true;
    }
    if !may_be_shown(last) {
        return false;
    }
    if is_plain(text) && !speaks_of_secret(last) {
        return true;
    }
    let last = canonical(last);
    let is = |names: &[&str]| names.contains(&last.as_str());
    let below = |names: &[&str]| above.iter().any(|part| names.contains(&&*canonical(part)));
    is(&NAMES) && is_word(text)
        || is(&IMAGES) && is_image(text)
        || (is(&PLACES) || last.ends_with("url") || last.ends_with("uri")) && is_place(text)
        || is(&PATHS) && is_path(text)
        || is(&JAVA) && text.split_whitespace().all(is_java_option)
        || below(&LABELS) && is_word(text)
        || last == "key" && below(&["secretkeyref", "configmapkeyref", "items"]) && is_word(text)
        || last == "fieldpath" && is_word(text)
}

/// A value of the user's in a sentence.
pub(crate) fn shown<'a>(key: &str, value: &'a str) -> &'a str {
    let path: Vec<_> = key.split('.').collect();
    match is_harmless(&path, value) {
        true => value,
        false => "a value that is not shown here",
    }
}

/// Whether a value under this name may be shown if it looks harmless.
pub fn may_be_shown(name: &str) -> bool {
    let speaks = speaks_of_secret(name) || canonical(name).contains("pass");
    !speaks || names_a_place(name) || name.to_lowercase().starts_with("existing")
}

/// A switch, a number, a size or a time.
pub fn is_plain(text: &str) -> bool {
    if ["true", "false"].contains(&text) {
        return true;
    }
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    let unit = text.len() - number.len();
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let plain = |byte: u8| byte.is_ascii_digit() || byte == b'.' || byte == b'-';
    (1..=DIGITS).contains(&digits) && unit <= 2 && number.bytes().all(plain)
}

/// `$(NAME)` and `${NAME}` say where the value comes from; a default beside the name is a value.
pub fn is_bare_reference(text: &str) -> bool {
    let name = |open: &str, close: &str| text.strip_prefix(open)?.strip_suffix(close);
    let name = name("${", "}").or_else(|| name("$(", ")"));
    name.is_some_and(|name| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c == '_' || c == '.' || c.is_ascii_alphanumeric())
    })
}

fn is_word(text: &str) -> bool {
    text.len() <= 253
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._/".contains(c))
}

fn is_image(text: &str) -> bool {
    let (name, digest) = text.split_once("@sha256:").unwrap_or((text, ""));
    let name = name.strip_prefix("sha256:").unwrap_or(name);
    let hexadecimal = digest.chars().all(|c| c.is_ascii_hexdigit());
    hexadecimal
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._/:".contains(c))
}

/// A host or an address without a user, a query and a fragment.
fn is_place(text: &str) -> bool {
    let rest = text.rsplit_once("://").map_or(text, |(_, rest)| rest);
    // A template of the chart's own may name the release.
    let rest = rest.replace("{{ .Release.Name }}", "");
    rest.chars()
        .all(|c| c.is_ascii_alphanumeric() || "-._/:*[]{}, ".contains(c))
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && is_word(text)
}

/// `-Xmx2g`, `-XX:+ExitOnOutOfMemoryError`, `-XX:HeapDumpPath=/data`.
pub fn is_java_option(option: &str) -> bool {
    match option.strip_prefix("-XX:") {
        Some(option) => option
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-=./_".contains(c)),
        None => option
            .strip_prefix("-Xm")
            .or_else(|| option.strip_prefix("-Xs"))
            .is_some_and(|size| size.len() > 1 && is_plain(&size[1..])),
    }
}

/// Returns the common form of all spellings of a name.
fn canonical(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_to_be_harmless_is_shown() {
        for (key, text) in [
            ("orchestration.clusterSize", "5"),
            ("orchestration.pvcSize", "64Gi"),
            ("orchestration.resources.limits.cpu", "500m"),
            ("orchestration.retention.minimumAge", "30d"),
            ("orchestration.pvcStorageClassName", "fast-ssd"),
            (
                "orchestration.image.registry",
                "registry.example.com:5000/camunda",
            ),
            ("orchestration.ingress.grpc.host", "zeebe.example.com"),
            (
                "global.identity.auth.publicIssuerUrl",
                "https://idp.example.com/auth/realms/camunda-platform",
            ),
            ("orchestration.nodeSelector.disk", "ssd"),
            ("orchestration.contextPath", "/zeebe"),
            (
                "orchestration.javaOpts",
                "-Xmx2g -XX:+ExitOnOutOfMemoryError -XX:HeapDumpPath=/usr/local/camunda/data",
            ),
            ("a.secret.existingSecret", "mine"),
            ("a.secret.existingSecretKey", "client-secret"),
            ("a.password", "${A_PASSWORD}"),
        ] {
            let path: Vec<_> = key.split('.').collect();
            assert!(is_harmless(&path, text), "{key}: {text}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for (key, text) in [
            ("license.key", "hunter2"),
            ("auth.password", "12345"),
            ("env.PGPASS", "12345"),
            ("env.value", "hunter2"),
            (
                "javaOpts",
                "-Xmx2g -Djavax.net.ssl.trustStorePassword=hunter2",
            ),
            ("database.url", "jdbc:postgresql://user:hunter2@db/camunda"),
            (
                "database.url",
                "jdbc:postgresql://db/camunda?password=hunter2",
            ),
            ("database.url", "https://db/#hunter2"),
            ("image.tag", "user:hunter2@x"),
            ("host", "user:hunter2@db"),
            ("name", "hunter2 hunter2"),
            ("a.password", "${A_PASSWORD:hunter2}"),
            ("description", "hunter2"),
            ("annotations.token", "hunter2"),
            ("count", "123456789012345678901234567890"),
            ("count", "5hunter2"),
        ] {
            let path: Vec<_> = key.split('.').collect();
            assert!(!is_harmless(&path, text), "{key}: {text}");
        }
        assert!(!is_harmless(&[], "x"));
    }
}
