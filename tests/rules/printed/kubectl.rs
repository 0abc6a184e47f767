//! What a kubectl command does to the cluster in memory.

use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::{
    helm::manifest,
    kubernetes::{Kind, Object, ObjectRef},
};
use serde_json::{Value, json};

use super::{
    block::Call,
    stage::{Stage, merged, patched},
};

/// A command's parts.
struct Line<'a> {
    namespace: &'a str,
    words: Vec<&'a str>,
    flags: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn of(call: &'a Call) -> Line<'a> {
        let (mut namespace, mut words, mut flags) = ("default", Vec::new(), Vec::new());
        let mut rest = call.words[1..].iter().map(String::as_str);
        while let Some(word) = rest.next() {
            match word {
                "--" => break,
                "-n" => namespace = rest.next().unwrap_or_default(),
                "-p" | "-o" | "-f" | "-c" => {
                    flags.push(word);
                    flags.extend(rest.next());
                }
                word if word.starts_with('-') => flags.push(word),
                word => words.push(word),
            }
        }
        Line {
            namespace,
            words,
            flags,
        }
    }

    fn flag(&self, name: &str) -> Option<&'a str> {
        let at = self.flags.iter().position(|flag| *flag == name);
        let next = at.and_then(|at| self.flags.get(at + 1));
        let joined = || {
            self.flags
                .iter()
                .find_map(|flag| flag.strip_prefix(name)?.strip_prefix('='))
        };
        next.copied().or_else(joined)
    }

    /// The objects that it names after its verb, of kinds that the guard judges, and the words after them.
    fn objects(&self) -> Result<(Vec<ObjectRef>, Vec<&'a str>), String> {
        let is_pair = |word: &&&str| !word.contains('=');
        let named: Vec<_> = self.words[1..]
            .iter()
            .take_while(is_pair)
            .copied()
            .collect();
        let rest = self.words[1 + named.len()..].to_vec();
        let mut objects = Vec::new();
        let (first, names) = named.split_first().ok_or("names nothing")?;
        let mut add = |kind: &str, name: &str| {
            // Services and the like are nobody's to judge.
            if let Some(kind) = kind_of(kind) {
                let namespace = if kind.namespaced() {
                    self.namespace
                } else {
                    ""
                };
                objects.push(ObjectRef::new(kind, namespace, name));
            }
        };
        if first.contains('/') {
            for pair in &named {
                let (kind, name) = pair
                    .split_once('/')
                    .ok_or("mixes two ways to name objects")?;
                add(kind, name);
            }
        } else {
            if names.is_empty() {
                return Err("names no object".to_owned());
            }
            names.iter().for_each(|name| add(first, name));
        }
        Ok((objects, rest))
    }
}

fn kind_of(name: &str) -> Option<Kind> {
    let name = name.split('.').next().unwrap_or_default();
    Some(match name {
        "pvc" | "persistentvolumeclaim" => Kind::PersistentVolumeClaim,
        "pv" | "persistentvolume" => Kind::PersistentVolume,
        "secret" => Kind::Secret,
        "configmap" => Kind::ConfigMap,
        "statefulset" => Kind::StatefulSet,
        "deployment" => Kind::Deployment,
        "job" => Kind::Job,
        "pod" => Kind::Pod,
        "rolebinding" => Kind::RoleBinding,
        _ => return None,
    })
}

/// Does what a command says.
pub fn apply(stage: &mut Stage, call: &Call) -> Result<(), String> {
    let program = call.words.first().map_or("", String::as_str);
    if program == "expect" {
        let line = Line::of(call);
        let (objects, _) = line.objects()?;
        let policy = "/spec/persistentVolumeReclaimPolicy";
        for object in objects {
            if stage.get(&object)?.str(policy) != Some("Retain") {
                return Err(format!("{object} is not retained"));
            }
        }
        return Ok(());
    }
    if program != "kubectl" {
        return Ok(());
    }
    let line = Line::of(call);
    let verb = *line.words.first().ok_or("has no verb")?;
    match verb {
        "get" | "logs" | "exec" | "rollout" | "run" | "version" => Ok(()),
        "wait" => waited(stage, &line),
        "annotate" | "label" => marked(stage, &line, verb),
        "patch" => patch(stage, &line),
        "scale" => {
            let (objects, _) = line.objects()?;
            let replicas = line.flag("--replicas").and_then(|it| it.parse().ok());
            let replicas = replicas.ok_or("scales to nothing that is a number")?;
            objects
                .iter()
                .try_for_each(|object| stage.scale(object, replicas))
        }
        "delete" => {
            let (objects, _) = line.objects()?;
            let may_be_gone = line.flags.contains(&"--ignore-not-found");
            let there = |object: &&ObjectRef| !may_be_gone || stage.get(object).is_ok();
            let there: Vec<_> = objects.iter().filter(there).collect();
            there
                .into_iter()
                .try_for_each(|object| stage.delete(object))
        }
        "set" => set_image(stage, &line),
        "create" if line.words.get(1..3) == Some(&["secret", "generic"]) => secret(stage, &line),
        "create" | "apply" if line.flag("-f") == Some("-") => given(stage, &line, call, verb),
        // A file of the user's own.
        "apply" if line.flag("-f").is_some() => {
            stage.from_files = true;
            Ok(())
        }
        _ => Err("is a command that nobody knows".to_owned()),
    }
}

fn waited(stage: &Stage, line: &Line<'_>) -> Result<(), String> {
    let (objects, _) = line.objects()?;
    for object in objects {
        let there = stage.live.0.contains_key(&object);
        let goes = line.flags.contains(&"--for=delete");
        if goes && there {
            return Err(format!("waits in vain for {object} to go"));
        }
        if !goes && !there {
            return Err(format!("waits for {object}, which is not there"));
        }
    }
    Ok(())
}

fn marked(stage: &mut Stage, line: &Line<'_>, verb: &str) -> Result<(), String> {
    let (objects, pairs) = line.objects()?;
    let field = if verb == "label" {
        "labels"
    } else {
        "annotations"
    };
    if pairs.is_empty() {
        return Err(format!("gives no {field}"));
    }
    for object in objects {
        if stage.from_files && object.kind == Kind::Secret && stage.get(&object).is_err() {
            let metadata = json!({"name": object.name, "namespace": object.namespace});
            stage.create(&object, Object(json!({"metadata": metadata})))?;
        }
        for pair in &pairs {
            let (key, value) = pair.split_once('=').ok_or("is no pair")?;
            let live = stage.get(&object)?;
            let before = live.0["metadata"][field][key].as_str();
            if before.is_some_and(|it| it != value) && !line.flags.contains(&"--overwrite") {
                return Err(format!(
                    "{object} has {key} already, and kubectl does not overwrite it"
                ));
            }
        }
        stage.update(&object, |object| {
            for (key, value) in pairs.iter().filter_map(|pair| pair.split_once('=')) {
                if object["metadata"][field].is_null() {
                    object["metadata"][field] = json!({});
                }
                object["metadata"][field][key] = value.into();
            }
        })?;
    }
    Ok(())
}

fn patch(stage: &mut Stage, line: &Line<'_>) -> Result<(), String> {
    let (objects, _) = line.objects()?;
    let patch = line.flag("-p").ok_or("patches nothing")?;
    let patch: Value = serde_json::from_str(patch).map_err(|error| format!("{error}: {patch}"))?;
    for object in objects {
        let patch = match object.kind {
            // The shell has put base64 there.
            Kind::Secret => resolved(stage, &patch, true)?,
            _ => patch.clone(),
        };
        stage.update(&object, |object| match &patch {
            Value::Array(_) => patched(object, &patch),
            _ => merged(object, &patch),
        })?;
    }
    Ok(())
}

/// What a command has read from the cluster, in place of the words that stand for it.
fn resolved(stage: &Stage, value: &Value, encoded: bool) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(read(stage, text, encoded)?),
        Value::Object(map) => {
            let pairs = map
                .iter()
                .map(|(key, value)| Ok((key.clone(), resolved(stage, value, encoded)?)));
            Value::Object(pairs.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

fn read(stage: &Stage, text: &str, encoded: bool) -> Result<String, String> {
    let Some(marker) = text.strip_prefix('@').and_then(|it| it.strip_suffix("|@")) else {
        return Ok(match encoded {
            true => STANDARD.encode(text),
            false => text.to_owned(),
        });
    };
    let words = std::iter::once("kubectl")
        .chain(marker.split('|'))
        .map(str::to_owned);
    let call = Call {
        words: words.collect(),
        input: String::new(),
    };
    let line = Line::of(&call);
    let (objects, _) = line.objects()?;
    let [object] = &objects[..] else {
        return Err(format!("reads {marker}"));
    };
    let live = stage.get(object)?;
    let path = line.flag("-o").unwrap_or_default();
    let value = match path.strip_prefix("jsonpath={.data.") {
        Some(key) => {
            let key = key.trim_end_matches('}').replace("\\.", ".");
            let value = live.0["data"][&key]
                .as_str()
                .map(|it| STANDARD.decode(it).unwrap());
            let plain = live.0["stringData"][&key]
                .as_str()
                .map(|it| it.as_bytes().to_vec());
            value
                .or(plain)
                .ok_or_else(|| format!("{object} has no {key}"))?
        }
        // A variable in a pod template.
        None => path.as_bytes().to_vec(),
    };
    Ok(match encoded {
        true => STANDARD.encode(value),
        false => String::from_utf8_lossy(&value).into_owned(),
    })
}

fn secret(stage: &mut Stage, line: &Line<'_>) -> Result<(), String> {
    let name = line.words.get(3).ok_or("makes a Secret without a name")?;
    let mut data = json!({});
    for pair in line
        .flags
        .iter()
        .filter_map(|flag| flag.strip_prefix("--from-literal="))
    {
        let (key, value) = pair.split_once('=').ok_or("gives no value")?;
        let value = read(stage, value, false)?;
        if value.is_empty() {
            return Err(format!("{key} would be empty"));
        }
        data[key] = STANDARD.encode(value).into();
    }
    let reference = ObjectRef::new(Kind::Secret, line.namespace, name);
    let secret = json!({"metadata": {"name": name, "namespace": line.namespace}, "type": "Opaque", "data": data});
    stage.create(&reference, Object(secret))
}

fn given(stage: &mut Stage, line: &Line<'_>, call: &Call, verb: &str) -> Result<(), String> {
    for document in manifest::split(&call.input) {
        let value = document.parse().map_err(|error| error.to_string())?;
        let object = Object(value.ok_or("gives nothing")?);
        let kind = object.str("/kind").and_then(Kind::from_name);
        let Some(kind) = kind else { continue };
        let namespace = object.namespace().unwrap_or(line.namespace).to_owned();
        let reference = ObjectRef::new(kind, &namespace, object.name());
        if verb == "apply" && stage.live.0.contains_key(&reference) {
            stage.update(&reference, |live| merged(live, &object.0))?;
        } else {
            stage.create(&reference, object)?;
        }
    }
    Ok(())
}

fn set_image(stage: &mut Stage, line: &Line<'_>) -> Result<(), String> {
    let image = line.words.get(2..).ok_or("sets nothing")?;
    let [object, image] = image else {
        return Err("sets more than one image".to_owned());
    };
    let (kind, name) = object.split_once('/').ok_or("names no object")?;
    let kind = kind_of(kind).ok_or("names no workload")?;
    let (container, image) = image.split_once('=').ok_or("names no image")?;
    let reference = ObjectRef::new(kind, line.namespace, name);
    stage.update(&reference, |object| {
        let containers = object.pointer_mut("/spec/template/spec/containers");
        let containers = containers.and_then(Value::as_array_mut).unwrap();
        let own = containers.iter_mut().find(|it| it["name"] == container);
        own.unwrap()["image"] = image.into();
    })
}
