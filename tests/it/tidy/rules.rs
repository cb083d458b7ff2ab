//! The rules, each a function from sources to violations.

use super::source::{Source, is_name_char, name_at};

pub const MAX_FILE_LINES: usize = 500;
pub const MAX_FUNCTION_LINES: usize = 70;
pub const MAX_COLUMNS: usize = 100;

/// Where each module stands. Imports go down only; modules on one floor never import one another.
const FLOORS: &[(&str, u8)] = &[
    ("types", 0),
    ("math", 1),
    ("metrics", 1),
    ("strategy", 2),
    ("risk", 2),
    ("order", 2),
    ("account", 2),
    ("engine", 3),
    ("alert", 3),
    ("monitor", 3),
    ("sim", 4),
    ("backtest", 5),
    ("venue", 5),
    ("resilience", 5),
    ("research", 5),
    ("live", 6),
    ("journal", 6),
    ("metrics::prometheus", 6),
    ("ml", 6),
    ("config", 6),
    ("local_exchange", 7),
    ("logging", 7),
    ("service", 7),
    ("testkit", 7),
    ("runtime", 8),
];

/// One broken rule, printed as `path:line: what`.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    pub path: String,
    pub line: usize,
    pub what: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.what)
    }
}

fn broken(source: &Source, offset: usize, what: String) -> Violation {
    Violation { path: source.path.clone(), line: source.line_at(offset), what }
}

/// Imports between modules of the crate go down only.
pub fn floors(source: &Source) -> Vec<Violation> {
    let module = module_path(&source.path);
    if module.is_empty() {
        return Vec::new();
    }
    let Some((own, own_floor)) = floor_of(&module) else {
        return vec![broken(source, 0, format!("module `{}` has no floor", module[0]))];
    };
    let mut violations = Vec::new();
    for (offset, target) in crate_paths(source, module.len()) {
        if source.in_test(offset) || target.first().is_some_and(|name| name.ends_with('!')) {
            continue;
        }
        let path = target.join("::");
        match floor_of(&target) {
            None => violations.push(broken(
                source,
                offset,
                format!("`crate::{path}` goes through the crate root, which hides its floor"),
            )),
            Some((other, floor)) if other != own && floor >= own_floor => {
                let how = if floor == own_floor { "its sibling" } else { "up to" };
                violations.push(broken(
                    source,
                    offset,
                    format!("`{own}` (floor {own_floor}) imports {how} `{other}` (floor {floor})"),
                ));
            }
            Some(_) => {}
        }
    }
    violations
}

fn floor_of(module: &[String]) -> Option<(&'static str, u8)> {
    let two = module.iter().take(2).cloned().collect::<Vec<_>>().join("::");
    let find = |name: &str| FLOORS.iter().find(|(module, _)| *module == name).copied();
    find(&two).or_else(|| find(module.first()?))
}

/// `src/risk/rules/heat.rs` is `["risk", "rules", "heat"]`; the crate root is empty.
fn module_path(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut names: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if matches!(names.last().map(String::as_str), Some("mod" | "lib")) {
        names.pop();
    }
    names
}

/// Every path into the crate: where it stands and its first two names.
fn crate_paths(source: &Source, depth: usize) -> Vec<(usize, Vec<String>)> {
    let mut paths = Vec::new();
    for offset in source.words("crate") {
        if let Some(rest) = source.code[offset + 5..].strip_prefix("::") {
            collect_names(rest, offset, &mut paths);
        }
    }
    for offset in source.words("super") {
        if source.code[..offset].ends_with("super::") {
            continue;
        }
        let mut rest = &source.code[offset..];
        let mut supers = 0;
        while let Some(after) = rest.strip_prefix("super::") {
            (rest, supers) = (after, supers + 1);
        }
        if supers == depth {
            collect_names(rest, offset, &mut paths);
        }
    }
    paths
}

fn collect_names(rest: &str, offset: usize, paths: &mut Vec<(usize, Vec<String>)>) {
    let Some(group) = rest.strip_prefix('{') else {
        paths.push((offset, first_names(rest)));
        return;
    };
    let mut depth = 1;
    let mut expects_name = true;
    for (at, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => expects_name = true,
            _ if depth == 1 && expects_name && is_name_char(char) => {
                paths.push((offset, first_names(&group[at..])));
                expects_name = false;
            }
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

fn first_names(rest: &str) -> Vec<String> {
    let first = name_at(rest);
    let after = &rest[first.len()..];
    if after.starts_with('!') {
        return vec![format!("{first}!")];
    }
    let second = after.strip_prefix("::").map(name_at).filter(|name| !name.is_empty());
    std::iter::once(first).chain(second).collect()
}

/// Files stay short enough to be read in one go; tests are not counted.
pub fn file_length(source: &Source) -> Vec<Violation> {
    let lines = source.test_lines.iter().filter(|&&in_test| !in_test).count();
    if lines <= MAX_FILE_LINES {
        return Vec::new();
    }
    let what = format!("{lines} lines without tests, at most {MAX_FILE_LINES}: split it by idea");
    vec![broken(source, 0, what)]
}

/// A function fits on a screen.
pub fn function_length(source: &Source) -> Vec<Violation> {
    let outside_tests = source.functions().into_iter().filter(|f| !source.in_test(f.span.start));
    outside_tests
        .filter_map(|function| {
            let first = source.line_at(function.span.start);
            let lines = source.line_at(function.span.end) - first + 1;
            (lines > MAX_FUNCTION_LINES).then(|| {
                let name = &function.name;
                let what = format!("`{name}` has {lines} lines, at most {MAX_FUNCTION_LINES}");
                broken(source, function.span.start, what)
            })
        })
        .collect()
}

/// Lines fit side by side on a screen; an address or a row of a table cannot be broken.
pub fn line_width(source: &Source) -> Vec<Violation> {
    let lines = source.text.lines().enumerate();
    lines
        .filter(|(_, line)| line.chars().count() > MAX_COLUMNS && can_be_broken(line))
        .map(|(index, line)| Violation {
            path: source.path.clone(),
            line: index + 1,
            what: format!("{} columns, at most {MAX_COLUMNS}", line.chars().count()),
        })
        .collect()
}

fn can_be_broken(line: &str) -> bool {
    let text = line.trim_start();
    !line.contains("://") && !text.starts_with("//! |") && !text.starts_with("/// |")
}

/// A feature adds names and never changes behaviour: `cfg` stays out of function bodies, and a
/// feature is asked for only where a module is declared or exported.
pub fn cfg_placement(source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    let functions = source.functions();
    for word in ["cfg", "cfg_attr"] {
        for offset in source.words(word) {
            let in_body = functions.iter().any(|function| function.body.contains(&offset));
            let after = source.code[offset + word.len()..].trim_start_matches('!');
            if in_body && after.starts_with('(') && !source.in_test(offset) {
                let what = "`cfg` inside a function body: give it a twin file with the same names";
                violations.push(broken(source, offset, what.to_owned()));
            }
        }
    }
    let is_root = ["mod.rs", "lib.rs"].iter().any(|name| source.path.ends_with(name));
    for (offset, _) in source.code.match_indices("#[cfg(") {
        if source.in_test(offset) || !asks_for_feature(&source.code[offset..]) {
            continue;
        }
        let item = &source.code[source.past_attributes(offset)..];
        let mut item_words = item.split_whitespace().filter(|word| !word.starts_with("pub"));
        let is_declaration = matches!(item_words.next(), Some("mod" | "use"));
        if !(is_root && is_declaration) {
            let what = "a feature is asked for only on `mod` and `use` in mod.rs and lib.rs";
            violations.push(broken(source, offset, what.to_owned()));
        }
    }
    violations
}

fn asks_for_feature(attribute: &str) -> bool {
    let end = attribute.find(']').unwrap_or(attribute.len());
    attribute[..end]
        .match_indices("feature")
        .any(|(at, word)| attribute[at + word.len()..end].trim_start().starts_with('='))
}

/// Outside tests nothing may panic but on an invariant that is written down beside it.
pub fn panics(source: &Source) -> Vec<Violation> {
    let calls = [".unwrap()", ".expect(", "panic!", "unreachable!"];
    let lines: Vec<&str> = source.text.lines().collect();
    calls
        .iter()
        .flat_map(|call| source.words(call).into_iter().map(move |offset| (offset, call)))
        .filter(|&(offset, _)| !source.in_test(offset))
        .filter(|&(offset, _)| !states_invariant(&lines, source.line_at(offset) - 1))
        .map(|(offset, call)| {
            let what = format!("`{call}` without a comment `// invariant: ..` at its statement");
            broken(source, offset, what)
        })
        .collect()
}

/// Whether the line, the statement it belongs to or the comment above that states an invariant.
fn states_invariant(lines: &[&str], line: usize) -> bool {
    let mut above_statement = false;
    for (distance, text) in lines[..=line].iter().rev().enumerate() {
        let code = text.split("//").next().unwrap_or_default().trim();
        let is_comment = code.is_empty() && !text.trim().is_empty();
        let ends_statement = distance > 0 && code.ends_with([';', '{', '}']);
        if ends_statement || (above_statement && !is_comment) {
            return false;
        }
        if text.contains("// invariant:") {
            return true;
        }
        above_statement |= is_comment;
    }
    false
}

/// Names that may not stand in the code at all, with the reason.
pub fn banned_names(source: &Source) -> Vec<Violation> {
    const BANNED: &[(&str, &str)] = &[
        ("HashMap", "its order differs from run to run: use BTreeMap or a Vec"),
        ("HashSet", "its order differs from run to run: use BTreeSet or a Vec"),
        ("Decimal::try_from", "money meets statistics in the bridges of `types` only"),
        ("f64::try_from", "money meets statistics in the bridges of `types` only"),
        ("sum::<Decimal>", "the sum of decimals panics on overflow: fold with checked_add"),
        ("product::<Decimal>", "the product of decimals panics: fold with checked_mul"),
    ];
    BANNED
        .iter()
        .flat_map(|&(name, why)| source.words(name).into_iter().map(move |at| (at, name, why)))
        .map(|(offset, name, why)| broken(source, offset, format!("`{name}`: {why}")))
        .collect()
}

/// The public error types of a file: what is named so, and what derives from `thiserror`.
pub fn error_types(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for kind in ["enum", "struct"] {
        for offset in source.words(kind) {
            let name = name_at(source.code[offset + kind.len()..].trim_start());
            let is_public = source.code[..offset].ends_with("pub ");
            let attributes = source.code[..offset].rsplit(['}', ';']).next().unwrap_or_default();
            let is_error = name.ends_with("Error") || attributes.contains("thiserror::Error");
            if is_public && is_error && !source.in_test(offset) {
                found.push((offset, name));
            }
        }
    }
    found
}

/// Every public error says what it means for whoever goes on after it.
pub fn classified_errors(sources: &[Source]) -> Vec<Violation> {
    let is_classified = |name: &str| {
        let words = format!("Classify for {name}");
        sources.iter().any(|source| !source.words(&words).is_empty())
    };
    let mut violations = Vec::new();
    for source in sources {
        for (offset, name) in error_types(source) {
            if !is_classified(&name) {
                let what = format!("`{name}` needs `impl Classify for {name}` (types/classify.rs)");
                violations.push(broken(source, offset, what));
            }
        }
    }
    violations
}

/// What nobody who reads the project could follow: paths of one machine, hosts, promises.
pub fn machine_traces(path: &str, text: &str) -> Vec<Violation> {
    // Written in two halves so that this file does not hold what it looks for.
    let folders = [concat!("/wo", "rk/"), concat!("/t", "mp/"), concat!("/ro", "ot/")];
    let folders = folders.into_iter().chain([concat!("/ho", "me/"), concat!("/Us", "ers/")]);
    let hosts = [
        concat!("index.crates", ".io"),
        concat!("static.crates", ".io"),
        concat!("pypi", ".org"),
        concat!("pythonhosted", ".org"),
        concat!("registry.npmjs", ".org"),
        concat!("deb.debian", ".org"),
        concat!("artifac", "tory"),
    ];
    let promises = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut violations = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut report = |word: &str, kind: &str| {
            let what = format!("`{word}` is {kind}");
            violations.push(Violation { path: path.to_owned(), line: index + 1, what });
        };
        for folder in folders.clone() {
            let starts_path = |at: usize| !line[..at].ends_with(|c| is_name_char(c) || c == '.');
            if line.match_indices(folder).any(|(at, _)| starts_path(at)) {
                report(folder, "a path of one machine");
            }
        }
        hosts
            .iter()
            .filter(|host| line.contains(*host))
            .for_each(|h| report(h, "a registry's host"));
        promises.iter().filter(|word| line.contains(*word)).for_each(|w| report(w, "a promise"));
    }
    violations
}
