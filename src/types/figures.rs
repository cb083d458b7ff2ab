//! How numbers and texts are written for people.

/// What stands where a figure is not defined.
pub(crate) const NONE: &str = "-";

/// A plain number with so many decimals.
pub(crate) fn number(value: impl Into<Option<f64>>, digits: usize) -> String {
    match value.into().filter(|value| value.is_finite()) {
        Some(value) => grouped(&format!("{:.digits$}", plain_zero(value, digits))),
        None => NONE.to_owned(),
    }
}

/// A fraction as percent.
pub(crate) fn percent(value: impl Into<Option<f64>>) -> String {
    match value.into().filter(|value| value.is_finite()) {
        Some(value) => format!("{} %", number(value * 100.0, 2)),
        None => NONE.to_owned(),
    }
}

/// Money without its currency: two decimals, more below a hundred where they matter.
pub(crate) fn money(value: impl Into<Option<f64>>) -> String {
    let value = value.into();
    let small = value.is_some_and(|value| value != 0.0 && value.abs() < 1.0);
    number(value, if small { 6 } else { 2 })
}

/// A span of seconds in the largest unit that fits.
pub(crate) fn span(seconds: impl Into<Option<f64>>) -> String {
    let Some(seconds) = seconds.into().filter(|seconds| seconds.is_finite()) else {
        return NONE.to_owned();
    };
    let (divisor, unit) = match seconds {
        s if s < 120.0 => (1.0, "s"),
        s if s < 7_200.0 => (60.0, "min"),
        s if s < 172_800.0 => (3_600.0, "h"),
        s if s < 63_072_000.0 => (86_400.0, "days"),
        _ => (31_557_600.0, "years"),
    };
    format!("{} {unit}", number(seconds / divisor, 1))
}

/// Text of the outside on one line: control characters become blanks, so that no name can
/// forge a line of the report.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// The text cut to so many characters, with an ellipsis.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let text = one_line(text);
    if text.chars().count() <= width {
        return text;
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Zero without a sign where all digits are zeros.
fn plain_zero(value: f64, digits: usize) -> f64 {
    let mut half = 0.5;
    for _ in 0..digits {
        half /= 10.0;
    }
    if value.abs() < half { 0.0 } else { value }
}

/// Commas between thousands.
fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(number(1_234_567.891, 2), "1,234,567.89");
        assert_eq!(number(-123.0, 0), "-123");
        assert_eq!(number(-0.001, 2), "0.00");
        assert_eq!(number(f64::NAN, 2), "-");
        assert_eq!(number(None, 2), "-");
        assert_eq!(percent(-0.12345), "-12.35 %");
        assert_eq!(money(0.000_125), "0.000125");
        assert_eq!(span(90.0), "90.0 s");
        assert_eq!(span(86_400.0 * 12.5), "12.5 days");
        assert_eq!(cut("a\nrun hash", 20), "a run hash");
        assert_eq!(cut("abcdef", 4), "abc…");
    }
}
