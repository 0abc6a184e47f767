//! The part of an AdmissionReview that the guard reads, borrowed from the request's body.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    change::Operation,
    cluster::User,
    helm::release::{self, RECORD_PREFIX, RECORD_TYPE, Storage},
    kubernetes::{Kind, Object, ObjectRef},
};

#[derive(Debug, Deserialize)]
struct Review<'a> {
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    request: Option<Request<'a>>,
}

/// Why a review's request is not known. No message quotes the review, which may hold secrets.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReviewError {
    #[error("the review is not an AdmissionReview (line {line} column {column})")]
    Malformed { line: usize, column: usize },
    #[error("the review holds no request")]
    NoRequest,
}

/// One admission request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    #[serde(borrow)]
    pub(super) uid: Cow<'a, str>,
    #[serde(borrow)]
    kind: GroupKind<'a>,
    #[serde(borrow, default)]
    resource: Resource<'a>,
    #[serde(borrow, default)]
    sub_resource: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) namespace: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    operation: Cow<'a, str>,
    #[serde(default)]
    dry_run: Option<bool>,
    #[serde(default)]
    pub(super) user_info: User,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
    #[serde(borrow, default)]
    old_object: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct GroupKind<'a> {
    #[serde(borrow, default)]
    group: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default)]
    resource: Cow<'a, str>,
}

/// The fields that tell a release record from other Secrets and ConfigMaps; the rest is not parsed.
#[derive(Debug, Deserialize)]
pub(super) struct Record<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    metadata: RecordMetadata<'a>,
    #[serde(borrow, default)]
    data: RecordData<'a>,
}

#[derive(Debug, Default, Deserialize)]
struct RecordMetadata<'a> {
    #[serde(borrow, default)]
    labels: Option<RecordLabels<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct RecordLabels<'a> {
    #[serde(borrow, default)]
    status: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
struct RecordData<'a> {
    #[serde(borrow, default)]
    release: Option<Cow<'a, str>>,
}

impl<'a> Request<'a> {
    /// Parses the request of an AdmissionReview.
    pub(super) fn of_review(review: &'a [u8]) -> Result<Self, ReviewError> {
        let malformed = |error: serde_json::Error| ReviewError::Malformed {
            line: error.line(),
            column: error.column(),
        };
        let review: Review<'a> = serde_json::from_slice(review).map_err(malformed)?;
        let request = review.request.filter(|_| review.kind == "AdmissionReview");
        request.ok_or(ReviewError::NoRequest)
    }

    /// The kind, if it is one that the guard judges.
    pub(super) fn kind(&self) -> Option<Kind> {
        Kind::from_name(&self.kind.kind).filter(|kind| kind.group() == self.kind.group)
    }

    /// Whether the request is a dry run, which changes nothing whatever the answer.
    pub(super) fn is_dry_run(&self) -> bool {
        self.dry_run == Some(true)
    }

    /// The object's name in the request; empty if the API server is still to generate it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn operation(&self) -> Option<Operation> {
        match &*self.operation {
            "CREATE" => Some(Operation::Create),
            "UPDATE" => Some(Operation::Update),
            "DELETE" => Some(Operation::Delete),
            _ => None,
        }
    }

    /// The StatefulSet that is scaled through its `scale` subresource, and the number of replicas.
    pub(super) fn scaled(&self) -> Option<(ObjectRef, u64)> {
        if self.kind.kind != "Scale"
            || self.resource.resource != "statefulsets"
            || self.sub_resource != "scale"
        {
            return None;
        }
        // Go omits a zero: a Scale without replicas means 0.
        let replicas = self
            .object()?
            .at("/spec/replicas")
            .map_or(Some(0), Value::as_u64)?;
        let reference = ObjectRef::new(Kind::StatefulSet, &self.namespace, &self.name);
        Some((reference, replicas))
    }

    /// The Helm storage driver that writes records of this kind.
    pub(super) fn storage(&self) -> Option<Storage> {
        match self.kind()? {
            Kind::Secret => Some(Storage::Secret),
            Kind::ConfigMap => Some(Storage::ConfigMap),
            _ => None,
        }
    }

    /// Whether a release record is being created.
    pub(super) fn is_record(&self) -> bool {
        self.operation() == Some(Operation::Create)
            && match self.storage() {
                Some(Storage::Secret) => {
                    self.name.starts_with(RECORD_PREFIX)
                        || self
                            .record()
                            .is_some_and(|record| record.kind == RECORD_TYPE)
                }
                Some(Storage::ConfigMap) => self.name.starts_with(RECORD_PREFIX),
                None => false,
            }
    }

    fn record(&self) -> Option<Record<'a>> {
        serde_json::from_str(self.object?.get()).ok()
    }

    /// The release and revision that a pending record's labels and name announce, and its encoded release.
    pub(super) fn announced(&self) -> (Option<(&str, u64)>, Option<Cow<'a, str>>) {
        let Some(record) = self.record() else {
            return (None, None);
        };
        let labels = record.metadata.labels.as_ref();
        let change = matches!(
            labels.map(|labels| &*labels.status),
            Some("pending-upgrade" | "pending-rollback")
        )
        .then(|| release::parse_record_name(&self.name))
        .flatten();
        (change, record.data.release)
    }

    /// The status that a record's labels announce.
    pub(super) fn status(&self) -> Option<Cow<'a, str>> {
        Some(self.record()?.metadata.labels?.status)
    }

    /// The object, with the request's namespace filled in if it names none.
    pub(super) fn object(&self) -> Option<Object> {
        self.parse(self.object?)
    }

    /// The object before the change.
    pub(super) fn old_object(&self) -> Option<Object> {
        self.parse(self.old_object?)
    }

    fn parse(&self, raw: &RawValue) -> Option<Object> {
        let mut object = Object(serde_json::from_str(raw.get()).ok()?);
        if !self.namespace.is_empty()
            && object.namespace().is_none()
            && let Some(metadata) = object
                .0
                .get_mut("metadata")
                .and_then(|metadata| metadata.as_object_mut())
        {
            metadata.insert("namespace".to_owned(), self.namespace.as_ref().into());
        }
        Some(object)
    }

    /// The reference of the object that the request is about.
    pub(super) fn reference(&self, object: &Object) -> Option<ObjectRef> {
        let name = if object.name().is_empty() {
            self.name()
        } else {
            object.name()
        };
        Some(ObjectRef::new(self.kind()?, &self.namespace, name))
    }
}
