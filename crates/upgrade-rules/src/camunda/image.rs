//! The program name and the version in an image reference.

use semver::Version;

use crate::kubernetes::Object;

/// Returns the last part of the repository: `elasticsearch` of `docker.io/bitnami/elasticsearch:8.7.1`.
pub fn image_name(image: &str) -> &str {
    let last = last_part(image);
    last.split_once(':').map_or(last, |(name, _)| name)
}

/// Returns the version that a tag begins with, without a packager's suffix.
///
/// `None` for a digest, `latest`, `8.4-SNAPSHOT` and numbers of fewer than three parts.
pub fn image_version(image: &str) -> Option<Version> {
    let core = tag(image)?
        .trim_start_matches('v')
        .split(['-', '_', '+'])
        .next()?;
    Version::parse(core).ok()
}

/// Returns the tag of a pre-release, such as `8.10.0-alpha4`, `8.8.0-rc1`, `8.7-SNAPSHOT` or `SNAPSHOT`.
pub fn pre_release(image: &str) -> Option<&str> {
    const STAGES: [&str; 4] = ["alpha", "beta", "rc", "snapshot"];
    let tag = tag(image)?;
    let stage = tag.split_once('-').map_or(tag, |(_, stage)| stage);
    let stage = stage.to_ascii_lowercase();
    STAGES.iter().any(|it| stage.starts_with(it)).then_some(tag)
}

/// Returns the version of a workload's image if the image's name contains the program's; other images have their own numbers.
pub fn program_version(workload: &Object, program: &str) -> Option<Version> {
    let image = workload.image()?;
    image_name(image)
        .contains(program)
        .then(|| image_version(image))?
}

/// The tag of an image, if it has one.
pub fn tag(image: &str) -> Option<&str> {
    let (_, tag) = last_part(image).split_once(':')?;
    Some(tag)
}

fn last_part(image: &str) -> &str {
    let reference = image.split_once('@').map_or(image, |(name, _)| name);
    reference
        .rsplit_once('/')
        .map_or(reference, |(_, last)| last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pre_release_says_so_in_its_tag() {
        for (image, tag) in [
            ("camunda/camunda:8.10.0-alpha4", Some("8.10.0-alpha4")),
            (
                "r:5000/camunda/camunda:8.8.0-rc1@sha256:00",
                Some("8.8.0-rc1"),
            ),
            ("camunda/zeebe:8.7-SNAPSHOT", Some("8.7-SNAPSHOT")),
            ("camunda/zeebe:SNAPSHOT", Some("SNAPSHOT")),
            ("camunda/zeebe:8.7.3", None),
            ("bitnami/keycloak:19.0.3-debian-11-r15", None),
            ("camunda/zeebe@sha256:00", None),
            ("camunda/alpha", None),
        ] {
            assert_eq!(pre_release(image), tag, "{image}");
        }
    }

    #[test]
    fn a_tag_begins_with_the_version() {
        for (image, version) in [
            ("docker.io/bitnami/keycloak:19.0.3-debian-11-r15", "19.0.3"),
            ("registry:5000/camunda/camunda:8.9.0-alpha5", "8.9.0"),
            ("elasticsearch:7.17.1@sha256:00", "7.17.1"),
        ] {
            assert_eq!(
                image_version(image),
                Version::parse(version).ok(),
                "{image}"
            );
        }
        for image in [
            "registry:5000/zeebe",
            "camunda/zeebe@sha256:00",
            "console:latest",
            "camunda/zeebe:8.4-SNAPSHOT",
            "camunda/zeebe:SNAPSHOT",
            "postgres:15",
        ] {
            assert_eq!(image_version(image), None, "{image}");
        }
    }

    #[test]
    fn the_name_is_without_registry_and_tag() {
        assert_eq!(
            image_name("registry:5000/bitnami/elasticsearch:8.7.1"),
            "elasticsearch"
        );
        assert_eq!(image_name("zeebe@sha256:00"), "zeebe");
    }
}
