"""Asks a live Prometheus server whether boards and rules show what they promise.

    check.py config BOT SERVER FOLDER   the configuration of docs/monitoring for a test, to stdout
    check.py scrapes SERVER COUNT       waits until the bot was scraped so often, half a minute more
    check.py lint TEXT PROMTOOL         classic text: clean but for the one name that is kept
    check.py openmetrics TEXT           OpenMetrics text: the strict parser of prometheus_client
    check.py live SERVER FOLDER         every expression, metric and label against the server

BOT and SERVER are host:port, FOLDER is docs/monitoring, TEXT is a file.
"""

import json
import math
import pathlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

KEPT_NAMES = {"trading_capital_total"}
# What a server adds to every target, and what is told of a target itself.
OWN_LABELS = {"job", "instance", "le", "alertname", "alertstate", "severity"}
OWN_METRICS = {"up", "ALERTS", "ALERTS_FOR_STATE"}
WORDS = set(
    """and or unless by without on ignoring group_left group_right bool offset inf nan start end
    sum min max avg count stddev stdvar topk bottomk quantile count_values group""".split()
)
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
problems = []


def problem(text):
    problems.append(text)
    print(f"PROBLEM: {text}")


def config(bot, server, folder):
    """The same file with other addresses, a scrape each second and without the node exporter."""
    text = pathlib.Path(folder, "prometheus.yml").read_text()
    text, intervals = re.subn(r"(_interval:) \d+s", r"\1 1s", text)
    text, rules = re.subn(r"- (\S+\.rules\.yml)", rf"- {pathlib.Path(folder).resolve()}/\1", text)
    text = re.sub(r"\n  - job_name: node-exporter.*?(?=\n  - |\Z)", "", text, flags=re.S)
    text, bots = re.subn(r'"[^"]*:9464"', f'"{bot}"', text)
    text, servers = re.subn(r'"localhost:9090"', f'"{server}"', text)
    if not (intervals and rules == 2 and bots == 1 and servers == 1):
        sys.exit("prometheus.yml is not what this script knows how to change")
    print(text)


def scrapes(server, count):
    """A server that is not up yet gives no answer, and one that has not scraped an empty one."""
    query = 'sum(sum_over_time(up{job="trading-system"}[10m]))'
    found, end = 0, time.monotonic() + int(count) + 30
    while found < int(count):
        if time.monotonic() > end:
            sys.exit(f"{found} scrapes instead of {count}")
        time.sleep(0.5)
        try:
            result, _ = ask(server, "query", query=query)
            found = int(result["result"][0]["value"][1])
        except (OSError, ValueError, LookupError, TypeError):
            continue


def lint(text, promtool):
    run = subprocess.run(
        [promtool, "check", "metrics"], stdin=open(text), capture_output=True, text=True
    )
    found = (run.stdout + run.stderr).split("\n")
    found = [line for line in found if line and line.split()[0] not in KEPT_NAMES]
    # 3 is a finding, such as the name that is kept; anything else is no metrics at all.
    if found or run.returncode not in (0, 3):
        problem(f"promtool check metrics ({run.returncode}): {found}")
    lines = sum(1 for _ in open(text))
    print(f"promtool check metrics: clean but for {sorted(KEPT_NAMES)}; {lines} lines of text")


def openmetrics(text):
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    families = list(text_string_to_metric_families(pathlib.Path(text).read_text()))
    if len(families) < 60:
        problem(f"only {len(families)} families in the OpenMetrics text")
    samples = sum(len(family.samples) for family in families)
    print(f"OpenMetrics, strictly parsed: {len(families)} families, {samples} samples")


def ask(server, path, **parameters):
    url = f"http://{server}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"], None
    except urllib.error.HTTPError as error:
        return None, json.load(error).get("error", str(error))


def catalogue(folder):
    """Labels of every metric of docs/metrics.md, and the names that are pending there."""
    labels, pending = {}, set()
    for line in pathlib.Path(folder).resolve().parent.joinpath("metrics.md").read_text().split("\n"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) >= 6 and re.fullmatch(rf"`{NAME}`", cells[0]):
            name = cells[0].strip("`")
            suffixes = ["_bucket", "_sum", "_count"] if cells[1] == "histogram" else [""]
            for suffix in suffixes:
                labels[name + suffix] = set(re.findall(r"`(\w+)`", cells[3]))
                if "*pending:*" in cells[-1]:
                    pending.add(name + suffix)
    return labels, pending


def parts(expression):
    """Names of metrics, labels asked of each, and labels that are grouped or matched by."""
    text = re.sub(r'"(\\.|[^"\\])*"', '""', expression)
    asked = {}
    for name, matchers in re.findall(rf"({NAME})?\s*\{{([^}}]*)\}}", text):
        asked.setdefault(name, set()).update(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
    text = re.sub(r"\{[^}]*\}", " ", text)
    clause = r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)"
    grouped = {label for group in re.findall(clause, text) for label in re.findall(r"\w+", group)}
    text = re.sub(clause, " ", text)
    text = re.sub(r"\[[^\]]*\]|\boffset\s+\w+|\b\d[\w.]*", " ", text)
    names = set(re.findall(rf"(?<![\w:])({NAME})(?![\w:]*\s*\()", text)) - WORDS
    return names, asked, grouped


class Checker:
    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.labels, self.pending = catalogue(folder)
        groups, _ = ask(server, "rules")
        self.rules = [rule for group in groups["groups"] for rule in group["rules"]]
        self.recorded = {rule["name"] for rule in self.rules if rule["type"] == "recording"}
        # What asks for something pending is pending; a recorded name may lean on another one.
        self.pending_rules = set()
        for _ in self.rules:
            for rule in self.rules:
                if rule["type"] == "recording" and self.names(rule["query"]) & self.all_pending():
                    self.pending_rules.add(rule["name"])
        self.counts = {"with data": 0, "pending": 0, "pending, with data": 0}

    def names(self, expression):
        return parts(expression)[0]

    def all_pending(self):
        return self.pending | self.pending_rules

    def known(self, where, expression, legend=""):
        """Every metric and every label that is named exists."""
        names, asked, grouped = parts(expression)
        free = bool(names & (self.recorded | OWN_METRICS))
        union = set(OWN_LABELS)
        for name in names:
            if name not in self.labels and name not in self.recorded | OWN_METRICS:
                problem(f"{where}: no metric is called {name}")
            union |= self.labels.get(name, set())
        for name, labels in asked.items():
            if name in self.labels:
                wrong = labels - self.labels[name] - OWN_LABELS
                if wrong:
                    problem(f"{where}: {name} has no label {sorted(wrong)}")
        used = grouped | set(re.findall(r"\{\{\s*(\w+)\s*\}\}", legend))
        if not free and used - union:
            problem(f"{where}: no label {sorted(used - union)} in {expression}")

    def data(self, where, expression, may_be_empty):
        result, error = ask(self.server, "query", query=expression)
        if error:
            return problem(f"{where}: {error}: {expression}")
        kind, values = result["resultType"], result["result"]
        values = [values[1]] if kind == "scalar" else [one["value"][1] for one in values]
        has_data = any(math.isfinite(float(value)) for value in values)
        if has_data:
            self.counts["pending, with data" if may_be_empty else "with data"] += 1
        elif may_be_empty:
            self.counts["pending"] += 1
        else:
            problem(f"{where}: no finite sample: {expression}")

    def board(self, path):
        board = json.loads(path.read_text())
        variables = [variable["name"] for variable in board["templating"]["list"]]
        panels = [inner for panel in board["panels"] for inner in [panel, *panel.get("panels", [])]]
        for variable in board["templating"]["list"]:
            query = variable.get("query")
            query = query.get("query") if isinstance(query, dict) else query
            match = re.match(r"label_values\((.*),\s*(\w+)\)", query or "")
            if match:
                self.known(f"{path.name}: ${variable['name']}", match[1], f"{{{{{match[2]}}}}}")
        count = 0
        for panel in panels:
            where = f"{path.name}: {panel.get('title')}"
            count += bool(panel.get("targets"))
            for target in panel.get("targets", []):
                expression = plain(target["expr"], variables)
                self.known(where, expression, target.get("legendFormat", ""))
                unsaid = self.names(expression) & self.all_pending()
                if unsaid and "pending" not in panel["title"].lower():
                    problem(f"{where}: {sorted(unsaid)} is pending, the title does not say so")
                self.data(where, expression, bool(unsaid))
        return count

    def run(self):
        target, _ = ask(self.server, "query", query='up{job="trading-system"}')
        if [one["value"][1] for one in target["result"]] != ["1"]:
            problem(f"the target is not up: {target}")
        boards = sorted(pathlib.Path(self.folder).glob("*.json"))
        count = sum(self.board(path) for path in boards)
        print(f"{len(boards)} boards, {count} panels; expressions: {self.counts}")
        if len(boards) < 3 or count < 26:
            problem("boards or panels are missing")
        self.counts = dict.fromkeys(self.counts, 0)
        alerts = 0
        for rule in self.rules:
            where = f"rule {rule['name']}"
            if rule["health"] != "ok":
                problem(f"{where}: {rule['health']} {rule.get('lastError')}")
            self.known(where, rule["query"])
            if rule["type"] == "recording":
                self.data(where, rule["query"], rule["name"] in self.pending_rules)
            else:
                # An alert that is quiet has no data; that it parses is seen from its health.
                alerts += 1
        print(f"recording rules: {self.counts}; {alerts} alerts healthy")


def plain(expression, variables):
    """The expression as a board sends it when everything is chosen."""
    for name, value in [("__rate_interval", "15s"), ("__interval", "1s"), ("__range", "30s")]:
        expression = re.sub(rf"\$\{{?{name}\b\}}?", value, expression)
    for name in variables:
        expression = re.sub(rf"\$\{{{name}(:\w+)?\}}|\${name}\b", ".*", expression)
    if "$" in expression:
        problem(f"a variable is left in {expression}")
    return expression


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "live":
        Checker(*arguments).run()
    else:
        steps = {"config": config, "scrapes": scrapes, "lint": lint, "openmetrics": openmetrics}
        steps[command](*arguments)
    if problems:
        sys.exit(f"{len(problems)} problems")
