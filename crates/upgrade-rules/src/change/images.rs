//! The versions of Camunda's applications on both sides of a change, by the tags of their images.

use semver::Version;

use super::{Change, Side};
use crate::{
    camunda::{Application, Line, image_version},
    kubernetes::ObjectRef,
};

/// An application that shares its line's minor version, with its image in one of the two manifests.
#[derive(Clone, Debug)]
pub struct Versioned<'a> {
    /// The application.
    pub application: Application,
    /// Its workload.
    pub object: &'a ObjectRef,
    /// The version in the image's tag; `None` for a digest or a name like `latest`.
    pub version: Option<Version>,
}

impl Versioned<'_> {
    /// The line of this version, if it is one of Camunda's.
    pub fn line(&self) -> Option<&'static Line> {
        Line::of_application(self.version.as_ref()?)
    }
}

impl Change {
    /// Returns the applications that share their line's minor version, in the order of the application table.
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

    /// Returns the line of all images of one side; `None` if they differ or a tag names no version.
    pub fn line_of_images(&self, side: Side) -> Option<&'static Line> {
        let images = self.images(side);
        let mut lines = images.iter().map(Versioned::line);
        let first = lines.next()??;
        lines
            .all(|line| line.is_some_and(|line| line.position() == first.position()))
            .then_some(first)
    }

    /// Returns the lines before and after: that of the images if they all agree, else the chart's.
    pub fn lines_run(&self) -> Option<(&'static Line, &'static Line)> {
        let chart = |side| match side {
            Side::Running => self.from.as_ref()?.line,
            Side::Planned => self.to.as_ref()?.line,
        };
        let line = |side| self.line_of_images(side).or_else(|| chart(side));
        line(Side::Running).zip(line(Side::Planned))
    }
}
