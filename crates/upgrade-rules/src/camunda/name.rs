//! The names that the charts give to their objects.

/// The charts' limit for the length of a name.
const LONGEST: usize = 63;

/// Shortens a name like the charts: `trunc 63 | trimSuffix "-"`.
fn cut(name: &str) -> String {
    let name: String = name.chars().take(LONGEST).collect();
    name.strip_suffix('-').unwrap_or(&name).to_owned()
}

/// Returns the name of Bitnami's Elasticsearch StatefulSet for a role, from the release's name and the user's overrides; the
/// chart's name is not appended to a release name that contains it.
pub fn elasticsearch(
    release: &str,
    role: &str,
    name: Option<&str>,
    fullname: Option<&str>,
) -> String {
    let name = name.unwrap_or("elasticsearch");
    let fullname = match fullname {
        Some(fullname) => cut(fullname),
        None if release.contains(name) => cut(release),
        None => cut(&format!("{release}-{name}")),
    };
    cut(&format!("{fullname}-{role}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_where_the_chart_cuts_it() {
        let of = |release: &str| elasticsearch(release, "master", None, None);
        assert_eq!(of("camunda"), "camunda-elasticsearch-master");
        assert_eq!(of("my-elasticsearch"), "my-elasticsearch-master");
        let longest = "a".repeat(42);
        assert_eq!(of(&longest), format!("{longest}-elasticsearch-master"));
        let longer = "a".repeat(43);
        assert_eq!(of(&longer), format!("{longer}-elasticsearch-maste"));
        // A dash that the cut leaves at the end goes, too.
        let dash = "a".repeat(48);
        assert_eq!(of(&dash), format!("{dash}-elasticsearch"));
        // As long as Helm lets a release's name be: twice.
        let most = "a".repeat(53);
        assert_eq!(of(&most), format!("{most}-elasticse"));
        // No name that a record may hold is cut within a character.
        assert_eq!(of(&"é".repeat(70)).chars().count(), 63);
    }

    #[test]
    fn overrides_take_the_place_of_the_names() {
        let named = elasticsearch("camunda", "master", Some("search"), None);
        assert_eq!(named, "camunda-search-master");
        let named = elasticsearch("camunda", "data", Some("search"), Some("es"));
        assert_eq!(named, "es-data");
    }
}
