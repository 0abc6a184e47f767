//! Reads the objects that plans are based on.

use futures::future::try_join_all;

use crate::rebind::Scene;
use crate::{
    camunda::{INSTANCE, PART_OF},
    change::Facts,
    cluster::{Cluster, Unread},
    kubernetes::Kind,
};

/// Reads a namespace's claims, StatefulSets, pods and Camunda releases, and all volumes.
///
/// # Errors
/// When something can't be read: a plan with gaps would be worthless.
pub async fn scene(cluster: &Cluster, namespace: &str) -> Result<Scene, Unread> {
    let own: &[_] = &[PART_OF];
    let lists: [(Kind, &[(&str, &str)]); 4] = [
        (Kind::PersistentVolumeClaim, &[]),
        (Kind::StatefulSet, &[]),
        (Kind::PersistentVolume, &[]),
        (Kind::Deployment, own),
    ];
    let lists = lists.map(|(kind, labels)| async move {
        let objects = cluster.need_all(kind, namespace, labels).await;
        objects.map(|objects| (kind, objects))
    });
    let (read, pods) = futures::try_join!(try_join_all(lists), pods(cluster, namespace))?;
    let mut scene = Scene {
        namespace: namespace.to_owned(),
        pods,
        ..Scene::default()
    };
    for (kind, objects) in read {
        for object in objects {
            let own = object.label(PART_OF.0) == Some(PART_OF.1);
            if let Some(release) = object.label(INSTANCE).filter(|_| own) {
                scene.facts.insert_release(namespace, release);
                scene.releases.insert(release.to_owned());
            }
            scene.facts.insert(kind, object);
        }
    }
    Ok(scene)
}

/// Reads the pods of a namespace.
///
/// # Errors
/// When they can't be read.
pub(super) async fn pods(cluster: &Cluster, namespace: &str) -> Result<Facts, Unread> {
    let mut pods = Facts::default();
    for pod in cluster.need_all(Kind::Pod, namespace, &[]).await? {
        pods.insert(Kind::Pod, pod);
    }
    Ok(pods)
}
