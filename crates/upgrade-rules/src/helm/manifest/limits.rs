//! The limits for parsing one manifest.

use std::{fmt::Debug, sync::Arc};

use super::error::{Cause, ManifestError};

/// Bounds on what is built from a manifest; all count after aliases are expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nested collections, 128 by default. Kubernetes objects stay below 30.
    pub depth: usize,
    /// Keys and values, 200 000 by default: about 50 MB in the worst shape. The largest CRDs have
    /// some 20 000.
    pub nodes: usize,
    /// Bytes of all scalars, 16 MiB by default. etcd refuses an object above 1.5 MiB.
    pub scalar_bytes: usize,
    /// Bytes of the documents that are parsed, 8 MiB by default: fifty times those of Camunda's largest chart.
    pub text: usize,
    /// Documents, and items of lists beyond the first, 2 000 by default. Camunda's largest chart makes some 150.
    pub objects: usize,
    /// StatefulSets, and as many Jobs and claims, 100 by default; Deployments twice as many. Rules compare each with all others.
    pub compared: usize,
    /// Pairs within the lists of workloads, 2 000 000 by default: rules compare variables with all others of their container.
    /// Ten times what Camunda's largest chart has.
    pub pairs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 128,
            nodes: 200_000,
            scalar_bytes: 16 << 20,
            text: 8 << 20,
            objects: 2000,
            compared: 100,
            pairs: 2_000_000,
        }
    }
}

/// Bytes of memory that a node takes in the worst shape, a mapping with one key.
const NODE_BYTES: usize = 256;

/// Bytes of memory that are asked for at a time.
const STEP: usize = 1 << 20;

/// An estimate of the memory that the values of a JSON text take beside their texts, in bytes; rather too high.
#[must_use]
pub fn parsed_size(json: &[u8]) -> usize {
    nodes(json).saturating_mul(NODE_BYTES)
}

/// Counts the nodes of a JSON text, punctuation in its strings included. A mapping takes as much as three.
fn nodes(json: &[u8]) -> usize {
    let weight = |at: usize| if json.get(at) == Some(&b'{') { 3 } else { 1 };
    memchr::memchr3_iter(b',', b'[', b'{', json)
        .map(weight)
        .sum()
}

/// Memory that others want, too.
pub trait Memory: Debug + Send + Sync {
    /// Returns whether there may be so many bytes in all.
    fn grant(&self, bytes: usize) -> bool;
}

/// The remaining part of the [`Limits`]; share one between documents to bound them together.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    limits: Limits,
    nodes: usize,
    scalar_bytes: usize,
    memory: Option<Arc<dyn Memory>>,
    granted: usize,
    spent: bool,
    text: usize,
    objects: usize,
}

impl Budget {
    /// An unspent budget.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// An unspent budget within the default limits that takes memory from what others share.
    #[must_use]
    pub fn within(memory: Arc<dyn Memory>) -> Self {
        Self {
            memory: Some(memory),
            ..Self::default()
        }
    }

    /// An estimate of the memory that was spent, in bytes; rather too high.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.nodes
            .saturating_mul(NODE_BYTES)
            .saturating_add(self.scalar_bytes)
    }

    /// Whether more was wanted than is left.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.spent
    }

    /// Takes what is kept beside the values of a document: as much as so many nodes and a text.
    ///
    /// # Errors
    /// When not so much is left.
    pub fn take(&mut self, nodes: usize, text: usize) -> Result<(), ManifestError> {
        let cost = Cost {
            nodes,
            scalar_bytes: text,
            height: 0,
        };
        self.spend(cost).map_err(|cause| cause.at(1, 1))
    }

    /// Takes what a JSON text becomes once it is parsed.
    ///
    /// # Errors
    /// When not so much is left.
    pub fn take_json(&mut self, json: &str) -> Result<(), ManifestError> {
        self.take(nodes(json.as_bytes()), json.len())
    }

    /// Takes the cost of objects that are about to be looked at.
    ///
    /// # Errors
    /// When there are more than the limits allow.
    pub fn spend_objects(&mut self, objects: usize) -> Result<(), Cause> {
        self.objects = self.objects.saturating_add(objects);
        match self.objects > self.limits.objects {
            true => Err(Cause::TooManyObjects(self.limits.objects)),
            false => Ok(()),
        }
    }

    /// The limit for objects that are compared with each other.
    #[must_use]
    pub fn compared(&self) -> usize {
        self.limits.compared
    }

    /// The most pairs within the lists of workloads.
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.limits.pairs
    }

    pub(super) fn depth(&self) -> usize {
        self.limits.depth
    }

    pub(super) fn check_depth(&self, depth: usize) -> Result<(), Cause> {
        if depth > self.limits.depth {
            return Err(Cause::TooDeep(self.limits.depth));
        }
        Ok(())
    }

    pub(super) fn spend_text(&mut self, bytes: usize) -> Result<(), Cause> {
        self.text = self.text.saturating_add(bytes);
        match self.text > self.limits.text {
            true => Err(Cause::TooLong(self.limits.text)),
            false => Ok(()),
        }
    }

    pub(super) fn spend(&mut self, cost: Cost) -> Result<(), Cause> {
        self.nodes = self.nodes.saturating_add(cost.nodes);
        self.scalar_bytes = self.scalar_bytes.saturating_add(cost.scalar_bytes);
        let left = self.check();
        self.spent |= left.is_err();
        left
    }

    fn check(&mut self) -> Result<(), Cause> {
        if self.nodes > self.limits.nodes {
            return Err(Cause::TooManyNodes(self.limits.nodes));
        }
        if self.scalar_bytes > self.limits.scalar_bytes {
            return Err(Cause::TooMuchText(self.limits.scalar_bytes));
        }
        let Some(memory) = &self.memory else {
            return Ok(());
        };
        let bytes = self.bytes();
        if bytes > self.granted {
            if !memory.grant(bytes + STEP) {
                return Err(Cause::NoMemory);
            }
            self.granted = bytes + STEP;
        }
        Ok(())
    }
}

/// The cost and the depth of a subtree.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    pub(super) nodes: usize,
    pub(super) scalar_bytes: usize,
    pub(super) height: usize,
}

impl Cost {
    pub(super) fn scalar(bytes: usize) -> Self {
        Self {
            nodes: 1,
            scalar_bytes: bytes,
            height: 0,
        }
    }

    pub(super) fn add(&mut self, child: Self) {
        self.nodes = self.nodes.saturating_add(child.nodes);
        self.scalar_bytes = self.scalar_bytes.saturating_add(child.scalar_bytes);
        self.height = self.height.max(child.height);
    }
}
