//! What `check` needs of a namespace, as files that hold no secret value.
//!
//! Whoever may not read Secrets, or a pipeline without a cluster, judges an upgrade against these files as against the cluster. Each
//! secret value is replaced by a digest with a salt of this snapshot, and what is to be judged is treated alike before: so
//! equal values stay equal, and nothing else can be told of them.
//!
//! ```text
//! snapshot.json            namespace, time, salt, and what could not be read
//! objects/secrets.json     one List for each kind
//! releases/camunda.v3.json the newest records of each Camunda release
//! ```

mod redact;
mod salt;
mod store;
mod take;

pub use self::{
    redact::Redactor,
    salt::Salt,
    store::{Meta, NotRead, StoreError, load, save},
    take::{Snapped, TakeError, take},
};
