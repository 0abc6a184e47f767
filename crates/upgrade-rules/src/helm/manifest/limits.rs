//! The limits for parsing one manifest.

use super::error::Cause;

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
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 128,
            nodes: 200_000,
            scalar_bytes: 16 << 20,
        }
    }
}

/// The remaining part of the [`Limits`]; share one between documents to bound them together.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    limits: Limits,
    nodes: usize,
    scalar_bytes: usize,
}

impl Budget {
    /// An unspent budget.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            nodes: 0,
            scalar_bytes: 0,
        }
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

    pub(super) fn spend(&mut self, cost: Cost) -> Result<(), Cause> {
        self.nodes = self.nodes.saturating_add(cost.nodes);
        self.scalar_bytes = self.scalar_bytes.saturating_add(cost.scalar_bytes);
        if self.nodes > self.limits.nodes {
            return Err(Cause::TooManyNodes(self.limits.nodes));
        }
        if self.scalar_bytes > self.limits.scalar_bytes {
            return Err(Cause::TooMuchText(self.limits.scalar_bytes));
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
