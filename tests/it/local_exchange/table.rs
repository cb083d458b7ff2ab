//! The table of failure modes in the guide names tests that exist, all modes, and each test once.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path() {
            path if path.is_dir() => rust_files(&path, found),
            path if path.extension().is_some_and(|ending| ending == "rs") => found.push(path),
            _ => {}
        }
    }
}

#[test]
fn the_table_of_failure_modes_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("tests/it"), &mut files);
    let mut tests = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        for line in text.lines() {
            let line = line.trim();
            let name = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "));
            tests.extend(name.and_then(|rest| rest.split('(').next()).map(str::to_owned));
        }
    }
    let guide = fs::read_to_string(root.join("docs/local-exchange.md")).unwrap();
    let (_, table) = guide.split_once("## Failure modes").expect("the table's heading");
    let table = table.split("\n## ").next().unwrap();
    let mut modes = Vec::new();
    let mut named = BTreeSet::new();
    for row in table.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let Ok(mode) = cells[0].parse::<u32>() else { continue };
        modes.push(mode);
        let names: Vec<&str> = cells[3].split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            assert!(tests.contains(name), "{name} is no test");
            assert!(name.contains(&format!("{mode:02}")) || !name.starts_with("failure_"), "{row}");
            named.insert(name.to_owned());
        }
    }
    assert_eq!(modes, (1..=23).collect::<Vec<u32>>());
    let left_out: Vec<&String> = tests
        .iter()
        .filter(|name| name.starts_with("failure_") && !named.contains(*name))
        .collect();
    assert!(left_out.is_empty(), "not in the table: {left_out:?}");
}
