//! A namespace as `check` needs it, in files without secret values.
//!
//! A user who may not read Secrets, or a pipeline without a cluster, can judge an upgrade against these files instead
//! of the cluster. Each secret value is replaced by a digest with this snapshot's salt, and the judged upgrade gets
//! the same treatment: so equal values stay equal, and nothing else can be learnt of them.
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
