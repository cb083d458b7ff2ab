"""Draws a board of docs/monitoring as SVG from what a live Prometheus server answers.

    render.py BOARD SERVER SECONDS [END]   the board's JSON file, host:port, how far to look back
                                           from now or from a Unix time

The picture goes to stdout.

This is a drawing of its own, not Grafana's: places, titles, kinds, units, colours, thresholds and
legends come from the board, every number from the server.
"""

import json
import math
import pathlib
import sys
import time
from xml.sax.saxutils import escape

from check import ask, plain

COLUMN, ROW, GAP, WIDTH, TOP = 60, 38, 8, 1448, 56
INK, DIM, LINE, PANEL, GROUND = "#d8d9e2", "#8e919e", "#2b2f36", "#181b1f", "#111217"
PALETTE = """#73bf69 #f2cc0c #5794f2 #ff780a #f2495c #b877d9 #8ab8ff #c0d8ff #fade2a
    #e0b400 #96d98d #ffa6b0""".split()
NAMED = {"green": "#73bf69", "yellow": "#f2cc0c", "orange": "#ff780a", "red": "#f2495c",
         "blue": "#5794f2", "purple": "#b877d9", "text": INK}
POINTS = 150
HIDDEN = {"__name__", "instance", "job"}


def color(name):
    return NAMED.get(name, name if str(name).startswith("#") else INK)


def show(value, unit):
    """A number in the board's unit, in three digits or so."""
    if value is None or not math.isfinite(value):
        return "no data"
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    if unit in ("s", "dtdurations"):
        for size, word in [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")]:
            if abs(value) >= size:
                return f"{value / size:.3g} {word}"
        return f"{value * 1e6:.3g} µs"
    if unit == "bool":
        return "true" if value else "false"
    if unit == "dateTimeAsIso":
        return time.strftime("%Y-%m-%d", time.gmtime(value / 1000))
    word = {"ops": "/s", "reqps": " req/s"}.get(unit, "")
    if unit == "bytes":
        return f"{value / 2**20:.3g} MiB"
    if unit == "locale" or abs(value) < 1_000:
        text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    else:
        sizes = [(1e9, " B"), (1e6, " M"), (1e3, " K")]
        size, letter = next(one for one in sizes if abs(value) >= one[0])
        text = f"{value / size:.3g}{letter}"
    return text + word


def text(x, y, words, size=12, fill=INK, anchor="start", weight=400):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" '
            f'text-anchor="{anchor}" font-weight="{weight}">{escape(str(words))}</text>')


def box(x, y, w, h, fill, more=""):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="{fill}" {more}/>'


def legend_of(target, labels):
    name = target.get("legendFormat") or ""
    for label in labels:
        name = name.replace("{{" + label + "}}", labels[label])
    return name.strip() or ", ".join(f"{key}={labels[key]}" for key in labels)


class Panel:
    """One panel with its answers; `draw` gives the inner part by the panel's kind."""

    def __init__(self, panel, board):
        self.panel, self.board = panel, board
        self.defaults = panel["fieldConfig"]["defaults"]
        self.unit = self.defaults.get("unit", "short")
        place = panel["gridPos"]
        self.x, self.y = place["x"] * COLUMN + GAP, place["y"] * ROW + TOP
        self.w, self.h = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP

    def series(self):
        """Legend, unit and points of each series, oldest point first."""
        found = []
        for target in self.panel["targets"]:
            step = max(1, self.board.span // POINTS)
            answer, error = ask(self.board.server, "query_range", step=step, end=self.board.end,
                                query=plain(target["expr"], self.board.variables),
                                start=self.board.end - self.board.span)
            if error:
                sys.exit(f"{self.panel['title']}: {error}")
            for one in answer["result"]:
                points = [(at, float(value)) for at, value in one["values"]]
                points = [point for point in points if math.isfinite(point[1])]
                if points:
                    name = legend_of(target, one["metric"])
                    found.append((name, self.unit_of(target), points, one["metric"]))
        return found

    def unit_of(self, target):
        names = (target.get("refId"), target.get("legendFormat"))
        for change in self.panel["fieldConfig"].get("overrides", []):
            if change["matcher"]["options"] in names:
                for one in change["properties"]:
                    if one["id"] == "unit":
                        return one["value"]
        return self.unit

    def last(self):
        return [(name, points[-1][1]) for name, _, points, _ in self.series()]

    def threshold(self, value):
        steps = self.defaults.get("thresholds", {}).get("steps", [])
        reached = [one for one in steps if one["value"] is None or value >= one["value"]]
        return color(reached[-1]["color"]) if reached else NAMED["green"]

    def words(self, value, unit=None):
        for mapping in self.defaults.get("mappings", []):
            found = mapping.get("options", {}).get(f"{value:g}")
            if found:
                return found["text"], color(found["color"])
        return show(value, unit or self.unit), self.threshold(value)

    def draw(self):
        title = self.panel["title"]
        parts = [box(self.x, self.y, self.w, self.h, PANEL, f'stroke="{LINE}" rx="3"'),
                 text(self.x + 10, self.y + 20, title, 13, weight=600)]
        kinds = {"timeseries": self.timeseries, "stat": self.stat, "gauge": self.gauge,
                 "piechart": self.pie, "bargauge": self.bars, "heatmap": self.heatmap,
                 "table": self.table}
        inner = kinds[self.panel["type"]]()
        if not inner:
            pending = "pending" in title
            words = "No data: nothing feeds it yet" if pending else "No data"
            inner = [text(self.x + self.w / 2, self.y + self.h / 2 + 8, words, 13, DIM, "middle")]
        return parts + inner

    def timeseries(self):
        found = self.series()
        if not found:
            return []
        left, right = self.x + 62, self.x + self.w - 12
        rows = legend_rows(found, right - left)
        top, bottom = self.y + 36, self.y + self.h - 26 - 16 * len(rows)
        # Each unit has a scale of its own; the axis shows the first one's.
        scales = {}
        for unit in {unit for _, unit, _, _ in found}:
            values = [value for _, own, points, _ in found if own == unit for _, value in points]
            scales[unit] = scale(min(values + [0.0]), max(values))
        first = found[0][1]

        def at_y(value, unit=first):
            low, high, _ = scales[unit]
            return bottom - (value - low) / (high - low) * (bottom - top)

        start = self.board.end - self.board.span
        at_x = lambda at: left + (at - start) / self.board.span * (right - left)
        parts = []
        for tick in scales[first][2]:
            parts += [box(left, at_y(tick), right - left, 1, LINE),
                      text(left - 8, at_y(tick) + 4, show(tick, first), 11, DIM, "end")]
        parts += self.clock(at_x, bottom + 15)
        for place, (_, unit, points, _) in enumerate(found):
            ink = PALETTE[place % len(PALETTE)]
            path = " ".join(f"{at_x(at):.1f},{at_y(value, unit):.1f}" for at, value in points)
            look = f'fill="none" stroke="{ink}" stroke-width="1.5"'
            parts.append(f'<polyline points="{path}" {look}/>')
        for number, row in enumerate(rows):
            y = self.y + self.h - 10 - 16 * (len(rows) - 1 - number)
            for x, place, words in row:
                parts += [box(left + x, y - 8, 12, 4, PALETTE[place % len(PALETTE)], 'rx="2"'),
                          text(left + x + 17, y - 2, words, 11)]
        return parts

    def clock(self, at_x, y):
        span, end = self.board.span, self.board.end
        step = next(one for one in [15, 30, 60, 120, 300, 600, 900, 1_800] if span / one <= 6)
        marks = range(int(end - span) // step * step + step, int(end), step)
        form = "%H:%M:%S" if step < 60 else "%H:%M"
        return [text(at_x(at), y, time.strftime(form, time.gmtime(at)), 11, DIM, "middle")
                for at in marks if at_x(at) < self.x + self.w - 30]

    def stat(self):
        found = self.series()
        parts = []
        for place, (name, unit, points, _) in enumerate(found):
            words, ink = self.words(points[-1][1], unit)
            middle = self.x + self.w * (place + 0.5) / len(found)
            size = min(44, self.w / len(found) / 4)
            parts.append(text(middle, self.y + self.h / 2 + 22, words, size, ink, "middle", 600))
            if len(found) > 1:
                parts.append(text(middle, self.y + self.h / 2 + 44, name, 12, DIM, "middle"))
        return parts

    def gauge(self):
        found = self.last()
        if not found:
            return []
        low, high = self.defaults.get("min", 0.0), self.defaults.get("max", 1.0)
        x, y, r = self.x + self.w / 2, self.y + self.h - 82, min(self.w / 2 - 40, self.h - 140)
        steps = self.defaults["thresholds"]["steps"]
        part = lambda value: min(1.0, max(0.0, (value - low) / (high - low)))
        edges = [0.0] + [part(one["value"]) for one in steps[1:]] + [1.0]
        parts = [arc(x, y, r, 0.0, 1.0, "#2b2f36", 26)]
        for one, start, end in zip(steps, edges, edges[1:]):
            parts.append(arc(x, y, r + 19, start, end, color(one["color"]), 4))
        name, value = found[0]
        words, ink = self.words(value)
        if part(value) > 0:
            parts.append(arc(x, y, r, 0.0, part(value), ink, 26))
        return parts + [text(x, y, words, 30, ink, "middle", 600),
                        text(x, y + 26, name, 12, DIM, "middle")]

    def pie(self):
        found = [one for one in self.last() if one[1] > 0]
        total = sum(value for _, value in found)
        x, y, r = self.x + 125, self.y + self.h / 2 + 12, min(self.h / 2 - 34, 105)
        parts, start = [], 0.0
        for place, (name, value) in enumerate(sorted(found, key=lambda one: -one[1])):
            ink, share = PALETTE[place % len(PALETTE)], value / total
            parts.append(slice_of(x, y, r, start, start + share, ink))
            line = self.y + 62 + 22 * place
            parts += [box(self.x + 255, line - 9, 10, 10, ink, 'rx="2"'),
                      text(self.x + 272, line, name),
                      text(self.x + self.w - 14, line, f"{show(value, self.unit)}  {share:.0%}",
                           anchor="end", fill=DIM)]
            start += share
        return parts

    def distribution(self):
        """Each bucket by itself, the lowest bound first; what is no bucket comes last."""
        rest, buckets = [], []
        for name, _, points, labels in self.series():
            bound, value = float(labels.get("le", "nan")), points[-1][1]
            known = not math.isnan(bound)
            (buckets if known else rest).append((bound if known else name, value))
        below, found = 0.0, []
        for bound, value in sorted(buckets):
            word = "more" if bound == math.inf else f"≤ {bound:,.6g}"
            found.append((word, max(0.0, value - below)))
            below = value
        return found + rest

    def bars(self):
        found = self.distribution()
        low = self.defaults.get("min", 0.0) or 0.0
        high = self.defaults.get("max") or max([value for _, value in found] + [1.0])
        parts, height = [], (self.h - 50) / max(1, len(found))
        for place, (name, value) in enumerate(found):
            y, width = self.y + 38 + place * height, self.w - 230
            words, ink = self.words(value)
            share = min(1.0, max(0.0, (value - low) / (high - low)))
            thick = min(26, height - 10)
            parts += [text(self.x + 140, y + thick / 2 + 4, name, anchor="end"),
                      box(self.x + 150, y, width, thick, "#22252b", 'rx="2"'),
                      box(self.x + 150, y, width * share, thick, ink, 'rx="2" opacity="0.85"'),
                      text(self.x + self.w - 12, y + thick / 2 + 5, words, 14, ink, "end", 600)]
        return parts

    def heatmap(self):
        """Buckets are told from zero on; a cell is what lies between two bounds."""
        found = sorted(self.series(), key=lambda one: float(one[3].get("le", "inf")))
        counts, below = [], {}
        for name, _, points, _ in found:
            now = dict(points)
            counts.append((name, {at: max(0.0, now[at] - below.get(at, 0.0)) for at in now}))
            below = now
        seen = [place for place, one in enumerate(counts) if max(one[1].values()) > 0]
        if not seen:
            return []
        counts = counts[max(0, seen[0] - 1):seen[-1] + 1]
        top, most = self.y + 36, max(max(one[1].values()) for one in counts)
        left, right, bottom = self.x + 72, self.x + self.w - 12, self.y + self.h - 30
        span, tall = self.board.span, (bottom - top) / len(counts)
        start = self.board.end - span
        at_x = lambda at: left + (at - start) / span * (right - left)
        moments = sorted(counts[-1][1])[::3]
        wide = (right - left) / max(1, len(moments)) - 0.5
        parts = self.clock(at_x, bottom + 16)
        for place, (name, cells) in enumerate(counts):
            y = bottom - (place + 1) * tall
            bound = "more" if name == "+Inf" else "≤ " + show(float(name), self.unit)
            parts.append(text(left - 8, y + tall / 2 + 4, bound, 11, DIM, "end"))
            for at in moments:
                if cells.get(at, 0.0) > 0 and at_x(at) + wide <= right + 1:
                    heat = 0.15 + 0.85 * math.sqrt(cells[at] / most)
                    look = f'opacity="{heat:.2f}"'
                    parts.append(box(at_x(at), y, wide, tall - 1, "#ff780a", look))
        return parts

    def table(self):
        rows = []
        for name, unit, points, labels in self.series():
            words = [labels[key] for key in labels if key not in HIDDEN]
            rows.append((", ".join([*words, name]), show(points[-1][1], unit)))
        parts = []
        for place, (name, value) in enumerate(rows[: int((self.h - 44) // 20)]):
            y = self.y + 46 + 20 * place
            right = self.x + self.w - 12
            parts += [text(self.x + 12, y, name), text(right, y, value, anchor="end")]
        return parts


class Board:
    def __init__(self, path, server, span, end=None):
        self.board = json.loads(pathlib.Path(path).read_text())
        self.server, self.span, self.end = server, int(span), int(end or time.time())
        self.variables = [one["name"] for one in self.board["templating"]["list"]]

    def svg(self):
        panels = [Panel(panel, self) for panel in self.board["panels"]]
        height = max(panel.y + panel.h for panel in panels) + GAP
        when = time.strftime("%H:%M:%S", time.gmtime(self.end))
        note = (f"drawn from Prometheus' answers, the last {self.span} seconds to {when} UTC; "
                "not Grafana")
        yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
               'font-family="Inter, Helvetica, Arial, sans-serif">')
        yield box(0, 0, WIDTH, height, GROUND)
        yield text(GAP + 4, 34, self.board["title"], 20, weight=600)
        yield text(WIDTH - GAP - 4, 34, note, 12, DIM, "end")
        for panel in panels:
            yield from panel.draw()
        yield "</svg>"


def scale(low, high):
    """Round numbers around a range, and the ticks between them."""
    if high <= low:
        high = low + 1.0
    rough = (high - low) / 4
    unit = 10 ** math.floor(math.log10(rough))
    step = next(one * unit for one in (1, 2, 2.5, 5, 10) if one * unit >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return first * step, last * step, [number * step for number in range(first, last + 1)]


def legend_rows(found, width):
    rows, x = [[]], 0
    for place, (name, unit, points, _) in enumerate(found):
        words = f"{name}  {show(points[-1][1], unit)}"
        wide = 30 + 6.1 * len(words)
        if x + wide > width and rows[-1]:
            rows, x = rows + [[]], 0
        rows[-1].append((x, place, words))
        x += wide
    return rows[:3]


def point(x, y, r, turn):
    return x + r * math.sin(turn), y - r * math.cos(turn)


def arc(x, y, r, start, end, ink, thick):
    """A part of a dial that goes from west-south-west over north to east-south-east."""
    turn = lambda part: math.radians(-115 + 230 * part)
    (x1, y1), (x2, y2) = point(x, y, r, turn(start)), point(x, y, r, turn(end))
    large = int(end - start > 180 / 230)
    return (f'<path d="M{x1:.1f} {y1:.1f}A{r:.1f} {r:.1f} 0 {large} 1 {x2:.1f} {y2:.1f}" '
            f'fill="none" stroke="{ink}" stroke-width="{thick}"/>')


def slice_of(x, y, r, start, end, ink):
    if end - start > 0.9999:
        return f'<circle cx="{x}" cy="{y}" r="{r}" fill="{ink}"/>'
    (x1, y1), (x2, y2) = (point(x, y, r, math.tau * part) for part in (start, end))
    large = int(end - start > 0.5)
    return (f'<path d="M{x:.1f} {y:.1f}L{x1:.1f} {y1:.1f}A{r:.1f} {r:.1f} 0 {large} 1 '
            f'{x2:.1f} {y2:.1f}Z" fill="{ink}" stroke="{PANEL}"/>')


if __name__ == "__main__":
    print("\n".join(Board(*sys.argv[1:]).svg()))
