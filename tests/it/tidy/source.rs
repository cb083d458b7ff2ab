//! A source file as the checks see it: comments and strings blanked out, tests marked.

use std::ops::Range;

/// One Rust source file of the crate.
pub struct Source {
    /// Path inside the crate, with forward slashes.
    pub path: String,
    /// The text as it was written.
    pub text: String,
    /// The text with comments, strings and character literals replaced by spaces, so that every
    /// byte that is left is code and stands where it stood.
    pub code: String,
    /// For each line, whether it belongs to a test module.
    pub test_lines: Vec<bool>,
}

/// A function with a body.
pub struct Function {
    pub name: String,
    /// Bytes from the word `fn` to the closing brace.
    pub span: Range<usize>,
    /// Bytes between the braces.
    pub body: Range<usize>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let code = blank_comments_and_literals(text);
        let mut test_lines = vec![false; text.lines().count()];
        let mut source = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            test_lines: test_lines.clone(),
        };
        for span in source.test_spans() {
            let (first, last) = (source.line_at(span.start), source.line_at(span.end));
            test_lines[first - 1..last].fill(true);
        }
        source.test_lines = test_lines;
        source
    }

    /// The 1-based line that holds the byte at `offset`.
    pub fn line_at(&self, offset: usize) -> usize {
        let end = offset.min(self.text.len());
        1 + self.text.as_bytes()[..end].iter().filter(|&&byte| byte == b'\n').count()
    }

    pub fn in_test(&self, offset: usize) -> bool {
        self.test_lines.get(self.line_at(offset) - 1).copied().unwrap_or(false)
    }

    /// Offsets at which `word` stands in the code as a word of its own.
    pub fn words(&self, word: &str) -> Vec<usize> {
        let starts_as_name = word.starts_with(is_name_char);
        let ends_as_name = word.ends_with(is_name_char);
        self.code
            .match_indices(word)
            .map(|(offset, _)| offset)
            .filter(|&offset| {
                let before = self.code[..offset].chars().next_back();
                let after = self.code[offset + word.len()..].chars().next();
                let is_longer = starts_as_name && before.is_some_and(is_name_char)
                    || ends_as_name && after.is_some_and(is_name_char);
                !is_longer
            })
            .collect()
    }

    /// Every function that has a body, nested ones too.
    pub fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        for start in self.words("fn") {
            let name = name_at(self.code[start + 2..].trim_start());
            if name.is_empty() {
                continue;
            }
            let Some(open) = self.body_start(start) else { continue };
            let close = self.closing_brace(open);
            functions.push(Function { name, span: start..close, body: open + 1..close });
        }
        functions
    }

    /// Paths of the test modules that this file declares but keeps elsewhere, as names.
    pub fn external_test_modules(&self) -> Vec<String> {
        self.test_attributes()
            .into_iter()
            .filter_map(|(_, item)| {
                let declaration = self.code[item..].split(['{', ';']).next()?;
                let is_external = self.code[item + declaration.len()..].starts_with(';');
                let name = declaration.trim().strip_prefix("mod ")?;
                is_external.then(|| name.trim().to_owned())
            })
            .collect()
    }

    /// Offset just past the attribute at `offset` (`#[`) and any attributes after it.
    pub fn past_attributes(&self, offset: usize) -> usize {
        let mut at = offset;
        loop {
            at += self.code[at..].len() - self.code[at..].trim_start().len();
            if !self.code[at..].starts_with("#[") && !self.code[at..].starts_with("#![") {
                return at;
            }
            let mut depth = 0usize;
            let Some(length) = self.code[at..].find(|char| {
                match char {
                    '[' => depth += 1,
                    ']' => depth -= 1,
                    _ => return false,
                }
                depth == 0
            }) else {
                return self.code.len();
            };
            at += length + 1;
        }
    }

    fn test_attributes(&self) -> Vec<(usize, usize)> {
        ["#[cfg(test)]", "#[cfg(all(test"]
            .iter()
            .flat_map(|attribute| self.code.match_indices(attribute))
            .map(|(offset, _)| (offset, self.past_attributes(offset)))
            .collect()
    }

    fn test_spans(&self) -> Vec<Range<usize>> {
        self.test_attributes()
            .into_iter()
            .map(|(start, item)| match self.code[item..].find(['{', ';']) {
                Some(length) if self.code[item + length..].starts_with('{') => {
                    start..self.closing_brace(item + length)
                }
                Some(length) => start..item + length,
                None => start..self.code.len(),
            })
            .collect()
    }

    /// The brace that opens the body of the function at `start`, `None` if it has no body.
    fn body_start(&self, start: usize) -> Option<usize> {
        let mut depth = 0i32;
        for (offset, char) in self.code[start..].char_indices() {
            match char {
                '(' | '[' => depth += 1,
                ')' | ']' => depth -= 1,
                '{' if depth == 0 => return Some(start + offset),
                ';' if depth == 0 => return None,
                _ => {}
            }
        }
        None
    }

    fn closing_brace(&self, open: usize) -> usize {
        let mut depth = 0i32;
        for (offset, char) in self.code[open..].char_indices() {
            match char {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => continue,
            }
            if depth == 0 {
                return open + offset;
            }
        }
        self.code.len()
    }
}

pub fn is_name_char(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The name that `text` begins with, empty if it begins with something else.
pub fn name_at(text: &str) -> String {
    text.chars().take_while(|&char| is_name_char(char)).collect()
}

fn blank_comments_and_literals(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let length = literal_or_comment(&bytes[at..], at.checked_sub(1).map(|last| bytes[last]));
        for byte in &mut code[at..at + length] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at += length.max(1);
    }
    String::from_utf8(code).expect("whole characters were replaced by spaces")
}

/// Length of the comment or literal at the head of `rest`, 0 if there is none.
fn literal_or_comment(rest: &[u8], before: Option<u8>) -> usize {
    let after_name = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match rest {
        [b'/', b'/', ..] => rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => quoted(rest),
        [b'r', b'"' | b'#', ..] if !after_name => raw_string(rest),
        [b'b', b'r', b'"' | b'#', ..] if !after_name => match raw_string(&rest[1..]) {
            0 => 0,
            length => 1 + length,
        },
        [b'\'', b'\\', ..] => quoted(rest),
        [b'\'', ..] => character(rest),
        _ => 0,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != rest[0] {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn raw_string(rest: &[u8]) -> usize {
    let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return 0;
    }
    let end = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    let content = &rest[2 + hashes..];
    let length = content.windows(end.len()).position(|window| window == end);
    length.map_or(rest.len(), |length| 2 + hashes + length + end.len())
}

/// A character literal such as `'x'`; a lifetime such as `'a` is none.
fn character(rest: &[u8]) -> usize {
    let text = &rest[1..rest.len().min(6)];
    let width = match text.first() {
        Some(byte) if *byte < 0x80 => 1,
        Some(byte) => byte.leading_ones() as usize,
        None => return 0,
    };
    if text.get(width) == Some(&b'\'') { width + 2 } else { 0 }
}
