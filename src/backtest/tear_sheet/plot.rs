//! One plot as SVG.

use core::fmt::Write;

use super::axis::{Scale, Unit, dates, numbers};
use super::page::escape;
use super::sample::thinned;

const WIDTH: f64 = 1_000.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 30.0;

/// A plot in the making: frame and grid first, then what is drawn into it.
pub(super) struct Plot {
    svg: String,
    x: Scale,
    y: Scale,
    height: f64,
}

/// What an axis shows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Axis {
    /// Seconds since 1970.
    Time,
    /// Numbers.
    Values(Unit),
}

/// Which way a triangle points.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arrow {
    Up,
    Down,
}

impl Plot {
    /// A frame with grid and labels. `label` says what is seen to those who cannot see it.
    pub(super) fn new(
        label: &str,
        height: f64,
        (x, x_axis): ((f64, f64), Axis),
        (y, y_unit): ((f64, f64), Unit),
    ) -> Self {
        let mut svg = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{}">"#,
            escape(label)
        );
        let x = Scale { low: x.0, high: x.1, from: LEFT, to: WIDTH - RIGHT };
        let room = (y.1 - y.0) * 0.04;
        let y = Scale { low: y.0 - room, high: y.1 + room, from: height - BOTTOM, to: TOP };
        let mut plot = Self { svg, x, y, height };
        plot.grid(x_axis, y_unit);
        plot
    }

    fn grid(&mut self, x_axis: Axis, y_unit: Unit) {
        let (x, y) = (self.x, self.y);
        for (value, label) in numbers(y.low, y.high, y_unit) {
            let at = y.place(value);
            let class = if value == 0.0 { "zero" } else { "grid" };
            let _ = write!(
                self.svg,
                r#"<line class="{class}" x1="{LEFT}" x2="{:.1}" y1="{at:.1}"
y2="{at:.1}"/><text class="axis" x="{:.1}" y="{:.1}" text-anchor="end">{label}</text>"#,
                WIDTH - RIGHT,
                LEFT - 8.0,
                at + 4.5,
            );
        }
        let ticks = match x_axis {
            Axis::Time => dates(x.low, x.high),
            Axis::Values(unit) => numbers(x.low, x.high, unit),
        };
        for (value, label) in ticks {
            // A label at the edge would be cut off.
            let at = x.place(value);
            let middle = at.clamp(LEFT + 20.0, WIDTH - RIGHT - 28.0);
            let _ = write!(
                self.svg,
                r#"<line class="grid" x1="{at:.1}" x2="{at:.1}" y1="{TOP}"
y2="{:.1}"/><text class="axis" x="{middle:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
                self.height - BOTTOM,
                self.height - BOTTOM + 18.0,
            );
        }
    }

    /// A line through the points, thinned.
    pub(super) fn line(&mut self, points: &[(f64, f64)], class: &str) {
        let path = self.path(&thinned(points));
        let _ = write!(self.svg, r#"<path class="line {class}" d="{path}"/>"#);
    }

    /// The area between the points, thinned, and a value.
    pub(super) fn area(&mut self, points: &[(f64, f64)], base: f64, class: &str) {
        let points = thinned(points);
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
        let (start, end) = (self.x.place(first.0), self.x.place(last.0));
        let floor = self.y.place(base);
        let path = self.path(&points);
        let _ = write!(
            self.svg,
            r#"<path class="area {class}" d="{path}L{end:.1} {floor:.1}L{start:.1} {floor:.1}Z"/>"#
        );
        let _ = write!(self.svg, r#"<path class="line {class}" d="{path}"/>"#);
    }

    /// A box between two values of x, from zero to a value of y.
    pub(super) fn bar(&mut self, (from, to): (f64, f64), value: f64, class: &str) {
        let (left, right) = (self.x.place(from), self.x.place(to));
        let (top, floor) = (self.y.place(value), self.y.place(0.0));
        let _ = write!(
            self.svg,
            r#"<rect class="{class}" x="{:.1}" y="{top:.1}" width="{:.1}" height="{:.1}"/>"#,
            left + 0.5,
            (right - left - 1.0).max(0.5),
            (floor - top).max(0.0),
        );
    }

    /// A triangle whose tip is at the point.
    pub(super) fn arrow(&mut self, (x, y): (f64, f64), arrow: Arrow, class: &str) {
        let (x, y) = (self.x.place(x), self.y.place(y));
        let below = match arrow {
            Arrow::Up => 9.0,
            Arrow::Down => -9.0,
        };
        let _ = write!(self.svg, r#"<path class="{class}" d="M{x:.1} {y:.1}l-4.5 {below}h9Z"/>"#);
    }

    /// A vertical line at a value of x.
    pub(super) fn mark(&mut self, value: f64) {
        let at = self.x.place(value);
        let _ = write!(
            self.svg,
            r#"<line class="zero" x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{:.1}"/>"#,
            self.height - BOTTOM,
        );
    }

    /// The finished picture with the names of its lines below it.
    pub(super) fn finish(mut self, legend: &[(&str, &str)]) -> String {
        self.svg.push_str("</svg>");
        if !legend.is_empty() {
            self.svg.push_str(r#"<p class="legend">"#);
            for (class, name) in legend {
                let name = escape(name);
                let _ = write!(self.svg, r#"<span><i class="{class}"></i>{name}</span>"#);
            }
            self.svg.push_str("</p>");
        }
        self.svg
    }

    fn path(&self, points: &[(f64, f64)]) -> String {
        let mut path = String::new();
        for (index, (x, y)) in points.iter().enumerate() {
            let step = if index == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{step}{:.1} {:.1}", self.x.place(*x), self.y.place(*y));
        }
        path
    }
}
