//! Keeps the project in the shape that docs/architecture.md describes: every rule there that a
//! compiler does not check is checked here, and each check is itself tried on planted faults.

mod planted;
mod rules;
mod source;

use std::fs;
use std::path::PathBuf;

use rules::Violation;
use source::Source;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files under `folder`, as paths inside the crate with forward slashes, sorted.
fn files(folder: &str) -> Vec<String> {
    const BUILT: [&str; 5] = ["target", "artifacts", "corpus", "mutants.out", "__pycache__"];
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.map(|entry| entry.expect("a readable folder")) {
            let path = entry.path();
            if !path.is_dir() {
                let inner = path.strip_prefix(root()).expect("a path inside the crate");
                found.push(inner.to_str().expect("a name in UTF-8").replace('\\', "/"));
            } else if !BUILT.iter().any(|name| path.ends_with(name)) {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

fn rust_files(folder: &str) -> Vec<Source> {
    let is_rust = |path: &String| path.ends_with(".rs");
    files(folder).iter().filter(|path| is_rust(path)).map(|p| Source::new(p, &read(p))).collect()
}

/// The library's own files, without files that hold only tests.
fn library() -> Vec<Source> {
    let sources = rust_files("src");
    assert!(!sources.is_empty(), "no sources found under src");
    let mut test_modules = Vec::new();
    for source in &sources {
        let folder = match source.path.rsplit_once('/') {
            Some((folder, "mod.rs" | "lib.rs")) => folder.to_owned(),
            _ => source.path.trim_end_matches(".rs").to_owned(),
        };
        let names = source.external_test_modules().into_iter();
        test_modules.extend(names.map(|name| format!("{folder}/{name}")));
    }
    let holds_tests = |path: &str| {
        let module = path.trim_end_matches(".rs");
        test_modules.iter().any(|test| module == test || path.starts_with(&format!("{test}/")))
    };
    sources.into_iter().filter(|source| !holds_tests(&source.path)).collect()
}

fn check(sources: &[Source], rule: impl Fn(&Source) -> Vec<Violation>) {
    assert_clean(sources.iter().flat_map(rule).collect());
}

fn assert_clean(violations: Vec<Violation>) {
    let lines: Vec<String> = violations.iter().map(Violation::to_string).collect();
    assert!(lines.is_empty(), "{} broken:\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn imports_go_down_only() {
    check(&library(), rules::floors);
}

#[test]
fn files_are_short() {
    check(&library(), rules::file_length);
}

#[test]
fn functions_are_short() {
    check(&library(), rules::function_length);
}

#[test]
fn lines_are_narrow() {
    for folder in ["src", "tests", "examples", "benches", "fuzz"] {
        check(&rust_files(folder), rules::line_width);
    }
}

#[test]
fn features_only_add_names() {
    check(&library(), rules::cfg_placement);
}

#[test]
fn panics_stand_on_a_written_invariant() {
    check(&library(), rules::panics);
}

#[test]
fn banned_names_are_absent() {
    check(&library(), rules::banned_names);
}

#[test]
fn every_error_is_classified() {
    let sources = library();
    let found: usize = sources.iter().map(|source| rules::error_types(source).len()).sum();
    assert!(found > 40, "only {found} error types were found");
    assert_clean(rules::classified_errors(&sources));
}

#[test]
fn no_file_tells_of_the_machine_it_was_written_on() {
    let folders = ["src", "tests", "examples", "benches", "docs", "fuzz", ".ci", ".github"];
    let at_root = fs::read_dir(root())
        .expect("a readable folder")
        .map(|entry| entry.expect("a readable folder").file_name().to_string_lossy().into_owned());
    let mut paths: Vec<String> = at_root
        .filter(|name| {
            root().join(name).is_file() && !matches!(name.as_str(), ".git" | "Cargo.lock")
        })
        .collect();
    paths.extend(folders.iter().flat_map(|folder| files(folder)));
    let traces = paths.iter().flat_map(|path| rules::machine_traces(path, &read(path)));
    assert_clean(traces.collect());
}

#[test]
fn guides_are_compiled_as_documentation() {
    let library: String = rust_files("src").iter().map(|source| source.text.clone()).collect();
    let missing = files("docs").into_iter().filter(|path| path.ends_with(".md")).filter(|path| {
        !library.lines().any(|line| line.contains("include_str!") && line.contains(path.as_str()))
    });
    let what = "no module includes this guide, so its code is not compiled";
    assert_clean(missing.map(|path| Violation { path, line: 1, what: what.to_owned() }).collect());
}

#[test]
fn examples_are_named_in_the_readme() {
    let readme = read("README.md");
    let names = files("examples").into_iter().filter(|path| path.ends_with(".rs")).filter(|path| {
        let inner = path.trim_start_matches("examples/").trim_end_matches(".rs");
        let name = inner.strip_suffix("/main").unwrap_or(inner);
        !name.contains('/') && !mentions(&readme, name)
    });
    let what = "README.md does not mention this example";
    assert_clean(names.map(|path| Violation { path, line: 1, what: what.to_owned() }).collect());
}

fn mentions(text: &str, name: &str) -> bool {
    text.split(|char: char| !source::is_name_char(char)).any(|word| word == name)
}

#[test]
fn changelog_has_a_place_for_what_is_new() {
    let changelog = read("CHANGELOG.md");
    assert!(changelog.lines().any(|line| line == "## [Unreleased]"), "CHANGELOG.md: no Unreleased");
}
