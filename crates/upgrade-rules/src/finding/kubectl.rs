//! Calls of kubectl as a person types them, and what each changes on the cluster.

use std::fmt;

use serde_json::{Value, json};

use super::{Source, shell};
use crate::kubernetes::{Kind, ObjectRef};

/// A call of kubectl.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kubectl {
    words: Vec<String>,
    effects: Vec<Effect>,
}

/// The effect of a call on one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The object.
    pub object: ObjectRef,
    /// What happens to the object.
    pub what: What,
}

/// What happens to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// This JSON merge patch is applied.
    Merged(Value),
    /// This JSON patch is applied.
    Patched(Value),
    /// Its replicas are set to this number.
    Scaled(u64),
    /// It is deleted together with the objects that it owns.
    Deleted,
    /// It is deleted, and the objects that it owns stay.
    DeletedAlone,
    /// A Secret is made with these keys. Without a source, a person types the value.
    Made(Vec<(String, Option<Source>)>),
    /// These keys of a Secret are set.
    Filled(Vec<(String, Option<Source>)>),
    /// Nothing happens to it, but it is gone afterwards.
    AwaitedGone,
    /// Nothing happens to it, but the Job is complete afterwards.
    AwaitedComplete,
    /// Nothing happens to it, but the claim is Bound afterwards.
    AwaitedBound,
}

impl What {
    /// Whether it only waits for what happens by itself.
    pub fn waits(&self) -> bool {
        matches!(
            self,
            What::AwaitedGone | What::AwaitedComplete | What::AwaitedBound
        )
    }

    /// Whether the object goes.
    pub fn deletes(&self) -> bool {
        matches!(self, What::Deleted | What::DeletedAlone)
    }
}

impl Kubectl {
    /// A call that changes no object: it looks, waits, or runs something in a container. No namespace is an empty one.
    pub fn new<'a>(namespace: &str, words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = vec!["kubectl".to_owned()];
        if !namespace.is_empty() {
            all.extend(["-n".to_owned(), namespace.to_owned()]);
        }
        all.extend(words.into_iter().map(str::to_owned));
        Self {
            words: all,
            effects: Vec::new(),
        }
    }

    /// Waits until pods are gone.
    pub fn await_gone<'a>(namespace: &str, pods: impl IntoIterator<Item = &'a str>) -> Self {
        let pods: Vec<_> = pods.into_iter().collect();
        let words = ["wait", "--for=delete", "pod"].into_iter();
        let words = words.chain(pods.iter().copied());
        let call = Self::new(namespace, words.chain(["--timeout=5m"]));
        let pods = pods.iter();
        let gone = pods.map(|pod| Effect {
            object: ObjectRef::new(Kind::Pod, namespace, pod),
            what: What::AwaitedGone,
        });
        Self {
            effects: gone.collect(),
            ..call
        }
    }

    /// Waits until no pod with these labels is left.
    pub fn await_none_labelled(namespace: &str, labels: &str, timeout: &str) -> Self {
        let timeout = format!("--timeout={timeout}");
        let words = ["wait", "--for=delete", "pod", "-l", labels, &timeout];
        Self::new(namespace, words)
    }

    /// Waits until a workload's pods are those of its newest revision, and ready.
    pub fn await_rollout(workload: &ObjectRef, timeout: &str) -> Self {
        let name = format!("{}/{}", workload.kind.kubectl(), workload.name);
        let timeout = format!("--timeout={timeout}");
        Self::new(&workload.namespace, ["rollout", "status", &name, &timeout])
    }

    /// Waits until claims are Bound.
    pub fn await_bound(namespace: &str, claims: &[&str]) -> Self {
        let names: Vec<_> = claims.iter().map(|name| format!("pvc/{name}")).collect();
        let words = ["wait", "--for=jsonpath={.status.phase}=Bound"].into_iter();
        let words = words.chain(names.iter().map(String::as_str));
        let bound = claims.iter().map(|claim| Effect {
            object: ObjectRef::new(Kind::PersistentVolumeClaim, namespace, claim),
            what: What::AwaitedBound,
        });
        Self {
            effects: bound.collect(),
            ..Self::new(namespace, words.chain(["--timeout=30m"]))
        }
    }

    /// The same call, of which is known that this Secret is there afterwards.
    pub fn making(mut self, secret: ObjectRef) -> Self {
        self.effects.push(Effect {
            object: secret,
            what: What::Made(Vec::new()),
        });
        self
    }

    /// Waits until a Job is complete.
    pub fn await_complete(job: &ObjectRef, timeout: &str) -> Self {
        let (name, timeout) = (format!("job/{}", job.name), format!("--timeout={timeout}"));
        let words = ["wait", "--for=condition=Complete", &name, &timeout];
        Self {
            effects: vec![Effect {
                object: job.clone(),
                what: What::AwaitedComplete,
            }],
            ..Self::new(&job.namespace, words)
        }
    }

    /// Sets an annotation on objects of several kinds; `others` are those of kinds that nothing is known of, as kubectl takes them.
    pub fn annotate_all(
        namespace: &str,
        objects: &[ObjectRef],
        others: &[String],
        annotation: (&str, &str),
    ) -> Self {
        let named = objects.iter();
        let named = named.map(|object| format!("{}/{}", object.kind.kubectl(), object.name));
        let mut words = vec!["annotate".to_owned()];
        words.extend(named.chain(others.iter().cloned()));
        words.extend(pairs(&[annotation]));
        let what = annotated(&[annotation]);
        let effects = objects.iter().map(|object| Effect {
            object: object.clone(),
            what: what.clone(),
        });
        Self {
            effects: effects.collect(),
            ..Self::new(namespace, words.iter().map(String::as_str))
        }
    }

    /// Tells whether an object is gone: a command that fails where it is there or can't be asked for.
    pub(crate) fn is_gone(object: &ObjectRef) -> String {
        let kind = object.kind.kubectl();
        let words = [
            "get",
            &kind,
            &object.name,
            "--ignore-not-found",
            "-o",
            "name",
        ];
        let get = Self::new(&object.namespace, words);
        format!("left=$({get}) && test -z \"$left\"")
    }

    /// Returns its effects on objects.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }
}

/// Formats the call as it is typed.
impl fmt::Display for Kubectl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shell::command(self.words.iter().map(String::as_str)))
    }
}

/// Objects of one kind and namespace that a call is about.
#[derive(Clone, Debug)]
pub struct Objects {
    kind: Kind,
    namespace: String,
    names: Vec<String>,
}

impl Objects {
    /// These objects; the namespace is dropped for kinds that have none.
    pub fn new<'a>(kind: Kind, namespace: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let namespace = if kind.namespaced() { namespace } else { "" };
        Self {
            kind,
            namespace: namespace.to_owned(),
            names: names.into_iter().map(str::to_owned).collect(),
        }
    }

    /// One of them.
    pub fn one(object: &ObjectRef) -> Self {
        Self::new(object.kind, &object.namespace, [object.name.as_str()])
    }

    /// Sets annotations that are not there yet; kubectl refuses where another value is.
    pub fn annotate(&self, annotations: &[(&str, &str)]) -> Kubectl {
        self.call("annotate", &pairs(annotations), annotated(annotations))
    }

    /// Sets annotations, whatever is there.
    pub fn annotate_over(&self, annotations: &[(&str, &str)]) -> Kubectl {
        let mut words = pairs(annotations);
        words.push("--overwrite".to_owned());
        self.call("annotate", &words, annotated(annotations))
    }

    /// Sets labels, whatever is there.
    pub fn label(&self, labels: &[(&str, &str)]) -> Kubectl {
        let mut words = pairs(labels);
        words.push("--overwrite".to_owned());
        let what = What::Merged(json!({"metadata": {"labels": map(labels)}}));
        self.call("label", &words, what)
    }

    /// Applies kubectl's own strategic merge, for a patch that says the same as a JSON merge patch.
    pub fn patch(&self, patch: Value) -> Kubectl {
        let words = ["-p".to_owned(), patch.to_string()];
        self.call("patch", &words, What::Merged(patch))
    }

    /// Applies a JSON merge patch.
    pub fn merge(&self, patch: Value) -> Kubectl {
        let words = ["--type=merge", "-p", &patch.to_string()].map(str::to_owned);
        self.call("patch", &words, What::Merged(patch))
    }

    /// Applies a JSON patch.
    pub fn json_patch(&self, patch: Value) -> Kubectl {
        let words = ["--type=json", "-p", &patch.to_string()].map(str::to_owned);
        self.call("patch", &words, What::Patched(patch))
    }

    /// Sets how many pods there are.
    pub fn scale(&self, replicas: u64) -> Kubectl {
        let words = [format!("--replicas={replicas}")];
        self.call("scale", &words, What::Scaled(replicas))
    }

    /// Deletes them with what they own.
    pub fn delete(&self) -> Kubectl {
        let words = ["--ignore-not-found".to_owned()];
        self.call("delete", &words, What::Deleted)
    }

    /// Deletes them; what they own stays.
    pub fn delete_alone(&self) -> Kubectl {
        let words = ["--cascade=orphan", "--ignore-not-found"].map(str::to_owned);
        self.call("delete", &words, What::DeletedAlone)
    }

    fn call(&self, verb: &str, words: &[String], what: What) -> Kubectl {
        let kind = self.kind.kubectl();
        let all = [verb, &kind].into_iter();
        let all = all.chain(self.names.iter().map(String::as_str));
        let call = Kubectl::new(&self.namespace, all.chain(words.iter().map(String::as_str)));
        let effects = self.names.iter().map(|name| Effect {
            object: ObjectRef::new(self.kind, &self.namespace, name),
            what: what.clone(),
        });
        Kubectl {
            effects: effects.collect(),
            ..call
        }
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<String> {
    let pairs = pairs.iter().map(|(key, value)| format!("{key}={value}"));
    pairs.collect()
}

fn map(pairs: &[(&str, &str)]) -> Value {
    let pairs = pairs.iter().map(|(key, value)| (*key, Value::from(*value)));
    pairs.map(|(key, value)| (key.to_owned(), value)).collect()
}

fn annotated(annotations: &[(&str, &str)]) -> What {
    What::Merged(json!({"metadata": {"annotations": map(annotations)}}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_quoted_and_knows_what_it_changes() {
        let volumes = Objects::new(Kind::PersistentVolume, "prod", ["pv-1", "pv-2"]);
        let call = volumes.patch(json!({"spec": {"a": "b"}}));
        assert_eq!(
            call.to_string(),
            r#"kubectl patch pv pv-1 pv-2 -p '{"spec":{"a":"b"}}'"#
        );
        let names: Vec<_> = call.effects().iter().map(|it| &*it.object.name).collect();
        assert_eq!(names, ["pv-1", "pv-2"]);
        let what = What::Merged(json!({"spec": {"a": "b"}}));
        assert!(call.effects().iter().all(|effect| effect.what == what));

        let set = Objects::new(Kind::StatefulSet, "prod", ["es"]);
        for (call, text, what) in [
            (
                set.scale(0),
                "scale statefulset es --replicas=0",
                What::Scaled(0),
            ),
            (
                set.delete(),
                "delete statefulset es --ignore-not-found",
                What::Deleted,
            ),
            (
                set.delete_alone(),
                "delete statefulset es --cascade=orphan --ignore-not-found",
                What::DeletedAlone,
            ),
            (
                set.annotate(&[("a", "b c")]),
                "annotate statefulset es 'a=b c'",
                What::Merged(json!({"metadata": {"annotations": {"a": "b c"}}})),
            ),
        ] {
            assert_eq!(call.to_string(), format!("kubectl -n prod {text}"));
            assert_eq!(call.effects()[0].what, what);
        }
        let wait = Kubectl::await_gone("prod", ["es-0"]);
        assert!(wait.effects().iter().all(|effect| effect.what.waits()));
        assert_eq!(
            wait.to_string(),
            "kubectl -n prod wait --for=delete pod es-0 --timeout=5m"
        );
    }
}
