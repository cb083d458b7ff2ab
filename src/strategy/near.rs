//! Names that a mistyped name may have meant.

/// At most three of the known names, the nearest first.
pub(super) fn near_matches<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let folded = fold(name);
    // One slip in a short name, more in a longer one.
    let limit = 1 + (folded.len() + 2) / 5;
    let mut near: Vec<(usize, &str)> = known
        .filter_map(|candidate| {
            let other = fold(candidate);
            let is_part = folded.len() >= 3
                && (contains(&other, &folded) || (other.len() >= 3 && contains(&folded, &other)));
            let distance = if is_part { 1 } else { edit_distance(&folded, &other) };
            (distance <= limit).then_some((distance, candidate))
        })
        .collect();
    near.sort_unstable();
    near.into_iter().take(3).map(|(_, candidate)| candidate.to_owned()).collect()
}

/// Letters and digits in one case: `mean-reversion` means `MEAN_REVERSION`.
fn fold(name: &str) -> Vec<char> {
    // A name of unbounded length from outside must not cost a quadratic amount of time.
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(64).collect()
}

fn contains(whole: &[char], part: &[char]) -> bool {
    !part.is_empty() && whole.windows(part.len()).any(|window| window == part)
}

/// Insertions, deletions and replacements between two texts (Levenshtein, 1966).
fn edit_distance(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(to) {
            let above = *cell;
            left = (diagonal + usize::from(a != b)).min(above + 1).min(left + 1);
            (diagonal, *cell) = (above, left);
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(from.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(from: &str, to: &str) -> usize {
        edit_distance(&fold(from), &fold(to))
    }

    #[test]
    fn distances_of_known_words() {
        for (from, to, expected) in [
            ("kitten", "sitting", 3),
            ("", "abc", 3),
            ("abc", "", 3),
            ("flaw", "lawn", 2),
            ("MACD", "macd", 0),
            ("WVAP", "VWAP", 2),
        ] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn slips_find_their_name_and_noise_finds_none() {
        let known = ["MEAN_REVERSION", "BREAKOUT", "VWAP", "MACD", "RSI_REVERSION"];
        let near = |name| near_matches(name, known.into_iter());
        assert_eq!(near("MEAN_REVERSON"), ["MEAN_REVERSION"]);
        assert_eq!(near("mean reversion"), ["MEAN_REVERSION", "RSI_REVERSION"], "nearest first");
        assert_eq!(near("breakuot"), ["BREAKOUT"]);
        assert_eq!(near("wvap"), ["VWAP"]);
        assert_eq!(near("REVERSION"), ["MEAN_REVERSION", "RSI_REVERSION"]);
        assert!(near("ZIGZAG").is_empty());
        assert!(near("").is_empty());
    }
}
