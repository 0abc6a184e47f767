//! The template expressions behind generated passwords.

use super::Secrets;
use super::document::Document;

/// One generated key of a Secret.
struct Generated<'a> {
    key: &'a str,
    secret: &'a str,
    /// The user's value for it, if there may be one.
    given: Option<Given<'a>>,
}

enum Given<'a> {
    /// Camunda's own value: a text is the password, a map names another Secret.
    Identity(&'a str),
    /// Bitnami's value, among the subchart's own.
    Bitnami(&'static str),
}

/// Replaces the values of generated keys by template expressions.
pub(super) fn with_sources(document: &Document, text: String, mode: Secrets) -> String {
    if document.kind != "Secret" || document.hook {
        return text;
    }
    let mut elsewhere = None;
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| match generated(document, line) {
            Some(generated) => {
                elsewhere = elsewhere.take().or(generated.elsewhere());
                format!("  {}: {}", generated.key, generated.expression(mode))
            }
            None => line.to_owned(),
        })
        .collect();
    let text = lines.join("\n");
    match elsewhere {
        Some(condition) => format!("{{{{- if not {condition} }}}}\n{text}\n{{{{- end }}}}"),
        None => text,
    }
}

fn generated<'a>(document: &'a Document, line: &'a str) -> Option<Generated<'a>> {
    let (key, value) = line.strip_prefix("  ")?.split_once(": ")?;
    if key.starts_with([' ', '#']) || value.is_empty() {
        return None;
    }
    let secret = document.name.as_str();
    let identity = secret.ends_with("-identity-secret");
    let given = match key {
        "admin-password" => Some(Given::Bitnami("adminPassword")),
        "management-password" => Some(Given::Bitnami("managementPassword")),
        "postgres-password" => Some(Given::Bitnami("postgresPassword")),
        "password" => Some(Given::Bitnami("password")),
        "pusher-app-secret" | "pusher-app-key" => None,
        _ if identity => Some(Given::Identity(key.strip_suffix("-secret")?)),
        _ => return None,
    };
    Some(Generated { key, secret, given })
}

impl Generated<'_> {
    /// Returns a template condition: the password is in a Secret of the user's.
    fn elsewhere(&self) -> Option<String> {
        match self.given.as_ref()? {
            Given::Identity(_) => Some(format!("(kindIs \"map\" {})", self.value()?)),
            Given::Bitnami(_) => Some("((.Values.auth).existingSecret)".into()),
        }
    }

    fn value(&self) -> Option<String> {
        Some(match self.given.as_ref()? {
            Given::Identity(component) => {
                format!("((((.Values.global).identity).auth).{component}).existingSecret")
            }
            Given::Bitnami(key) => format!("(.Values.auth).{key}"),
        })
    }

    fn expression(&self, mode: Secrets) -> String {
        let Some(value) = self.value() else {
            return "{{ randAlphaNum 20 | b64enc }}".into();
        };
        let identity = matches!(self.given, Some(Given::Identity(_)));
        let (key, secret) = (self.key, self.secret);
        let mut branches = Vec::new();
        let live = format!(
            r#"(get ((lookup "v1" "Secret" .Release.Namespace "{secret}").data | default dict) "{key}")"#
        );
        let looks_up = match mode {
            Secrets::FailUnlessGiven => !identity,
            Secrets::ReuseLookup => true,
            Secrets::GenerateAnew => false,
        };
        if looks_up {
            branches.push((live.clone(), format!("{live} | quote")));
        }
        branches.push((
            value.clone(),
            format!("{value} | toString | b64enc | quote"),
        ));
        if mode == Secrets::FailUnlessGiven && identity {
            branches.push((".Release.IsUpgrade".into(), self.failure()));
        }
        let mut text = String::new();
        for (at, (condition, result)) in branches.iter().enumerate() {
            let word = if at == 0 { "if" } else { "else if" };
            text += &format!("{{{{ {word} {condition} }}}}{{{{ {result} }}}}");
        }
        text + "{{ else }}{{ randAlphaNum 10 | b64enc | quote }}{{ end }}"
    }

    /// Returns the charts' error message, as in Bitnami's `common`.
    fn failure(&self) -> String {
        let (key, secret) = (self.key, self.secret);
        let component = key.trim_end_matches("-secret");
        let variable = key.replace('-', "_").to_uppercase();
        let value_key = format!("global.identity.auth.{component}.existingSecret");
        let message = format!(
            "\nPASSWORDS ERROR: You must provide your current passwords when upgrading the release.\n\
             {pad}Note that even after reinstallation, old credentials may be needed as they may be kept in persistent volume claims.\n\
             {pad}Further information can be obtained at https://docs.bitnami.com/general/how-to/troubleshoot-helm-chart-issues/#credential-errors-while-upgrading-chart-releases\n\
             \n    '{value_key}' must not be empty, please add '--set {value_key}=${variable}' to the command. To get the current value:\n\
             \n        export {variable}=$(kubectl get secret --namespace %s {secret} -o jsonpath=\"{{.data.{key}}}\" | base64 -d)\n",
            pad = " ".repeat(17),
        );
        format!("fail (printf {} .Release.Namespace)", go_quoted(&message))
    }
}

/// Quotes a text as a Go string literal on one line.
fn go_quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}
