//! PromQL held against the catalogue: names, kinds, labels and their words.

use std::collections::BTreeSet;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};
use tradewright::metrics::{LabelValues, MetricKind, MetricSpec, catalogue};

/// Labels that the server adds to everything.
const ADDED: [&str; 2] = ["instance", "job"];
/// The server's own word on whether a target answered.
const UP: &str = "up";
/// Functions that count what a counter rose by.
const OF_COUNTERS: [&str; 3] = ["rate", "increase", "irate"];

type Labels = BTreeSet<String>;

/// The expression with Grafana's variables replaced as Grafana would.
fn parsed(expr: &str) -> Result<Expr, String> {
    let plain = expr.replace("$__rate_interval", "1m").replace("$__range", "1h");
    parser::parse(&plain.replace("$instance", ".*").replace("$strategy", ".*"))
}

/// The metrics of the catalogue that an expression reads.
///
/// # Panics
/// If it does not parse.
pub fn metrics(expr: &str) -> Vec<&'static MetricSpec> {
    let mut names = Vec::new();
    let tree = parsed(expr).unwrap_or_else(|fault| panic!("{expr}: {fault}"));
    selectors(&tree, &mut |selector, _| names.push(name_of(selector)));
    names.iter().filter_map(|name| spec_of(name)).map(|(spec, _)| spec).collect()
}

/// What is wrong with an expression, and the labels of its answer. `recorded` are the names that
/// recording rules make, with their labels.
pub fn judge(expr: &str, recorded: &[(String, Labels)]) -> (Vec<String>, Labels) {
    let tree = match parsed(expr) {
        Ok(tree) => tree,
        Err(fault) => return (vec![format!("{expr}: {fault}")], Labels::new()),
    };
    let mut faults = Vec::new();
    selectors(&tree, &mut |selector, function| check(selector, function, recorded, &mut faults));
    let labels = labels_of(&tree, recorded, &mut faults);
    (faults.into_iter().map(|fault| format!("{expr}: {fault}")).collect(), labels)
}

fn name_of(selector: &VectorSelector) -> String {
    selector.name.clone().unwrap_or_default()
}

/// The row of a name, and whether the name is that of its buckets, sum or count.
fn spec_of(name: &str) -> Option<(&'static MetricSpec, &'static str)> {
    let find = |name: &str| catalogue().find(|spec| spec.name == name);
    let part = |ending: &'static str| {
        let spec = find(name.strip_suffix(ending)?)?;
        (spec.kind == MetricKind::Histogram).then_some((spec, ending))
    };
    let whole = find(name).filter(|spec| spec.kind != MetricKind::Histogram);
    whole
        .map(|spec| (spec, ""))
        .or_else(|| part("_bucket"))
        .or_else(|| part("_sum"))
        .or_else(|| part("_count"))
}

/// Every selector, with the function that it is handed to. The parser's own walk leaves out those
/// with a range.
fn selectors(expr: &Expr, see: &mut impl FnMut(&VectorSelector, &str)) {
    match expr {
        Expr::VectorSelector(selector) => see(selector, ""),
        Expr::MatrixSelector(matrix) => see(&matrix.vs, ""),
        Expr::Call(call) => call.args.args.iter().for_each(|arg| match &**arg {
            Expr::MatrixSelector(matrix) => see(&matrix.vs, call.func.name),
            arg => selectors(arg, see),
        }),
        Expr::Aggregate(aggregate) => {
            aggregate.param.iter().for_each(|param| selectors(param, see));
            selectors(&aggregate.expr, see);
        }
        Expr::Binary(binary) => {
            selectors(&binary.lhs, see);
            selectors(&binary.rhs, see);
        }
        Expr::Unary(unary) => selectors(&unary.expr, see),
        Expr::Paren(paren) => selectors(&paren.expr, see),
        Expr::Subquery(subquery) => selectors(&subquery.expr, see),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn check(
    selector: &VectorSelector,
    function: &str,
    recorded: &[(String, Labels)],
    faults: &mut Vec<String>,
) {
    let name = name_of(selector);
    let known = labels_of_name(&name, recorded);
    let Some(known) = known else {
        faults.push(format!("no metric `{name}`"));
        return;
    };
    let spec = spec_of(&name);
    for matcher in &selector.matchers.matchers {
        if !known.contains(&matcher.name) {
            faults.push(format!("`{name}` has no label `{}`", matcher.name));
        }
        faults.extend(spec.and_then(|(spec, _)| strange_word(spec, matcher)));
    }
    let Some((spec, part)) = spec else { return };
    let is_counter = spec.kind == MetricKind::Counter || !part.is_empty();
    if OF_COUNTERS.contains(&function) && !is_counter {
        faults.push(format!("{function} of `{name}`, which is no counter"));
    }
    if part == "_sum" && spec.may_be_negative() {
        faults.push(format!("`{name}` may fall"));
    }
}

fn strange_word(spec: &MetricSpec, matcher: &Matcher) -> Option<String> {
    let label = spec.labels.iter().find(|label| label.name == matcher.name)?;
    let LabelValues::Fixed(words) = label.values else { return None };
    let is_strange = match &matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => !words.contains(&matcher.value.as_str()),
        MatchOp::Re(_) | MatchOp::NotRe(_) => {
            matcher.value != ".*" && matcher.value.split('|').any(|word| !words.contains(&word))
        }
    };
    is_strange.then(|| format!("`{}` is never {}", matcher.name, matcher.value))
}

fn labels_of_name(name: &str, recorded: &[(String, Labels)]) -> Option<Labels> {
    let added = ADDED.iter().map(|label| (*label).to_owned());
    if name == UP {
        return Some(added.collect());
    }
    if let Some((_, labels)) = recorded.iter().find(|(recorded, _)| recorded == name) {
        return Some(labels.clone());
    }
    let (spec, part) = spec_of(name)?;
    let own = spec.labels.iter().map(|label| label.name.to_owned());
    let bound = (part == "_bucket").then(|| "le".to_owned());
    Some(own.chain(added).chain(bound).collect())
}

/// The labels that the answer of an expression may carry.
fn labels_of(expr: &Expr, recorded: &[(String, Labels)], faults: &mut Vec<String>) -> Labels {
    match expr {
        Expr::VectorSelector(selector) => {
            labels_of_name(&name_of(selector), recorded).unwrap_or_default()
        }
        Expr::MatrixSelector(matrix) => {
            labels_of_name(&name_of(&matrix.vs), recorded).unwrap_or_default()
        }
        Expr::Call(call) => {
            let mut labels = Labels::new();
            for arg in &call.args.args {
                labels.extend(labels_of(arg, recorded, faults));
            }
            if call.func.name == "histogram_quantile" && !labels.remove("le") {
                faults.push("a quantile without `le`".to_owned());
            }
            labels
        }
        Expr::Aggregate(aggregate) => {
            let inner = labels_of(&aggregate.expr, recorded, faults);
            match &aggregate.modifier {
                None => Labels::new(),
                Some(LabelModifier::Exclude(without)) => {
                    inner.into_iter().filter(|label| !without.labels.contains(label)).collect()
                }
                Some(LabelModifier::Include(by)) => {
                    let missing = by.labels.iter().filter(|label| !inner.contains(*label));
                    faults.extend(missing.map(|label| format!("nothing has a label `{label}`")));
                    by.labels.iter().cloned().collect()
                }
            }
        }
        Expr::Binary(binary) => {
            let left = labels_of(&binary.lhs, recorded, faults);
            let right = labels_of(&binary.rhs, recorded, faults);
            if left.is_empty() { right } else { left }
        }
        Expr::Unary(unary) => labels_of(&unary.expr, recorded, faults),
        Expr::Paren(paren) => labels_of(&paren.expr, recorded, faults),
        Expr::Subquery(subquery) => labels_of(&subquery.expr, recorded, faults),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => Labels::new(),
    }
}
