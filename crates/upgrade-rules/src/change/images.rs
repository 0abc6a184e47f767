//! The versions of Camunda's applications on both sides of a change, by the tags of their images.

use semver::Version;

use super::{Change, Side};
use crate::{
    camunda::{Application, Line, image_version},
    kubernetes::ObjectRef,
};

/// An application whose minor version is that of its line, as one of the two manifests has it.
#[derive(Clone, Debug)]
pub struct Versioned<'a> {
    /// Which application.
    pub application: Application,
    /// Its workload.
    pub object: &'a ObjectRef,
    /// The version that the tag tells; none where it is a digest or a name like `latest`.
    pub version: Option<Version>,
}

impl Versioned<'_> {
    /// The line that the version belongs to, where it is one of Camunda's.
    pub fn line(&self) -> Option<&'static Line> {
        Line::of_application(self.version.as_ref()?)
    }
}

impl Change {
    /// The applications whose minor version is that of their line, in the order of their table.
    pub fn images(&self, side: Side) -> Vec<Versioned<'_>> {
        let own = self.objects.iter().filter(|object| object.camunda);
        let mut found: Vec<_> = own
            .filter_map(|object| {
                let application = object.application(side)?;
                let counts = application.is_of_line();
                let image = object.on(side)?.image().filter(|_| counts)?;
                Some(Versioned {
                    application,
                    object: &object.object,
                    version: image_version(image),
                })
            })
            .collect();
        found.sort_by_key(|versioned| versioned.application.position());
        found
    }

    /// The line that all images of one side are of; none where a tag does not tell or they differ.
    pub fn line_of_images(&self, side: Side) -> Option<&'static Line> {
        let images = self.images(side);
        let mut lines = images.iter().map(Versioned::line);
        let first = lines.next()??;
        lines
            .all(|line| line.is_some_and(|line| line.position() == first.position()))
            .then_some(first)
    }

    /// What runs before and after: the line of the images where they all are of one, else the chart's.
    pub fn lines_run(&self) -> Option<(&'static Line, &'static Line)> {
        let chart = |side| match side {
            Side::Running => self.from.as_ref()?.line,
            Side::Planned => self.to.as_ref()?.line,
        };
        let line = |side| self.line_of_images(side).or_else(|| chart(side));
        line(Side::Running).zip(line(Side::Planned))
    }
}
