//! Each rule finds the fault it is there for, and leaves what is right alone.

use super::rules::{self, Violation};
use super::source::Source;

/// The lines that the rule finds fault with, in the order it reports them.
fn lines(rule: impl Fn(&Source) -> Vec<Violation>, path: &str, text: &str) -> Vec<usize> {
    rule(&Source::new(path, text)).iter().map(|violation| violation.line).collect()
}

/// No violation.
const NONE: [usize; 0] = [];

#[test]
fn comments_and_literals_are_no_code() {
    let text = r##"let a = "x // y"; // crate::live
let b = 'c'; /* nested /* crate::live */ */ let c: &'a str = r#"crate::live"#;
let d = '\''; let e = b"\"crate::live"; let f = 'é'; let g = "\
    crate::live";"##;
    let source = Source::new("src/types/x.rs", text);
    assert_eq!(source.code.len(), text.len());
    assert_eq!(source.words("crate"), NONE);
    assert_eq!(source.words("let").len(), 7);
    assert!(source.code.contains("&'a str"));
}

#[test]
fn errors_that_say_nothing_of_themselves_are_found() {
    let text = "#[derive(Debug, thiserror::Error)]
pub enum Fault { A }
pub struct LoudError;
pub(crate) struct InnerError;
pub struct Plain;
pub struct SaidError;
impl Classify for SaidError {}
";
    let sources = [Source::new("src/types/x.rs", text)];
    let found: Vec<usize> =
        rules::classified_errors(&sources).iter().map(|violation| violation.line).collect();
    assert_eq!(found, [2, 3]);
}

#[test]
fn imports_up_and_sideways_are_found() {
    let text = "use crate::types::Bar;
use crate::order::Order;
use crate::{
    math,
    engine::{Engine, Input},
};
fn judge(rule: crate::risk::Rule, clock: crate::live::Clock) {}
#[cfg(test)]
mod tests {
    use crate::engine::Engine;
}
";
    assert_eq!(lines(rules::floors, "src/risk/heat.rs", text), [2, 3, 7]);
}

#[test]
fn relative_paths_are_followed_to_the_crate_root() {
    let text = "use super::Rule;\nuse super::super::order::Order;\nuse super::super::types;\n";
    assert_eq!(lines(rules::floors, "src/risk/heat.rs", text), [2]);
    assert_eq!(lines(rules::floors, "src/order/mod.rs", "use super::engine::Engine;\n"), [1]);
}

#[test]
fn the_crate_root_hides_no_floor() {
    assert_eq!(lines(rules::floors, "src/risk/mod.rs", "use crate::prelude::*;\n"), [1]);
    assert_eq!(lines(rules::floors, "src/novel/mod.rs", "\n"), [1]);
    assert_eq!(lines(rules::floors, "src/lib.rs", "pub use crate::engine::Engine;\n"), NONE);
    assert_eq!(lines(rules::floors, "src/risk/mod.rs", "crate::newtype!(Limit);\n"), NONE);
}

#[test]
fn a_module_with_its_own_floor_inside_another_is_told_apart() {
    let text = "use crate::metrics::Sink;\nuse crate::engine::Engine;\n";
    assert_eq!(lines(rules::floors, "src/metrics/prometheus.rs", text), NONE);
    assert_eq!(lines(rules::floors, "src/metrics/memory.rs", text), [2]);
}

#[test]
fn long_files_are_found_and_tests_are_not_counted() {
    let long = "// x\n".repeat(rules::MAX_FILE_LINES);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{long}}}\n");
    assert_eq!(lines(rules::file_length, "src/a.rs", &format!("{long}{tests}")), NONE);
    assert_eq!(lines(rules::file_length, "src/a.rs", &format!("{long}// x\n{tests}")), [1]);
}

#[test]
fn long_functions_are_found() {
    let body = "    step();\n".repeat(rules::MAX_FUNCTION_LINES - 2);
    let fits = format!("fn fits(x: [u8; 2]) -> u8 {{\n{body}}}\n");
    let long = format!("type F = fn(u8);\nfn long() {{\n{body}    step();\n}}\n");
    assert_eq!(lines(rules::function_length, "src/a.rs", &fits), NONE);
    assert_eq!(lines(rules::function_length, "src/a.rs", &long), [2]);
}

#[test]
fn wide_lines_are_found() {
    let (text, word) = ("é".repeat(98), "x".repeat(98));
    let wide = format!("// {text}\n// https://{word}\n//! | {word} |\n");
    assert_eq!(lines(rules::line_width, "src/a.rs", &wide), [1]);
}

#[test]
fn cfg_out_of_place_is_found() {
    let text = r#"#[cfg(feature = "live")]
pub mod live;
#[cfg(feature = "live")]
#[doc(inline)]
pub use live::Runner;
#[cfg(feature = "live")]
fn start() {}
#[cfg(unix)]
fn body() {
    if cfg!(debug_assertions) {}
    #[cfg(unix)]
    go();
}
"#;
    assert_eq!(lines(rules::cfg_placement, "src/a/mod.rs", text), [10, 11, 6]);
    let declaration = "#[cfg(feature = \"live\")]\nmod live;\n";
    assert_eq!(lines(rules::cfg_placement, "src/a/b.rs", declaration), [1]);
}

#[test]
fn panics_without_an_invariant_are_found() {
    let text = r#"fn a() {
    b.unwrap();
    // invariant: b was filled above, so this holds
    // in every state
    let c = b
        .d()
        .expect("filled");
    e.expect("x"); // invariant: one entry per id
    f.expect("y");
    unreachable!();
    g.unwrap_or(1);
}
#[cfg(test)]
mod tests {
    fn t() {
        b.unwrap();
    }
}
"#;
    assert_eq!(lines(rules::panics, "src/a.rs", text), [2, 9, 10]);
}

#[test]
fn banned_names_are_found() {
    let text = "use std::collections::HashMap;
// a HashMap
struct MyHashMap;
let x = Decimal::try_from(1.5);
let y: Decimal = z.iter().sum::<Decimal>();
";
    assert_eq!(lines(rules::banned_names, "src/a.rs", text), [1, 4, 5]);
}

#[test]
fn traces_of_a_machine_are_found() {
    let folder = concat!("/t", "mp/");
    let inner = concat!("wo", "rk/");
    let promise = concat!("TO", "DO later");
    let host = concat!("pypi", ".org/x");
    let text = format!("a {folder}x\nb/{inner}x\n// {promise}\nhttps://{host}\n");
    let found = rules::machine_traces("README.md", &text);
    assert_eq!(found.iter().map(|violation| violation.line).collect::<Vec<_>>(), [1, 3, 4]);
    assert!(found[0].to_string().starts_with("README.md:1: "));
}
