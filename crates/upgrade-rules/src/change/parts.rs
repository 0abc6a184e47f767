//! A release with several Camundas: each is judged by its own version and its own values.

use std::borrow::Cow;

use super::rendered::{Rendered, Subchart};
use crate::{camunda::Component, helm::values::Values, kubernetes::Kind};

/// One Camunda of a release: the planned and the running one.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// The name or alias of its chart, if the release has several Camundas.
    pub subchart: Option<String>,
    /// Its part of the new manifest.
    pub planned: Cow<'a, Rendered>,
    /// Its part of the running release, if there is one.
    pub running: Option<Cow<'a, Rendered>>,
}

/// Splits a release into its Camundas, pairing those with the same name, and a replaced one with its successor.
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
    /// Splits the release into its Camundas.
    pub fn parts(&self) -> Vec<(Option<&str>, Cow<'_, Rendered>)> {
        match &self.subcharts[..] {
            [] | [_] => vec![(None, Cow::Borrowed(self))],
            several => several
                .iter()
                .map(|it| (Some(it.name.as_str()), Cow::Owned(self.part(&it.name))))
                .collect(),
        }
    }

    /// Returns the whole release, or only the Camunda whose chart has this name.
    pub fn only(&self, subchart: Option<&str>) -> Cow<'_, Rendered> {
        match subchart {
            Some(name) => Cow::Owned(self.part(name)),
            None => Cow::Borrowed(self),
        }
    }

    /// Returns the release with only one of its Camundas; of the others only Secrets and ConfigMaps stay, as foreign objects.
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
