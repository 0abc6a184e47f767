//! Bills of materials as CycloneDX 1.5 has them, in JSON. The same commit makes the same bill: it holds no time and no number of
//! its own.

use anyhow::{Context, Result};
use cargo_metadata::{Package, PackageId};
use serde_json::{Value, json};

use crate::crates::{Crates, Dependency};

/// Everything that the program was built of.
pub struct Bill<'a> {
    pub crates: &'a Crates,
    pub target: &'a str,
}

impl Bill<'_> {
    pub fn of_program(&self) -> Result<String> {
        let others = self.others()?;
        self.written(self.program("application")?, others)
    }

    /// The image holds the program and nothing else.
    pub fn of_image(&self) -> Result<String> {
        let package = &self.crates.program;
        let image = json!({
            "type": "container",
            "bom-ref": "image",
            "name": package.name,
            "version": package.version,
        });
        let mut components = vec![self.program("application")?];
        components.extend(self.others()?);
        self.written(image, components)
    }

    fn written(&self, of: Value, components: Vec<Value>) -> Result<String> {
        let bill = json!({
            "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "metadata": {"component": of, "properties": [{"name": "cargo:target", "value": self.target}]},
            "components": components,
            "dependencies": self.dependencies(&of["bom-ref"])?,
        });
        Ok(format!("{}\n", serde_json::to_string_pretty(&bill)?))
    }

    fn program(&self, kind: &str) -> Result<Value> {
        component(&self.crates.program, kind)
    }

    fn others(&self) -> Result<Vec<Value>> {
        let others = self.crates.others.iter();
        let others = others.map(|Dependency { package, is_linked }| {
            let mut component = component(package, "library")?;
            // What is excluded is there when the program is built, and not in it.
            component["scope"] = if *is_linked { "required" } else { "excluded" }.into();
            Ok(component)
        });
        others.collect()
    }

    fn dependencies(&self, of: &Value) -> Result<Vec<Value>> {
        let all = self.crates.others.iter().map(|it| &it.package);
        let all: Vec<_> = [&self.crates.program].into_iter().chain(all).collect();
        let reference = |id: &PackageId| {
            let package = all.iter().find(|it| it.id == *id);
            package
                .map(|package| purl(package))
                .context("a package that nothing needs")
        };
        let mut dependencies = Vec::new();
        let program = purl(&self.crates.program);
        if *of != program {
            dependencies.push(json!({"ref": of, "dependsOn": [program]}));
        }
        for package in &all {
            let needs = self.crates.needs.get(&package.id).into_iter().flatten();
            let mut needs = needs.map(reference).collect::<Result<Vec<_>>>()?;
            needs.sort();
            dependencies.push(json!({"ref": purl(package), "dependsOn": needs}));
        }
        Ok(dependencies)
    }
}

fn component(package: &Package, kind: &str) -> Result<Value> {
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(package),
        "name": package.name,
        "version": package.version,
        "purl": purl(package),
        "licenses": [{"expression": licence(package)?}],
    });
    if let Some(description) = &package.description {
        component["description"] = description.trim().into();
    }
    if let Some(repository) = &package.repository {
        component["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
    }
    Ok(component)
}

/// Its address among all packages (<https://github.com/package-url/purl-spec>).
fn purl(package: &Package) -> String {
    // The one character of a version that means something else there.
    let version = package.version.to_string().replace('+', "%2B");
    format!("pkg:cargo/{}@{version}", package.name)
}

/// Its licence as SPDX writes it; older crates have a slash between two that one may choose from.
pub fn licence(package: &Package) -> Result<String> {
    let licence = package.license.as_ref();
    let licence = licence.with_context(|| format!("{} names no licence", package.name))?;
    Ok(licence.replace(" / ", " OR ").replace('/', " OR "))
}
