//! Finds releases by their workloads' labels, as not every release has a record of Helm's that can be read.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    camunda::{Component, is_own, release_label},
    change::{Gap, Rendered, RenderedObject, chart_version},
    cluster::{Cluster, Contents},
    forecast::InstalledRelease,
    gather::listing,
    kubernetes::{Kind, Object, ObjectRef},
};

/// Finds the releases of a namespace (None: all), by namespace and name, and the lists that failed.
pub async fn labelled_releases(
    cluster: &Cluster,
    namespace: Option<&str>,
) -> (Vec<InstalledRelease>, Vec<Gap>) {
    let mut workloads = Vec::new();
    let mut gaps = Vec::new();
    for kind in [Kind::StatefulSet, Kind::Deployment] {
        let listed = cluster.list_within(kind, namespace, &[], Contents::Whole);
        match listed.await {
            Ok(objects) => workloads.extend(objects.into_iter().map(|object| (kind, object))),
            Err(error) => gaps.push(Gap::new(listing(kind, namespace), error.to_string())),
        }
    }
    (by_release(workloads), gaps)
}

/// Groups workloads by release: only Camunda's own carry its labels; the bundled ones beside them only name the
/// release.
fn by_release(workloads: Vec<(Kind, Arc<Object>)>) -> Vec<InstalledRelease> {
    let mut releases: BTreeMap<(String, String), (Option<String>, Vec<RenderedObject>)> =
        BTreeMap::new();
    for (kind, object) in workloads {
        let Some((namespace, release)) = object.namespace().zip(release_label(&object)) else {
            continue;
        };
        let key = (namespace.to_owned(), release.to_owned());
        let (version, objects) = releases.entry(key).or_default();
        if is_own(&object) && version.is_none() {
            *version = chart_version(&object);
        }
        let component = Component::of(&object, None);
        objects.push(RenderedObject {
            reference: ObjectRef::new(kind, namespace, object.name()),
            charts: None,
            camunda: is_own(&object) || component != Component::Other,
            component,
            hook: None,
            object,
        });
    }
    let standing = |((namespace, release), (version, objects)): (
        (String, String),
        (Option<String>, Vec<RenderedObject>),
    )| {
        let mut rendered = Rendered::default();
        rendered.camunda = true;
        rendered.camunda_version = Some(version?);
        rendered.objects = objects;
        InstalledRelease::of(&release, &namespace, rendered)
    };
    releases.into_iter().filter_map(standing).collect()
}
