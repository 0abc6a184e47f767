//! The running release, rebuilt from live objects where no release record exists.

use std::sync::Arc;

use serde_json::Value;

use super::rendered::{Rendered, RenderedObject, chart_version};
use crate::{
    camunda::{self, Component, Line},
    helm::values::Values,
    kubernetes::{Kind, Object, ObjectRef},
};

impl Rendered {
    /// Builds the running release from live objects; the values that they were rendered from are unknown.
    pub fn of_live(objects: impl IntoIterator<Item = (Kind, Arc<Object>)>) -> Rendered {
        let mut rendered = Rendered {
            values: Values::unknown(),
            ..Rendered::default()
        };
        for (kind, object) in objects {
            // A controller's objects and hooks belong to no manifest.
            if object.has_controller() || object.annotation("helm.sh/hook").is_some() {
                continue;
            }
            let namespace = object.namespace().unwrap_or_default();
            rendered.objects.push(RenderedObject {
                reference: ObjectRef::new(kind, namespace, object.name()),
                component: Component::of(&object, None),
                charts: None,
                camunda: false,
                hook: None,
                object,
            });
        }
        let objects = &mut rendered.objects;
        rendered.camunda_version = objects.iter().find_map(|it| chart_version(&it.object));
        rendered.camunda = rendered.camunda_version.is_some();
        let line = rendered.camunda_version.as_deref().and_then(Line::of);
        for rendered in objects {
            let object = &rendered.object;
            let keys = object.at("/data").and_then(Value::as_object);
            let mut keys = keys.into_iter().flat_map(|data| data.keys());
            let known = |key: &String| camunda::credential(object, key, None, line).is_some();
            rendered.camunda = camunda::is_own(object)
                || rendered.component != Component::Other
                || rendered.reference.kind == Kind::Secret && keys.any(known);
        }
        rendered
    }
}
