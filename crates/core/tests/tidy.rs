//! House rules that neither rustfmt nor clippy checks, for every crate of the workspace.
//!
//! Functions of at most 70 lines, files of at most 500, a `//!` at the top of each, no note of unfinished work, imports of
//! one module a line, the environment read only in `config`, and no `unwrap` or `expect` outside tests. [`EXCEPTIONS`]
//! can only shrink: an unused exception fails the test.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy excuses test functions, but not their helpers")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Tolerated exceptions as (file, rule), with the reason beside each.
const EXCEPTIONS: &[(&str, Rule)] = &[];

const MAX_FUNCTION_LINES: usize = 70;
const MAX_FILE_LINES: usize = 500;

/// Test-only crates; there, `unwrap` is the way to fail.
const TEST_CRATES: [&str; 2] = ["crates/testkit/", "crates/e2e/"];

/// Files that may read the environment: the configuration, the tool that starts services with it, and the client's.
const ENVIRONMENT_READERS: [&str; 4] =
    ["crates/core/src/config.rs", "crates/core/src/config/", "crates/local/", "crates/cli/src/config.rs"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    LongFunction,
    LongFile,
    NoModuleDoc,
    UnfinishedWork,
    NestedImport,
    EnvironmentRead,
    Unwrap,
}

/// A broken rule.
struct Finding {
    line: usize,
    rule: Rule,
    what: String,
}

/// Visitor for the syntax tree of one file.
struct Inspection<'a> {
    path: &'a str,
    /// True while the visited code is compiled for tests only.
    in_test: bool,
    findings: Vec<Finding>,
}

impl Inspection<'_> {
    fn find(&mut self, line: usize, rule: Rule, what: impl Into<String>) {
        self.findings.push(Finding { line, rule, what: what.into() });
    }

    fn check_function(&mut self, name: &syn::Ident, body: proc_macro2::Span) {
        let first_line = name.span().start().line;
        let lines = body.end().line - first_line + 1;
        if lines > MAX_FUNCTION_LINES {
            self.find(first_line, Rule::LongFunction, format!("{name} has {lines} lines"));
        }
    }

    fn inside(&mut self, attributes: &[syn::Attribute], visit: impl FnOnce(&mut Self)) {
        let before = self.in_test;
        self.in_test |= attributes.iter().any(is_for_tests);
        visit(self);
        self.in_test = before;
    }

    fn may_read_environment(&self) -> bool {
        self.in_test || ENVIRONMENT_READERS.iter().any(|allowed| self.path.starts_with(allowed))
    }
}

/// True for `#[test]`, `#[tokio::test]` and `#[cfg(test)]`.
fn is_for_tests(attribute: &syn::Attribute) -> bool {
    let is_test = attribute.path().segments.last().is_some_and(|segment| segment.ident == "test");
    let is_cfg_test = attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"));
    is_test || is_cfg_test
}

/// True for `use a::{b::c, d}`, but not for `use a::{b, d}`. rustfmt's own option for it (`imports_granularity`) is
/// unstable.
fn imports_several_modules(tree: &syn::UseTree) -> bool {
    match tree {
        syn::UseTree::Path(path) => imports_several_modules(&path.tree),
        syn::UseTree::Group(group) => group.items.iter().any(|item| matches!(item, syn::UseTree::Path(_))),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Inspection<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.inside(&item.attrs, |this| visit::visit_item_mod(this, item));
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.inside(&item.attrs, |this| visit::visit_item_impl(this, item));
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.check_function(&item.sig.ident, item.block.span());
        self.inside(&item.attrs, |this| visit::visit_item_fn(this, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.check_function(&item.sig.ident, item.block.span());
        self.inside(&item.attrs, |this| visit::visit_impl_item_fn(this, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.check_function(&item.sig.ident, body.span());
        }
        self.inside(&item.attrs, |this| visit::visit_trait_item_fn(this, item));
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if imports_several_modules(&item.tree) {
            self.find(item.span().start().line, Rule::NestedImport, "imports from several modules at once");
        }
        visit::visit_item_use(self, item);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if !self.in_test && (call.method == "unwrap" || call.method == "expect") {
            self.find(call.method.span().start().line, Rule::Unwrap, format!("calls {}", call.method));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut names = path.segments.iter().rev().map(|segment| segment.ident.to_string());
        let reads =
            names.next().is_some_and(|name| ["var", "vars", "var_os", "vars_os"].contains(&name.as_str()));
        if reads && names.next().is_some_and(|name| name == "env") && !self.may_read_environment() {
            self.find(path.span().start().line, Rule::EnvironmentRead, "reads the environment");
        }
        visit::visit_path(self, path);
    }
}

fn inspect(path: &str, text: &str) -> Vec<Finding> {
    let is_test_file = path.ends_with("/tests.rs")
        || path.contains("/tests/")
        || TEST_CRATES.iter().any(|test_crate| path.starts_with(test_crate));
    let mut inspection = Inspection { path, in_test: is_test_file, findings: Vec::new() };
    if !text.starts_with("//!") {
        inspection.find(1, Rule::NoModuleDoc, "does not say at its top why it exists");
    }
    let lines = text.lines().count();
    if lines > MAX_FILE_LINES {
        inspection.find(lines, Rule::LongFile, format!("has {lines} lines"));
    }
    for (index, line) in text.lines().enumerate() {
        if ["TODO", "FIXME"].iter().any(|note| line.contains(note)) {
            inspection.find(index + 1, Rule::UnfinishedWork, "notes unfinished work");
        }
    }
    inspection.visit_file(&syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}")));
    inspection.findings
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// All `crates/*/src/**/*.rs`, relative to the workspace root.
fn source_files() -> Vec<String> {
    let root = workspace();
    let crates = fs::read_dir(root.join("crates")).unwrap();
    let mut directories: Vec<_> = crates.map(|entry| entry.unwrap().path().join("src")).collect();
    let mut files = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

#[test]
fn every_source_file_keeps_the_house_rules() {
    let mut broken = String::new();
    let mut needed = BTreeSet::new();
    let files = source_files();
    assert!(
        files.iter().any(|path| path == "crates/core/src/lib.rs"),
        "the source is not where it is looked for"
    );
    for path in files {
        let text = fs::read_to_string(workspace().join(&path)).unwrap();
        for Finding { line, rule, what } in inspect(&path, &text) {
            match EXCEPTIONS.iter().find(|exception| **exception == (path.as_str(), rule)) {
                Some(exception) => _ = needed.insert(*exception),
                None => broken += &format!("{path}:{line}: {what} ({rule:?})\n"),
            }
        }
    }
    for exception in EXCEPTIONS.iter().filter(|exception| !needed.contains(*exception)) {
        broken += &format!("{exception:?} is not needed any more: remove it from EXCEPTIONS\n");
    }
    assert!(broken.is_empty(), "\n{broken}");
}

fn rules_broken_by(text: &str) -> Vec<Rule> {
    inspect("crates/api/src/x.rs", text).into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn each_rule_can_be_broken() {
    let long_function = format!("//! x\nfn f() {{\n{}}}", "a();\n".repeat(MAX_FUNCTION_LINES));
    assert_eq!(rules_broken_by(&long_function), [Rule::LongFunction]);
    assert_eq!(rules_broken_by(&format!("//! x\n{}", "\n".repeat(MAX_FILE_LINES))), [Rule::LongFile]);
    assert_eq!(rules_broken_by("fn f() {}"), [Rule::NoModuleDoc]);
    assert_eq!(rules_broken_by(concat!("//! x\n// TO", "DO later")), [Rule::UnfinishedWork]);
    assert_eq!(rules_broken_by("//! x\nuse std::{fs, io::Read};"), [Rule::NestedImport]);
    assert_eq!(rules_broken_by("//! x\nuse std::io::{self, Read};"), []);
    let reads = "//! x\nfn f() { std::env::var(\"A\"); env::vars_os(); }";
    assert_eq!(rules_broken_by(reads), [Rule::EnvironmentRead; 2]);
    assert_eq!(rules_broken_by("//! x\nfn f() { a.unwrap(); b.expect(\"c\"); }"), [Rule::Unwrap; 2]);
}

#[test]
fn tests_may_unwrap_and_config_may_read_the_environment() {
    let module = "//! x\n#[cfg(test)]\nmod tests { fn f() { a.unwrap(); std::env::var(\"A\"); } }";
    assert_eq!(rules_broken_by(module), []);
    assert_eq!(rules_broken_by("//! x\n#[tokio::test]\nasync fn f() { a.unwrap(); }"), []);
    assert!(
        inspect("crates/core/src/config/settings.rs", "//! x\nfn f() { std::env::vars_os(); }").is_empty()
    );
}
