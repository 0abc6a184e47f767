//! The crates that the program is built of, as cargo resolves them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId, TargetKind};

/// The package of the program.
const PROGRAM: &str = "camunda-upgrade-guard";

/// What the program needs, and what it is only built with.
pub struct Crates {
    pub program: Package,
    /// All others, by name and version.
    pub others: Vec<Dependency>,
    /// What each of them needs itself.
    pub needs: BTreeMap<PackageId, BTreeSet<PackageId>>,
}

pub struct Dependency {
    pub package: Package,
    /// Whether something of it is in the program; macros and what build scripts use is not.
    pub is_linked: bool,
}

impl Crates {
    /// Asks cargo, with the versions that are locked.
    pub fn read(target: &str) -> Result<Self> {
        let options = ["--locked", "--filter-platform", target].map(str::to_owned);
        let metadata = MetadataCommand::new()
            .other_options(options)
            .exec()
            .context("asking cargo what the program is built of")?;
        let program = package(&metadata, |it| it.name.as_str() == PROGRAM)?;
        let needs = needs(&metadata)?;
        let all = reached(&program.id, &needs, |_| true);
        let is_macro = |id: &PackageId| {
            let package = metadata.packages.iter().find(|it| it.id == *id);
            let mut targets = package.into_iter().flat_map(|it| &it.targets);
            targets.any(|target| target.is_kind(TargetKind::ProcMacro))
        };
        let linked = normal_needs(&metadata)?;
        let linked = reached(&program.id, &linked, |id| !is_macro(id));
        let mut others = Vec::new();
        for id in all.iter().filter(|id| **id != program.id) {
            others.push(Dependency {
                package: package(&metadata, |it| it.id == *id)?,
                is_linked: linked.contains(id),
            });
        }
        others.sort_by(|a, b| {
            let key = |it: &Dependency| (it.package.name.to_string(), it.package.version.clone());
            key(a).cmp(&key(b))
        });
        Ok(Self {
            program,
            others,
            needs,
        })
    }
}

fn package(metadata: &Metadata, wanted: impl Fn(&Package) -> bool) -> Result<Package> {
    let found = metadata.packages.iter().find(|it| wanted(it));
    found
        .cloned()
        .context("cargo names a package that it does not describe")
}

/// What each package needs to be built, without what only its tests need.
fn needs(metadata: &Metadata) -> Result<BTreeMap<PackageId, BTreeSet<PackageId>>> {
    of_kinds(metadata, &[DependencyKind::Normal, DependencyKind::Build])
}

fn normal_needs(metadata: &Metadata) -> Result<BTreeMap<PackageId, BTreeSet<PackageId>>> {
    of_kinds(metadata, &[DependencyKind::Normal])
}

fn of_kinds(
    metadata: &Metadata,
    kinds: &[DependencyKind],
) -> Result<BTreeMap<PackageId, BTreeSet<PackageId>>> {
    let resolve = metadata
        .resolve
        .as_ref()
        .context("cargo resolved nothing")?;
    let needs = resolve.nodes.iter().map(|node| {
        let needed = node.deps.iter().filter(|dependency| {
            let mut told = dependency.dep_kinds.iter();
            told.any(|it| kinds.contains(&it.kind))
        });
        let needed = needed.map(|dependency| dependency.pkg.clone());
        (node.id.clone(), needed.collect())
    });
    Ok(needs.collect())
}

/// Whatever can be reached through packages that are `wanted`, those included.
fn reached(
    from: &PackageId,
    needs: &BTreeMap<PackageId, BTreeSet<PackageId>>,
    wanted: impl Fn(&PackageId) -> bool,
) -> BTreeSet<PackageId> {
    let mut reached = BTreeSet::from([from.clone()]);
    let mut next = vec![from.clone()];
    while let Some(id) = next.pop() {
        for needed in needs.get(&id).into_iter().flatten() {
            if wanted(needed) && reached.insert(needed.clone()) {
                next.push(needed.clone());
            }
        }
    }
    reached
}
