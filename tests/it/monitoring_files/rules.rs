//! Rules of recording and alerting: their queries, and that each alert is tried both ways.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use yaml_rust2::{Yaml, YamlLoader};

use super::{path, promql};

type Recorded = Vec<(String, BTreeSet<String>)>;

fn loaded(name: &str) -> Yaml {
    let text = fs::read_to_string(path(name)).unwrap();
    let mut documents = YamlLoader::load_from_str(&text).unwrap();
    assert_eq!(documents.len(), 1, "{name}");
    documents.remove(0)
}

fn rules(name: &str) -> Vec<Yaml> {
    let groups = loaded(name)["groups"].as_vec().unwrap().clone();
    groups.iter().flat_map(|group| group["rules"].as_vec().unwrap().clone()).collect()
}

/// The recorded names with their labels, in the order of the file, and what is wrong with them.
fn recorded() -> (Recorded, Vec<String>) {
    let (mut recorded, mut faults): (Recorded, Vec<String>) = (Vec::new(), Vec::new());
    for rule in rules("recording.rules.yml") {
        let name = rule["record"].as_str().unwrap().to_owned();
        let (found, labels) = promql::judge(rule["expr"].as_str().unwrap(), &recorded);
        faults.extend(found);
        if recorded.iter().any(|(other, _)| *other == name) {
            faults.push(format!("{name} is recorded twice"));
        }
        if tradewright::metrics::catalogue().any(|spec| spec.name == name) {
            faults.push(format!("{name} is a name of the catalogue"));
        }
        recorded.push((name, labels));
    }
    (recorded, faults)
}

#[test]
fn recorded_names_come_from_the_catalogue() {
    let (recorded, faults) = recorded();
    assert!(recorded.len() > 20);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn alerts_ask_for_what_there_is_and_say_what_is_wrong() {
    let (recorded, _) = recorded();
    let sources = source_expressions();
    for rule in rules("alerts.rules.yml") {
        let (name, expr) = (rule["alert"].as_str().unwrap(), rule["expr"].as_str().unwrap());
        let (faults, labels) = promql::judge(expr, &recorded);
        assert!(faults.is_empty(), "{name}: {}", faults.join("\n"));
        let severity = rule["labels"]["severity"].as_str();
        assert!(matches!(severity, Some("warning" | "critical")), "{name}: {severity:?}");
        for text in ["summary", "description"] {
            let text = rule["annotations"][text].as_str().unwrap_or_default();
            assert!(text.len() > 15, "{name}: {text}");
            for word in text.split("$labels.").skip(1) {
                let label = word.split(' ').next().unwrap_or_default();
                assert!(labels.contains(label), "{name}: nothing has a label {label}");
            }
        }
        let is_marked = rule["labels"]["pending"].as_str() == Some("true");
        assert_eq!(is_pending(expr, &sources), is_marked, "{name}: is it marked as pending?");
    }
}

fn source_expressions() -> BTreeMap<String, String> {
    let text = |rule: &Yaml, key: &str| rule[key].as_str().unwrap().to_owned();
    rules("recording.rules.yml").iter().map(|r| (text(r, "record"), text(r, "expr"))).collect()
}

/// Whether anything that an expression reads, itself or through a recorded name, is pending.
fn is_pending(expr: &str, sources: &BTreeMap<String, String>) -> bool {
    promql::metrics(expr).iter().any(|spec| spec.is_pending())
        || sources.iter().any(|(name, source)| {
            name.contains(':') && expr.contains(name.as_str()) && is_pending(source, sources)
        })
}

#[test]
fn every_alert_is_tried_raised_and_quiet() {
    let (mut raised, mut quiet) = (BTreeSet::new(), BTreeSet::new());
    for test in loaded("alerts.test.yml")["tests"].as_vec().unwrap() {
        for case in test["alert_rule_test"].as_vec().unwrap() {
            let name = case["alertname"].as_str().unwrap().to_owned();
            let is_quiet = case["exp_alerts"].as_vec().unwrap().is_empty();
            if is_quiet {
                quiet.insert(name)
            } else {
                raised.insert(name)
            };
        }
    }
    let all = rules("alerts.rules.yml");
    let all: BTreeSet<String> =
        all.iter().map(|rule| rule["alert"].as_str().unwrap().to_owned()).collect();
    assert!(all.len() > 20);
    assert_eq!(raised, all);
    assert_eq!(quiet, all);
}

#[test]
fn the_stack_is_set_up_as_the_guide_says() {
    let config = loaded("prometheus.yml");
    assert_eq!(config["global"]["scrape_interval"].as_str(), Some("15s"));
    let jobs: Vec<&str> = config["scrape_configs"]
        .as_vec()
        .unwrap()
        .iter()
        .map(|job| job["job_name"].as_str().unwrap())
        .collect();
    assert_eq!(jobs, ["trading-system", "prometheus", "node-exporter"]);
    assert_eq!(config["scrape_configs"][0]["scrape_interval"].as_str(), Some("5s"));
    let source = &loaded("grafana/provisioning/datasources/prometheus.yml")["datasources"][0];
    assert_eq!(source["name"].as_str(), Some("Prometheus"));
    assert_eq!(source["isDefault"].as_bool(), Some(true));
    assert_eq!(source["jsonData"]["timeInterval"].as_str(), Some("5s"));
    let provider = &loaded("grafana/provisioning/dashboards/tradewright.yml")["providers"][0];
    assert_eq!(provider["updateIntervalSeconds"].as_i64(), Some(10));
    let services = &loaded("compose.yml")["services"];
    let password = services["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"].as_str();
    assert!(password.is_some_and(|text| text.starts_with("${GRAFANA_ADMIN_PASSWORD:?")));
    for service in services.as_hash().unwrap().values() {
        let image = service["image"].as_str().unwrap();
        assert!(image.contains(':') && !image.ends_with(":latest"), "{image}");
    }
}
