//! Keys as somebody reads many of them: those of one parent together, each of them named.

use std::collections::BTreeMap;

/// A key that was set, and the key that the new chart reads instead, if that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::rules) struct Dropped {
    pub(in crate::rules) old: String,
    pub(in crate::rules) new: Option<String>,
}

/// Groups the keys: a line for each parent.
pub(super) fn grouped(dropped: &[Dropped]) -> Vec<String> {
    let mut groups: BTreeMap<(&str, Option<&str>), Vec<&str>> = BTreeMap::new();
    let mut alone = Vec::new();
    for key in dropped {
        let Some((parent, name)) = key.old.rsplit_once('.') else {
            alone.push(key);
            continue;
        };
        let new = key
            .new
            .as_deref()
            .map(|new| new.rsplit_once('.').unwrap_or(("", new)));
        match new {
            None => groups.entry((parent, None)).or_default().push(name),
            Some((below, same)) if same == name => {
                groups.entry((parent, Some(below))).or_default().push(name);
            }
            Some(_) => alone.push(key),
        }
    }
    let mut lines: Vec<_> = groups
        .into_iter()
        .map(|((parent, new), names)| {
            let names = match names.as_slice() {
                [name] => (*name).to_owned(),
                names => format!("{{{}}}", names.join(", ")),
            };
            match new {
                Some(new) => format!("  {parent}.{names} (now {new}.{names})"),
                None => format!("  {parent}.{names}"),
            }
        })
        .collect();
    lines.extend(alone.into_iter().map(|key| match &key.new {
        Some(new) => format!("  {} (now {new})", key.old),
        None => format!("  {}", key.old),
    }));
    lines.sort_unstable();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_named_those_of_one_parent_together() {
        let key = |old: &str, new: Option<&str>| Dropped {
            old: old.to_owned(),
            new: new.map(str::to_owned),
        };
        let all = [
            key("zeebe.env", Some("orchestration.env")),
            key("zeebe.javaOpts", Some("orchestration.javaOpts")),
            key(
                "zeebe.service.httpPort",
                Some("orchestration.service.managementPort"),
            ),
            key("identity.users", None),
            key("identity.clients", None),
            key("top", None),
        ];
        assert_eq!(
            grouped(&all),
            [
                "  identity.{users, clients}",
                "  top",
                "  zeebe.service.httpPort (now orchestration.service.managementPort)",
                "  zeebe.{env, javaOpts} (now orchestration.{env, javaOpts})",
            ]
        );
    }
}
