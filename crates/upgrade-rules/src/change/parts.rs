//! A release with more than one Camunda: each is judged by its own version and its own values.

use std::borrow::Cow;

use super::rendered::{Rendered, Subchart};
use crate::{camunda::Component, helm::values::Values, kubernetes::Kind};

/// One Camunda of a release, as it is to run and as it runs.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// The name or alias of its chart, where there is another Camunda beside it.
    pub subchart: Option<String>,
    /// As the new manifest has it.
    pub planned: Cow<'a, Rendered>,
    /// As the running release has it, if there is one.
    pub running: Option<Cow<'a, Rendered>>,
}

/// The Camundas of a release: one that was and is to be there under the same name, or took the place of one, is one.
pub fn parts<'a>(planned: &'a Rendered, running: Option<&'a Rendered>) -> Vec<Part<'a>> {
    let subcharts = running.map_or(&[][..], |running| &running.subcharts);
    if planned.subcharts.len() < 2 && subcharts.len() < 2 {
        return vec![Part {
            subchart: None,
            planned: Cow::Borrowed(planned),
            running: running.map(Cow::Borrowed),
        }];
    }
    let has = |all: &[Subchart], name: &str| all.iter().any(|other| other.name == name);
    let mut gone = subcharts
        .iter()
        .filter(|old| !has(&planned.subcharts, &old.name));
    let stay = planned.subcharts.iter().map(|new| {
        let before = match has(subcharts, &new.name) {
            true => Some(&new.name),
            false => gone.next().map(|old| &old.name),
        };
        (&new.name, before)
    });
    let mut names: Vec<_> = stay.collect();
    names.extend(gone.map(|old| (&old.name, Some(&old.name))));
    names
        .into_iter()
        .map(|(name, before)| Part {
            subchart: Some(name.clone()),
            planned: Cow::Owned(planned.part(name)),
            running: running.map(|running| Cow::Owned(running.part(before.unwrap_or(name)))),
        })
        .collect()
}

impl Rendered {
    /// Each Camunda of it on its own.
    pub fn parts(&self) -> Vec<(Option<&str>, Cow<'_, Rendered>)> {
        match &self.subcharts[..] {
            [] | [_] => vec![(None, Cow::Borrowed(self))],
            several => several
                .iter()
                .map(|it| (Some(it.name.as_str()), Cow::Owned(self.part(&it.name))))
                .collect(),
        }
    }

    /// All of it, or the one Camunda of it whose chart has this name.
    pub fn only(&self, subchart: Option<&str>) -> Cow<'_, Rendered> {
        match subchart {
            Some(name) => Cow::Owned(self.part(name)),
            None => Cow::Borrowed(self),
        }
    }

    /// The same release with only one Camunda in it: another's workloads are not there, and all else is somebody's.
    fn part(&self, name: &str) -> Rendered {
        let of_this = |charts: &Option<Vec<String>>| {
            charts
                .as_deref()
                .and_then(<[String]>::first)
                .map(String::as_str)
                == Some(name)
        };
        let own = self.subcharts.iter().find(|it| it.name == name);
        let mut part = Rendered {
            camunda: own.is_some(),
            camunda_version: own.map(|it| it.version.clone()),
            values: own.map_or_else(Values::default, |it| it.values.clone()),
            subcharts: own.cloned().into_iter().collect(),
            ..self.clone()
        };
        part.objects.retain_mut(|object| {
            let another = object.camunda && !of_this(&object.charts);
            object.camunda &= !another;
            if another {
                object.component = Component::Other;
            }
            // Workloads of this one may read another's Secrets and ConfigMaps.
            !another || matches!(object.reference.kind, Kind::Secret | Kind::ConfigMap)
        });
        let mut others = self.subcharts.iter().filter(|it| it.name != name);
        let others: Vec<_> = others.by_ref().map(|it| &it.name).collect();
        part.unread.retain(|unread| {
            let root = unread.charts.as_deref().and_then(<[String]>::first);
            !root.is_some_and(|root| others.contains(&root))
        });
        part
    }
}
