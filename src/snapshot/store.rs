//! A snapshot's folder.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use base64_simd::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Redactor, Salt, Snapped};
use crate::{
    change::Parsed,
    cluster::Snapshot,
    document::API_VERSION,
    helm::release::{Release, record_name},
    kubernetes::{Kind, Object},
};

const KIND: &str = "Snapshot";

/// Size limit of a snapshot's file, above any real one.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// The content of `snapshot.json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Meta {
    api_version: String,
    kind: String,
    /// The only namespace in the snapshot.
    pub namespace: String,
    /// When it was taken.
    pub taken_at: String,
    /// The version of the program that took it.
    pub taken_by: String,
    /// The salt of its digests.
    salt: String,
    /// The reads that failed.
    pub not_read: Vec<NotRead>,
}

/// An object or kind that is missing in a snapshot though it may exist.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NotRead {
    /// The kind, if all its objects may be missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The missing object or list.
    pub what: String,
    /// The reason.
    pub reason: String,
}

/// The content of a record's file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Record {
    status: String,
    release: Release,
}

/// Reason why a folder is not a snapshot, or can't become one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file or folder can't be read or written.
    #[error("{}: {error}", .file.display())]
    File {
        /// The file or folder.
        file: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// A file with unexpected content.
    #[error("{} is no file of a snapshot: {why}", .file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// The reason.
        why: String,
    },
    /// The folder holds something else.
    #[error("{} is not empty and holds no snapshot: give a folder of its own", .0.display())]
    Occupied(PathBuf),
}

/// Writes a snapshot into a folder; replaces an earlier one.
///
/// # Errors
/// When the folder holds something else, or can't be written.
pub fn save(folder: &Path, snapped: &Snapped, taken_at: String) -> Result<(), StoreError> {
    let meta_file = folder.join("snapshot.json");
    let occupied = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if occupied && read_meta(folder).is_err() {
        return Err(StoreError::Occupied(folder.to_owned()));
    }
    let (objects, releases) = (folder.join("objects"), folder.join("releases"));
    for below in [&objects, &releases] {
        // The old files are from another time.
        match fs::remove_dir_all(below) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(below)(error));
            }
            _ => fs::create_dir_all(below).map_err(failed(below))?,
        }
    }
    let mut by_kind: BTreeMap<Kind, Vec<Value>> = BTreeMap::new();
    for (kind, object) in &snapped.objects {
        let mut object = object.0.clone();
        if let Some(object) = object.as_object_mut() {
            object.insert("kind".to_owned(), kind.name().into());
            object.insert("apiVersion".to_owned(), kind.api_version().into());
        }
        by_kind.entry(*kind).or_default().push(object);
    }
    for (kind, items) in by_kind {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        write(&objects.join(format!("{}.json", kind.plural())), &list)?;
    }
    for (release, status) in &snapped.records {
        let file = releases.join(format!("{}.v{}.json", release.name, release.revision));
        let record = Record {
            status: status.to_string(),
            release: release.clone(),
        };
        write(&file, &record)?;
    }
    let meta = Meta {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        namespace: snapped.namespace.clone(),
        taken_at,
        taken_by: env!("CARGO_PKG_VERSION").to_owned(),
        salt: snapped.salt.text().to_owned(),
        not_read: snapped.not_read.clone(),
    };
    // Written last: a folder that has it is complete.
    write(&meta_file, &meta)
}

/// Reads a snapshot, and returns the redactor that treats other objects as its own were treated.
///
/// # Errors
/// When the folder holds no snapshot, or one of its files is malformed.
pub fn load(folder: &Path) -> Result<(Meta, Snapshot, Redactor), StoreError> {
    let meta = read_meta(folder)?;
    let mut redactor = Redactor::new(Salt::from_text(meta.salt.clone()));
    let mut objects = Vec::new();
    for file in files(&folder.join("objects"))? {
        let mut list: Value = read(&file)?;
        let Some(Value::Array(items)) = list.get_mut("items").map(Value::take) else {
            return Err(content(&file, "it is no List".to_owned()));
        };
        for object in items.into_iter().map(Object) {
            if object.str("/kind") == Some("Secret") {
                redactor.learn(&object);
            }
            objects.push(object.0);
        }
    }
    for file in files(&folder.join("releases"))? {
        let record: Record = read(&file)?;
        redactor.learn_release(&record.release, &Parsed::default());
        let secret = as_secret(&record, &meta.namespace);
        objects.push(secret.map_err(|error| content(&file, error.to_string()))?);
    }
    let snapshot = Snapshot::of_namespace(&meta.namespace, objects, &meta.not_read);
    Ok((meta, snapshot, redactor))
}

fn read_meta(folder: &Path) -> Result<Meta, StoreError> {
    let file = folder.join("snapshot.json");
    let meta: Meta = read(&file)?;
    if (&*meta.api_version, &*meta.kind) != (API_VERSION, KIND) {
        let why = format!(
            "it is {} {}, not {API_VERSION} {KIND}",
            meta.api_version, meta.kind
        );
        return Err(content(&file, why));
    }
    Ok(meta)
}

/// Returns a record as Helm's Secret, but uncompressed.
fn as_secret(record: &Record, namespace: &str) -> serde_json::Result<Value> {
    let release = &record.release;
    let data = STANDARD.encode_to_string(serde_json::to_vec(release)?);
    let name = record_name(&release.name, release.revision);
    Ok(json!({
        "apiVersion": "v1", "kind": "Secret", "type": crate::helm::release::RECORD_TYPE,
        "metadata": {
            "name": name, "namespace": namespace, "uid": name,
            "labels": {"owner": "helm", "name": release.name, "status": record.status, "version": release.revision.to_string()},
        },
        "data": {"release": STANDARD.encode_to_string(data)},
    }))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if path.extension().is_some_and(|end| end == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read<T: for<'de> Deserialize<'de>>(file: &Path) -> Result<T, StoreError> {
    let opened = fs::File::open(file).map_err(failed(file))?;
    let mut bytes = Vec::new();
    let read = opened.take(MAX_BYTES).read_to_end(&mut bytes);
    read.map_err(failed(file))?;
    let parsed = serde_json::from_slice(&bytes);
    parsed.map_err(|error| content(file, error.to_string()))
}

fn write(file: &Path, value: &impl Serialize) -> Result<(), StoreError> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|error| content(file, error.to_string()))?;
    fs::write(file, text + "\n").map_err(failed(file))
}

fn failed(file: &Path) -> impl Fn(io::Error) -> StoreError {
    move |error| StoreError::File {
        file: file.to_owned(),
        error,
    }
}

fn content(file: &Path, why: String) -> StoreError {
    StoreError::Content {
        file: file.to_owned(),
        why,
    }
}
