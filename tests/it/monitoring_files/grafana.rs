//! A board as Grafana's classic JSON.

use serde_json::{Value, json};
use tradewright::metrics::{Feed, MetricSpec};

use super::panel::{Ask, Board, Kind, MONEY, Panel, Target};
use super::promql;

/// The dashboard of a board.
pub fn dashboard(board: &Board) -> Value {
    json!({
        "uid": board.uid,
        "title": board.title,
        "description": board.about,
        "tags": ["tradewright", "trading"],
        "style": "dark",
        "timezone": "browser",
        "editable": false,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "version": 1,
        "refresh": "5s",
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {"refresh_intervals": ["5s", "10s", "30s", "1m", "5m"]},
        "annotations": {"list": []},
        "links": [{
            "type": "dashboards", "title": "Boards", "tags": ["tradewright"],
            "asDropdown": true, "includeVars": true, "keepTime": true,
        }],
        "templating": {"list": [
            {
                "name": "datasource", "label": "Data source", "type": "datasource",
                "query": "prometheus", "refresh": 1, "hide": 0,
                "current": {"text": "Prometheus", "value": "Prometheus"},
            },
            variable("instance", "Instance", "label_values(trading_build_info, instance)"),
            variable(
                "strategy",
                "Strategy",
                "label_values(bot_state{instance=~\"$instance\"}, strategy)",
            ),
        ]},
        "panels": placed(&board.panels),
    })
}

fn variable(name: &str, label: &str, query: &str) -> Value {
    json!({
        "name": name, "label": label, "type": "query", "datasource": source(),
        "definition": query, "query": {"query": query, "refId": name},
        "refresh": 2, "sort": 1, "hide": 0,
        "includeAll": true, "multi": true, "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    })
}

fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

/// The columns of Grafana's grid.
const COLUMNS: u32 = 24;

/// Panels from left to right, in rows without holes: each as high as the highest of its row, and
/// what the last of a row leaves free goes to all of it.
fn placed(panels: &[Panel]) -> Vec<Value> {
    let (mut placed, mut y, mut rest) = (Vec::new(), 0, panels);
    while !rest.is_empty() {
        let mut width = 0;
        let fits = |panel: &&Panel| {
            width += panel.width;
            width <= COLUMNS
        };
        let count = rest.iter().take_while(fits).count();
        let (row, later) = rest.split_at(count);
        rest = later;
        let total: u32 = row.iter().map(|panel| panel.width).sum();
        let height = row.iter().map(|panel| panel.height).max().expect("a panel that fits");
        let (mut x, mut used) = (0, 0);
        for panel in row {
            used += panel.width;
            let end = used * COLUMNS / total;
            let place = json!({"x": x, "y": y, "w": end - x, "h": height});
            placed.push(rendered(placed.len() + 1, place, panel));
            x = end;
        }
        y += height;
    }
    placed
}

fn rendered(id: usize, place: Value, panel: &Panel) -> Value {
    let (mark, about) = pending(panel);
    let overrides = panel.targets.iter().enumerate().filter_map(|(index, target)| {
        let unit = target.unit?;
        Some(json!({
            "matcher": matcher(panel.kind, index, target),
            "properties": [{"id": "unit", "value": unit}],
        }))
    });
    let mut rendered = json!({
        "id": id,
        "type": kind(panel.kind),
        "title": format!("{}{mark}", panel.title),
        "description": about,
        "datasource": source(),
        "gridPos": place,
        "targets": panel.targets.iter().enumerate().map(query).collect::<Vec<_>>(),
        "fieldConfig": {
            "defaults": defaults(panel),
            "overrides": overrides.collect::<Vec<_>>(),
        },
        "options": options(panel.kind),
    });
    if panel.kind == Kind::Table {
        let names = panel
            .targets
            .iter()
            .enumerate()
            .map(|(index, target)| (format!("Value #{}", letter(index)), json!(target.legend)));
        let names: serde_json::Map<String, Value> = names.collect();
        let hidden = json!({"Time": true, "__name__": true, "job": true, "instance": true});
        rendered["transformations"] = json!([
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": hidden, "renameByName": names}},
        ]);
    }
    rendered
}

/// What a panel's metrics that nothing feeds yet add to its title and its description.
fn pending(panel: &Panel) -> (&'static str, String) {
    let mut about = panel.about.to_owned();
    let units = panel.targets.iter().filter_map(|target| target.unit).chain([panel.unit]);
    if units.into_iter().any(|unit| unit == MONEY) {
        about.push_str(" Amounts are in the reporting currency.");
    }
    let exprs: Vec<String> = panel.targets.iter().map(Target::expr).collect();
    let is_pending = |expr: &String| promql::metrics(expr).iter().any(|spec| spec.is_pending());
    let waiting = exprs.iter().filter(|expr| is_pending(expr)).count();
    if waiting == 0 {
        return ("", about);
    }
    let mut specs: Vec<&MetricSpec> = Vec::new();
    for spec in exprs.iter().flat_map(|expr| promql::metrics(expr)) {
        if spec.is_pending() && !specs.contains(&spec) {
            specs.push(spec);
        }
    }
    let reasons = specs.iter().map(|spec| match spec.feed {
        Feed::Pending(reason) | Feed::Edge(reason) | Feed::Engine(reason) => {
            format!("{} ({reason})", spec.name)
        }
    });
    let reasons: Vec<String> = reasons.collect();
    let reasons = reasons.join("; ");
    about.push_str(&format!(" Pending, without data until a host feeds it: {reasons}."));
    (if waiting == exprs.len() { " (pending)" } else { " (partly pending)" }, about)
}

fn matcher(kind: Kind, index: usize, target: &Target) -> Value {
    match kind {
        Kind::Table => json!({"id": "byName", "options": target.legend}),
        _ => json!({"id": "byFrameRefID", "options": letter(index)}),
    }
}

fn letter(index: usize) -> char {
    char::from(b'A' + u8::try_from(index).expect("few queries in a panel"))
}

fn query((index, target): (usize, &Target)) -> Value {
    let (format, is_range) = match target.ask {
        Ask::Range => ("time_series", true),
        Ask::Instant => ("time_series", false),
        Ask::Table => ("table", false),
        Ask::Buckets => ("heatmap", true),
    };
    json!({
        "refId": letter(index).to_string(),
        "datasource": source(),
        "expr": target.expr(),
        "legendFormat": target.legend,
        "format": format,
        "range": is_range,
        "instant": !is_range,
        "editorMode": "code",
    })
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::TimeSeries => "timeseries",
        Kind::Stat => "stat",
        Kind::Gauge => "gauge",
        Kind::BarGauge => "bargauge",
        Kind::Pie => "piechart",
        Kind::Table => "table",
        Kind::Heatmap => "heatmap",
    }
}

fn defaults(panel: &Panel) -> Value {
    let base = [json!({"color": panel.steps[0].1, "value": null})];
    let higher =
        panel.steps[1..].iter().map(|(from, color)| json!({"color": color, "value": from}));
    let steps: Vec<Value> = base.into_iter().chain(higher).collect();
    let is_by_value = panel.steps.len() > 1 && panel.kind != Kind::TimeSeries;
    let color = if is_by_value { "thresholds" } else { "palette-classic" };
    let words = panel
        .words
        .iter()
        .map(|(value, text, color)| (value.to_string(), json!({"text": text, "color": color})));
    let words: serde_json::Map<String, Value> = words.collect();
    let mut defaults = json!({
        "unit": panel.unit,
        "color": {"mode": color},
        "thresholds": {"mode": "absolute", "steps": steps},
        "mappings": if words.is_empty() { json!([]) } else {
            json!([{"type": "value", "options": words}])
        },
    });
    if let Some((low, high)) = panel.range {
        defaults["min"] = json!(low);
        defaults["max"] = json!(high);
    }
    if panel.kind == Kind::TimeSeries {
        let mode = if panel.is_stacked { "normal" } else { "none" };
        defaults["custom"] = json!({
            "drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never",
            "spanNulls": true, "stacking": {"mode": mode, "group": "A"},
        });
    }
    defaults
}

fn options(kind: Kind) -> Value {
    let last = json!({"calcs": ["lastNotNull"], "fields": "", "values": false});
    match kind {
        Kind::TimeSeries => json!({
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }),
        Kind::Stat => json!({
            "reduceOptions": last, "colorMode": "value", "graphMode": "none", "textMode": "auto",
        }),
        Kind::Gauge => json!({"reduceOptions": last, "showThresholdMarkers": true}),
        Kind::BarGauge => json!({
            "reduceOptions": last, "orientation": "horizontal", "displayMode": "gradient",
        }),
        Kind::Pie => json!({
            "reduceOptions": last, "pieType": "donut",
            "legend": {
                "displayMode": "table", "placement": "right", "values": ["value", "percent"],
            },
        }),
        Kind::Table => json!({"showHeader": true}),
        Kind::Heatmap => json!({
            "calculate": false, "cellGap": 1, "color": {"mode": "scheme", "scheme": "Oranges"},
            "legend": {"show": true}, "tooltip": {"mode": "single", "showColorScale": true},
            "yAxis": {"unit": "s"},
        }),
    }
}
