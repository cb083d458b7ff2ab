//! The frame of a page.

use core::fmt::{self, Formatter, Write};

/// The look of all pages. Gains and losses differ in lightness too, for readers who do not see
/// red and green apart.
const STYLE: &str = include_str!("style.css");

/// Text that cannot become markup, on one line.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            char if char.is_control() => out.push(' '),
            char => out.push(char),
        }
    }
    out
}

/// Everything before the first section. The policy forbids scripts and any loading, so that
/// even a fault in escaping could do nothing.
pub(super) fn open(title: &str, out: &mut Formatter<'_>) -> fmt::Result {
    writeln!(
        out,
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>{}</title>
<style>
{STYLE}</style>
</head>
<body>
<main>"#,
        escape(title)
    )
}

/// A section with its heading; nothing where there is no content.
pub(super) fn section(title: &str, content: &str, out: &mut Formatter<'_>) -> fmt::Result {
    if content.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>{}</h2>\n{content}\n</section>", escape(title))
}

/// The end of a page.
pub(super) fn close(out: &mut Formatter<'_>) -> fmt::Result {
    writeln!(out, "</main>\n</body>\n</html>")
}

/// A table. Columns after the first `texts` ones are numbers, set to the right.
pub(super) fn table(heads: &[&str], texts: usize, rows: &[Vec<String>]) -> String {
    let mut out = String::from(r#"<div class="wide"><table><thead><tr>"#);
    let class = |column: usize| if column < texts { "" } else { r#" class="number""# };
    for (column, head) in heads.iter().enumerate() {
        let _ = write!(out, r#"<th scope="col"{}>{}</th>"#, class(column), escape(head));
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let _ = write!(out, "<td{}>{}</td>", class(column), escape(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(escape("<b a='1' b=\"2\">&\n"), "&lt;b a=&#39;1&#39; b=&quot;2&quot;&gt;&amp; ");
        assert!(table(&["<i>"], 1, &[vec!["<s>".to_owned()]]).contains("<td>&lt;s&gt;</td>"));
    }
}
