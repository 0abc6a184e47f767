//! The house stays as it is described: the crate of the rules needs no cluster, no module imports in a circle, functions are
//! short, and errors are types.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use camunda_upgrade_guard::camunda::Line;
use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, Fields, GenericArgument, Item, ItemUse, PathArguments, Type, UseTree,
    spanned::Spanned,
    visit::{self, Visit},
};

/// The longest that a function may be, in lines.
const LONGEST: usize = 60;

/// What judging has no need of.
const NEVER: [&str; 8] = [
    "tokio",
    "kube",
    "k8s-openapi",
    "axum",
    "hyper",
    "rustls",
    "clap",
    "camunda-upgrade-guard",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder, without those that hold nothing but tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs")
            && path.file_stem().is_some_and(|stem| stem != "tests")
        {
            found.push(path);
        }
    }
    found
}

/// A file without the tests in it.
fn parsed(file: &Path) -> syn::File {
    let mut parsed = syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap();
    let is_tests =
        |item: &Item| matches!(item, Item::Mod(module) if module.attrs.iter().any(is_test));
    parsed.items.retain(|item| !is_tests(item));
    parsed
}

fn is_test(attribute: &Attribute) -> bool {
    let text = attribute
        .meta
        .require_list()
        .map(|list| list.tokens.to_string());
    attribute.path().is_ident("cfg") && text.is_ok_and(|text| text == "test")
}

/// The paths that a file names, from the crate's root.
struct Named<'a> {
    module: &'a [String],
    paths: BTreeSet<Vec<String>>,
}

impl Named<'_> {
    fn add(&mut self, segments: &[String]) {
        let mut base = match segments.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self" | "super") => self.module.to_vec(),
            _ => return,
        };
        for segment in segments {
            match segment.as_str() {
                "crate" | "self" => {}
                "super" => drop(base.pop()),
                name => base.push(name.to_owned()),
            }
        }
        self.paths.insert(base);
    }

    fn add_tree(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&path.tree, &with(&path.ident)),
            UseTree::Name(name) => self.add(&with(&name.ident)),
            UseTree::Rename(rename) => self.add(&with(&rename.ident)),
            UseTree::Glob(_) => self.add(before),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(tree, before);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Named<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_tree(&item.tree, &[]);
    }

    /// `pub(super)` imports nothing.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|it| it.ident.to_string());
        self.add(&segments.collect::<Vec<_>>());
        visit::visit_path(self, path);
    }
}

/// Modules by name, and the modules that each imports. A module of many files counts by its parts.
fn imports(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    const OF_PARTS: [&str; 3] = ["fixes", "knowledge", "rules"];
    let name = |path: &[String]| match path {
        [first, second, ..] if OF_PARTS.contains(&first.as_str()) => format!("{first}::{second}"),
        path => path.first().cloned().unwrap_or_default(),
    };
    let files = sources(folder);
    let module = |path: &Path| -> Vec<String> {
        let path = path.strip_prefix(folder).unwrap().with_extension("");
        let parts = path.iter().map(|part| part.to_str().unwrap().to_owned());
        parts.collect()
    };
    let known: BTreeSet<_> = files.iter().map(|file| name(&module(file))).collect();
    let mut all = BTreeMap::<_, BTreeSet<_>>::new();
    for file in &files {
        let of = module(file);
        if of == ["lib"] {
            continue;
        }
        let mut named = Named {
            module: &of,
            paths: BTreeSet::new(),
        };
        named.visit_file(&parsed(file));
        let own = name(&of);
        let imported = named.paths.iter().filter_map(|path| {
            let (part, whole) = (name(path), path.first()?);
            match known.contains(&part) {
                true => Some(part),
                // What the parts of one module have in common stands in its own file.
                false => (of.first() != Some(whole)).then(|| whole.clone()),
            }
        });
        let imported = imported.filter(|other| *other != own && known.contains(other));
        all.entry(own.clone()).or_default().extend(imported);
    }
    all
}

#[test]
fn no_module_of_the_rules_imports_in_a_circle() {
    let mut left = imports(&root().join("crates/upgrade-rules/src"));
    assert!(left.len() > 100, "{}", left.len());
    assert!(left["rules::values_dropped"].contains("fixes::values_given"));
    loop {
        let names: BTreeSet<_> = left.keys().cloned().collect();
        let before = left.len();
        left.retain(|_, imported| imported.iter().any(|other| names.contains(other)));
        if left.len() == before {
            break;
        }
    }
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn the_rules_need_no_cluster() {
    let cargo = env::var_os("CARGO").unwrap();
    let tree = Command::new(cargo)
        .args(["tree", "--locked", "--offline", "-p", "upgrade-rules"])
        .args(["-e", "normal", "--prefix", "none", "--format", "{lib}"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let tree = String::from_utf8(tree.stdout).unwrap();
    let found: BTreeSet<_> = tree.lines().collect();
    assert!(found.contains("serde_json"), "{found:?}");
    for never in NEVER {
        assert!(!found.contains(never.replace('-', "_").as_str()), "{never}");
    }
}

/// The functions of a file, each with its length.
#[derive(Default)]
struct Functions(Vec<(String, usize)>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, whole: &impl Spanned) {
        let (start, end) = (signature.span().start(), whole.span().end());
        let lines = end.line - start.line + 1;
        self.0.push((signature.ident.to_string(), lines));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }
}

#[test]
fn no_function_is_longer_than_a_screen() {
    let folders = ["src", "crates/upgrade-rules/src"];
    let (mut all, mut long) = (0, Vec::new());
    for file in folders.iter().flat_map(|it| sources(&root().join(it))) {
        let mut functions = Functions::default();
        functions.visit_file(&parsed(&file));
        all += functions.0.len();
        let longer = functions
            .0
            .into_iter()
            .filter(|(_, lines)| *lines >= LONGEST);
        long.extend(longer.map(|(name, lines)| format!("{}: {name}: {lines}", file.display())));
    }
    assert!(all > 1000, "{all}");
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// What a file says of errors.
#[derive(Default)]
struct Errors {
    /// Whether it names anyhow.
    anyhow: bool,
    in_signature: bool,
    /// How many of its functions fail, or take one that does.
    fallible: usize,
    /// Those of them that fail with a text.
    texts: Vec<String>,
    /// How many texts of errors it has.
    told: usize,
    /// The errors whose text, like that of all, tells the cause, which is then told again as their source.
    twice: Vec<String>,
}

impl Errors {
    fn add(&mut self, name: &syn::Ident, attributes: &[Attribute], fields: &Fields) {
        let Some(text) = attributes.iter().find(|it| it.path().is_ident("error")) else {
            return;
        };
        self.told += 1;
        let text = text.meta.require_list().unwrap().tokens.to_string();
        let is_source = |field: &syn::Field| {
            let marked =
                |it: &Attribute| it.path().is_ident("from") || it.path().is_ident("source");
            field.ident.as_ref().is_some_and(|name| name == "source")
                || field.attrs.iter().any(marked)
        };
        if text != "transparent" && fields.iter().any(is_source) {
            self.twice.push(name.to_string());
        }
    }
}

impl<'ast> Visit<'ast> for Errors {
    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.anyhow |= ident == "anyhow";
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.anyhow |= names(call.tokens.clone(), "anyhow");
        visit::visit_macro(self, call);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.in_signature = true;
        visit::visit_signature(self, signature);
        self.in_signature = false;
    }

    fn visit_item_type(&mut self, alias: &'ast syn::ItemType) {
        self.in_signature = true;
        visit::visit_item_type(self, alias);
        self.in_signature = false;
    }

    fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
        if self.in_signature
            && segment.ident == "Result"
            && let PathArguments::AngleBracketed(arguments) = &segment.arguments
            && let Some(GenericArgument::Type(error)) = arguments.args.iter().nth(1)
        {
            self.fallible += 1;
            if is_text(error) {
                self.texts
                    .push(format!("line {}", segment.span().start().line));
            }
        }
        visit::visit_path_segment(self, segment);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.add(&variant.ident, &variant.attrs, &variant.fields);
        visit::visit_variant(self, variant);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.add(&item.ident, &item.attrs, &item.fields);
        visit::visit_item_struct(self, item);
    }
}

fn names(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => names(group.stream(), name),
        _ => false,
    })
}

/// Whether a type is a text, or several.
fn is_text(of: &Type) -> bool {
    match of {
        Type::Reference(reference) => is_text(&reference.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            let mut inner = match &last.arguments {
                PathArguments::AngleBracketed(arguments) => arguments.args.iter(),
                _ => return last.ident == "String" || last.ident == "str",
            };
            ["Box", "Cow", "Vec"].iter().any(|it| last.ident == it)
                && inner.any(|it| matches!(it, GenericArgument::Type(inner) if is_text(inner)))
        }),
        _ => false,
    }
}

/// What each file of both crates says of errors.
fn errors() -> BTreeMap<String, Errors> {
    let files = ["src", "crates"].map(|folder| sources(&root().join(folder)));
    let files = files.into_iter().flatten().map(|file| {
        let mut errors = Errors::default();
        errors.visit_file(&parsed(&file));
        let name = file.strip_prefix(root()).unwrap().to_str().unwrap();
        (name.to_owned(), errors)
    });
    files.collect()
}

#[test]
fn anyhow_is_the_command_lines_alone() {
    let files = errors().into_iter();
    let by_anyhow = files.filter(|(_, errors)| errors.anyhow);
    let of_cli = |name: &str| name.starts_with("src/cli");
    let (own, others): (Vec<_>, Vec<_>) = by_anyhow
        .map(|(name, _)| name)
        .partition(|name| of_cli(name));
    assert!(own.len() > 10, "{own:?}");
    assert_eq!(others, [""; 0]);
}

#[test]
fn errors_are_types() {
    let (mut fallible, mut texts) = (0, Vec::new());
    for (name, errors) in errors() {
        fallible += errors.fallible;
        texts.extend(errors.texts.iter().map(|line| format!("{name}: {line}")));
    }
    assert!(fallible > 100, "{fallible}");
    assert_eq!(texts, [""; 0]);
}

#[test]
fn no_error_tells_its_cause_twice() {
    let (mut told, mut twice) = (0, Vec::new());
    for (name, errors) in errors() {
        told += errors.told;
        twice.extend(errors.twice.iter().map(|error| format!("{name}: {error}")));
    }
    assert!(told > 100, "{told}");
    assert_eq!(twice, [""; 0]);
}

/// The texts of a file's code that are a line's name or a chart's version.
struct Lines(Vec<String>);

impl<'ast> Visit<'ast> for Lines {
    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        let text = literal.value();
        let is_name = Line::all().iter().any(|line| line.line == text);
        let is_version = semver::Version::parse(&text).is_ok() && Line::of(&text).is_some();
        if is_name || is_version {
            self.0.push(text);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(path) = &*call.func {
            let segments = path.path.segments.iter();
            let segments: Vec<_> = segments.map(|it| it.ident.to_string()).collect();
            if segments.ends_with(&["Version".to_owned(), "new".to_owned()]) {
                self.0.push("Version::new".to_owned());
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let code = call.tokens.to_string();
        let names = Line::all().iter().map(|line| format!("\"{}\"", line.line));
        let mut names = names.chain(["Version :: new".to_owned()]);
        self.0.extend(names.find(|name| code.contains(name)));
    }

    /// Documentation is no code.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

/// A line is one file: what is true of some lines only stands in theirs.
#[test]
fn no_rule_names_a_line() {
    const OF_RULES: [&str; 6] = ["rules", "fixes", "knowledge", "forecast", "plan", "change"];
    let source = root().join("crates/upgrade-rules/src");
    let files = OF_RULES.iter().flat_map(|part| {
        let own = source.join(part).with_extension("rs");
        sources(&source.join(part)).into_iter().chain([own])
    });
    let (mut all, mut named) = (0, Vec::new());
    for file in files {
        let mut lines = Lines(Vec::new());
        lines.visit_file(&parsed(&file));
        all += 1;
        named.extend(
            lines
                .0
                .iter()
                .map(|name| format!("{}: {name}", file.display())),
        );
    }
    assert!(all > 100, "{all}");
    assert!(named.is_empty(), "{}", named.join("\n"));
    let mut seen = Lines(Vec::new());
    seen.visit_file(
        &syn::parse_str("fn f() { g(\"13\", \"8.3.0\", \"8.8.2\", Version::new(9, 0, 0)) }")
            .unwrap(),
    );
    assert_eq!(seen.0, ["13", "8.3.0", "Version::new"]);
}
