"""Asks Prometheus every query of the rules and of the dashboard: ask.py URL RULES DASHBOARD.

A query of the dashboard must have an answer. One of the rules must be understood; that it has an answer means that the
alert would fire, which none may while all is well.
"""

import json
import re
import sys
import urllib.parse
import urllib.request

url, rules, dashboard = sys.argv[1:]


def ask(query):
    with urllib.request.urlopen(url + "/api/v1/query?" + urllib.parse.urlencode({"query": query})) as answer:
        return json.load(answer)["data"]["result"]


faults = 0
for panel in json.load(open(dashboard))["panels"]:
    for target in panel["targets"]:
        if not ask(target["expr"]):
            faults += 1
            print(f"{panel['title']}: no answer to {target['expr']}")

with urllib.request.urlopen(url + "/api/v1/rules") as answer:
    groups = json.load(answer)["data"]["groups"]
known = [rule for group in groups for rule in group["rules"]]
wanted = re.findall(r"^  - alert: (\w+)$", open(rules).read(), re.M)
if [rule["name"] for rule in known] != wanted:
    sys.exit("Prometheus does not have the rules of " + rules)
for rule in known:
    if rule["health"] == "err":
        faults += 1
        print(f"{rule['name']}: {rule['lastError']}")
    if ask(rule["query"]):
        faults += 1
        print(f"{rule['name']}: would fire while all is well: {ask(rule['query'])}")
print(f"{len(known)} alerts and the dashboard: {faults} faults")
sys.exit(faults > 0)
