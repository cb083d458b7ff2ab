//! A curve drawn with block characters.

/// Eighths of a cell.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A filled curve of `width` columns and `height` rows, the topmost row first. Each column
/// shows the last value of its share of the points. `None` for fewer than two finite values or
/// a flat curve.
pub(super) fn area(values: &[f64], width: usize, height: usize) -> Option<Vec<String>> {
    let columns = columns(values, width)?;
    let low = columns.iter().copied().min_by(f64::total_cmp)?;
    let high = columns.iter().copied().max_by(f64::total_cmp)?;
    if !(high > low) {
        return None;
    }
    let steps = (height * 8) as f64;
    // At least an eighth, so that the lowest point is seen.
    let filled = |value: f64| ((value - low) / (high - low) * (steps - 1.0)).round() as usize + 1;
    let row = |row: usize| {
        let below = (height - 1 - row) * 8;
        let cell = |value: &f64| {
            let eighths = filled(*value).saturating_sub(below).min(8);
            EIGHTHS.get(eighths).copied().unwrap_or(' ')
        };
        columns.iter().map(cell).collect()
    };
    Some((0..height).map(row).collect())
}

fn columns(values: &[f64], width: usize) -> Option<Vec<f64>> {
    let values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if values.len() < 2 || width == 0 {
        return None;
    }
    let pick = |column: usize| {
        let place = (column + 1) * values.len() / width;
        values.get(place.saturating_sub(1)).copied()
    };
    (0..width).map(pick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rising_line_fills_from_the_left_below() {
        let values: Vec<f64> = (0..16).map(f64::from).collect();
        let rows = area(&values, 16, 2).unwrap();
        assert_eq!(rows, ["        ▁▂▃▄▅▆▇█", "▁▂▃▄▅▆▇█████████"].map(str::to_owned));
        assert_eq!(area(&[1.0, 1.0], 8, 2), None);
        assert_eq!(area(&[1.0], 8, 2), None);
        assert_eq!(area(&[f64::NAN, 1.0], 8, 2), None);
    }
}
