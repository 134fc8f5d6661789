"""CloudWatch by boto3: points by three protocols, statistics and math held against numpy, alarms by the clock, dashboards, detectors, Contributor Insights."""

import datetime as dt
import json
import os
import time
import urllib.request

import boto3
import numpy as np
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

cloudwatch = boto3.client("cloudwatch")
endpoint = os.environ["AWS_ENDPOINT_URL"]
rng = np.random.default_rng(7)


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


def raw(body, headers):
    session = boto3.Session()
    request = AWSRequest("POST", endpoint + "/", data=body, headers=headers)
    SigV4Auth(session.get_credentials(), "monitoring", "us-east-1").add_auth(request)
    sent = urllib.request.Request(endpoint + "/", data=body.encode(), headers=dict(request.headers))
    try:
        with urllib.request.urlopen(sent) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def advance(seconds):
    body = json.dumps({"advance_seconds": seconds}).encode()
    request = urllib.request.Request(endpoint + "/_haneul/clock", data=body, method="POST")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def now():
    with urllib.request.urlopen(endpoint + "/_haneul/clock") as answer:
        text = json.load(answer)["now"]
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


# Three protocols: boto3 speaks CBOR; the query protocol and JSON by hand.
base = now().replace(second=0, microsecond=0) - dt.timedelta(minutes=90)
form = {"Content-Type": "application/x-www-form-urlencoded"}
status, text = raw(
    "Action=PutMetricData&Version=2010-08-01&Namespace=Shop&MetricData.member.1.MetricName=Orders&MetricData.member.1.Value=3"
    f"&MetricData.member.1.Timestamp={base.isoformat().replace('+00:00', 'Z')}&MetricData.member.1.Dimensions.member.1.Name=Store"
    "&MetricData.member.1.Dimensions.member.1.Value=one",
    form,
)
assert status == 200 and "PutMetricDataResponse" in text, text
as_json = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData"}
datum = {"MetricName": "Orders", "Value": 4, "Timestamp": base.timestamp(), "Dimensions": [{"Name": "Store", "Value": "one"}]}
status, text = raw(json.dumps({"Namespace": "Shop", "MetricData": [datum]}), as_json)
assert status == 200, text
status, text = raw("Action=GetMetricStatistics&Version=2010-08-01&Namespace=Shop&MetricName=Orders&Period=61", form)
assert status == 400 and "<Code>" in text, text
metric = {"Namespace": "Shop", "MetricName": "Orders", "Dimensions": [{"Name": "Store", "Value": "one"}]}
(point,) = cloudwatch.get_metric_statistics(
    **metric, StartTime=base, EndTime=base + dt.timedelta(minutes=1), Period=60, Statistics=["Sum", "SampleCount"]
)["Datapoints"]
assert (point["Sum"], point["SampleCount"], point["Unit"]) == (7.0, 2.0, "None"), point

# Random samples, held against numpy: a lognormal one with counts, in several periods.
minutes = 30
samples = {}
for minute in range(minutes):
    at = base + dt.timedelta(minutes=minute)
    if minute % 7 == 3:
        continue
    values = np.round(rng.lognormal(3, 1, 40), 3)
    counts = rng.integers(1, 4, 40)
    distinct, where = np.unique(values, return_inverse=True)
    counts = np.bincount(where, weights=counts)
    cloudwatch.put_metric_data(
        Namespace="Random",
        MetricData=[{"MetricName": "latency", "Timestamp": at, "Values": distinct.tolist(), "Counts": counts.tolist(), "Unit": "Milliseconds"}],
    )
    samples[minute] = np.repeat(distinct, counts.astype(int))


def query(id, stat, period=60, name="latency", **more):
    return {"Id": id, "MetricStat": {"Metric": {"Namespace": "Random", "MetricName": name}, "Period": period, "Stat": stat}, **more}


def data(queries, **more):
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=base, EndTime=base + dt.timedelta(minutes=minutes), ScanBy="TimestampAscending", **more
    )
    found = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            known = found.setdefault((result["Id"], result["Label"]), {})
            for at, value in zip(result["Timestamps"], result["Values"]):
                minute = int((at - base).total_seconds() // 60)
                assert minute not in known
                known[minute] = value
    return found


def same(found, expected, what):
    assert found.keys() == expected.keys(), (what, sorted(found), sorted(expected))
    for key, value in expected.items():
        assert np.isclose(found[key], value, rtol=1e-9, atol=1e-9), (what, key, found[key], value)


def trimmed(low, high):
    """The mean of what lies between two shares of the samples, cutting through a sample where a boundary does."""

    def mean(values):
        values, n = np.sort(values), len(values)
        edges = np.arange(n + 1)
        weight = np.clip(np.minimum(edges[1:], n * high) - np.maximum(edges[:-1], n * low), 0, 1)
        return (values * weight).sum() / weight.sum()

    return mean


statistics = {
    "SampleCount": len,
    "Average": np.mean,
    "Sum": np.sum,
    "Minimum": np.min,
    "Maximum": np.max,
    "p50": lambda v: np.percentile(v, 50),
    "p99": lambda v: np.percentile(v, 99),
    "p99.9": lambda v: np.percentile(v, 99.9),
    "p10": lambda v: np.percentile(v, 10),
    "tm90": trimmed(0, 0.9),
    "TM(10%:90%)": trimmed(0.1, 0.9),
    "IQM": trimmed(0.25, 0.75),
    "TM(10:40)": lambda v: v[(v > 10) & (v <= 40)].mean(),
    "PR(:20)": lambda v: 100 * (v <= 20).mean(),
    "PR(10:30)": lambda v: 100 * ((v > 10) & (v <= 30)).mean(),
    "TC(15:)": lambda v: (v > 15).sum(),
    "TS(:15)": lambda v: v[v <= 15].sum(),
    "wm95": lambda v: np.minimum(v, np.percentile(v, 95)).mean(),
}
for period in (60, 300, 600):
    asked = {f"m{i}": stat for i, stat in enumerate(statistics)}
    found = data([query(id, stat, period) for id, stat in asked.items()], MaxDatapoints=97)
    step = period // 60
    groups = {}
    for minute, values in samples.items():
        groups.setdefault(minute // step * step, []).append(values)
    groups = {minute: np.concatenate(parts) for minute, parts in groups.items()}
    by_id = {id: points for (id, _), points in found.items()}
    for id, stat in asked.items():
        same(by_id[id], {minute: statistics[stat](values) for minute, values in groups.items()}, (period, stat))

# Metric math on random series with holes.
series = {}
for name in ("a", "b", "c"):
    series[name] = {minute: round(float(value), 3) for minute, value in enumerate(rng.normal(10, 4, minutes)) if rng.random() > 0.2}
    batch = [{"MetricName": name, "Timestamp": base + dt.timedelta(minutes=m), "Value": v} for m, v in series[name].items()]
    cloudwatch.put_metric_data(Namespace="Random", MetricData=batch)
a, b, c = series["a"], series["b"], series["c"]
both = sorted(a.keys() & b.keys())
anywhere = sorted(a.keys() | b.keys() | c.keys())
at = lambda m: [s[m] for s in (a, b, c) if m in s]
pairs = lambda s: list(zip(sorted(s), sorted(s)[1:]))
running, total = {}, 0
for minute in sorted(a):
    total += a[minute]
    running[minute] = total
repeated, last = {}, None
for minute in range(minutes):
    last = a.get(minute, last)
    if last is not None:
        repeated[minute] = last
known = sorted(a)
linear = {m: float(np.interp(m, known, [a[k] for k in known])) for m in range(known[0], known[-1] + 1)}
expressions = {
    "a + b * 2 - 1": {m: a[m] + b[m] * 2 - 1 for m in both},
    "(a - AVG(a)) / STDDEV(a)": {m: (v - np.mean(list(a.values()))) / np.std(list(a.values())) for m, v in a.items()},
    "SUM([a, b, c])": {m: sum(at(m)) for m in anywhere},
    "AVG(METRICS())": {m: np.mean(at(m)) for m in anywhere},
    "STDDEV([a, b, c])": {m: np.std(at(m)) for m in anywhere},
    "MAX([a, b, c]) - MIN([a, b, c])": {m: max(at(m)) - min(at(m)) for m in anywhere},
    "RATE(a)": {n: (a[n] - a[m]) / ((n - m) * 60) for m, n in pairs(a)},
    "DIFF(b)": {n: b[n] - b[m] for m, n in pairs(b)},
    "DIFF_TIME(b)": {n: (n - m) * 60 for m, n in pairs(b)},
    "RUNNING_SUM(a)": running,
    "FILL(a, 0) + FILL(b, 0)": {m: a.get(m, 0) + b.get(m, 0) for m in range(minutes)},
    "FILL(a, REPEAT)": repeated,
    "FILL(a, LINEAR)": linear,
    "IF(a > b, a, b)": {m: max(a[m], b[m]) for m in both},
    "IF(a > 10 AND b < 12, 1, 0)": {m: float(a[m] > 10 and b[m] < 12) for m in both},
    "ABS(a - 10) ^ 2": {m: abs(v - 10) ** 2 for m, v in a.items()},
    "LOG10(ABS(a) + 1)": {m: np.log10(abs(v) + 1) for m, v in a.items()},
    "CEIL(a) - FLOOR(a)": {m: np.ceil(v) - np.floor(v) for m, v in a.items()},
    "TIME_SERIES(MAX(a))": {m: max(a.values()) for m in range(minutes)},
    "DATAPOINT_COUNT([a, b, c])": {m: len(at(m)) for m in anywhere},
    "a / PERIOD(a)": {m: v / 60 for m, v in a.items()},
    "FIRST(SORT(METRICS(), SUM, DESC, 1))": max((a, b, c), key=lambda s: sum(s.values())),
    "MINUTE(a) + HOUR(a) * 60": {m: (base + dt.timedelta(minutes=m)).minute + (base + dt.timedelta(minutes=m)).hour * 60 for m in range(minutes)},
}
inputs = [query(name, "Sum", name=name, ReturnData=False) for name in ("a", "b", "c")]
for text, expected in expressions.items():
    found = data(inputs + [{"Id": "e", "Expression": text}])
    same(next(iter(found.values())), expected, text)
assert "Unresolved identifier: nope" in refused("ValidationError", data, queries=[{"Id": "e", "Expression": "nope + 1"}])

# Searches and Metrics Insights.
for store in range(3):
    cloudwatch.put_metric_data(
        Namespace="Shop",
        MetricData=[{"MetricName": "Visits", "Timestamp": base, "Value": store + 1, "Dimensions": [{"Name": "Store", "Value": f"s{store}"}]}],
    )
found = data([{"Id": "s", "Expression": "SEARCH('{Shop,Store} MetricName=\"Visits\"', 'Sum', 60)"}])
assert sorted(label for _, label in found) == ["s0", "s1", "s2"], found
select = "SELECT MAX(Visits) FROM SCHEMA(Shop, Store) WHERE Store != 's1' GROUP BY Store ORDER BY MAX() DESC"
found = data([{"Id": "q", "Expression": select, "Period": 300}])
assert [label for _, label in found] == ["s2", "s0"], found
metrics = cloudwatch.list_metrics(Namespace="Shop", RecentlyActive="PT3H")["Metrics"]
assert len(metrics) == 4 and all(metric["Namespace"] == "Shop" for metric in metrics), metrics

# A large request, which botocore sends compressed.
cloudwatch.put_metric_data(Namespace="Large", MetricData=[{"MetricName": f"metric-{i}", "Value": i, "Timestamp": now()} for i in range(1000)])
pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace="Large"))
assert [len(page["Metrics"]) for page in pages] == [500, 500], [len(page["Metrics"]) for page in pages]

# Refusals.
def refused_put(datum):
    return refused("InvalidParameterValue", cloudwatch.put_metric_data, Namespace="X", MetricData=[{"MetricName": "m", **datum}])


assert "two weeks" in refused_put({"Value": 1, "Timestamp": now() - dt.timedelta(days=15)})
assert "two hours" in refused_put({"Value": 1, "Timestamp": now() + dt.timedelta(hours=3)})
assert "NaN" in refused_put({"Value": float("nan")})
refused("InvalidParameterCombination", cloudwatch.put_metric_data, Namespace="X", MetricData=[{"MetricName": "m", "Value": 1, "Values": [1]}])

# An alarm goes and comes back by the clock; a composite follows it.
topic = "arn:aws:sns:us-east-1:000000000000:nobody"
cloudwatch.put_metric_alarm(
    AlarmName="slow", Namespace="Random", MetricName="pulse", Statistic="Maximum", Period=60, EvaluationPeriods=3, DatapointsToAlarm=2,
    Threshold=5, ComparisonOperator="GreaterThanThreshold", AlarmActions=[topic], Tags=[{"Key": "team", "Value": "web"}],
)
cloudwatch.put_composite_alarm(AlarmName="any", AlarmRule="ALARM(slow) OR FALSE")
state = lambda name: [
    alarm["StateValue"]
    for kind in ("MetricAlarms", "CompositeAlarms")
    for alarm in cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])[kind]
][0]


def until(name, value):
    for _ in range(100):
        if state(name) == value:
            return
    raise AssertionError(f"{name} is {state(name)}, not {value}")


assert state("slow") == "INSUFFICIENT_DATA"
for value in (9, 1, 9):
    cloudwatch.put_metric_data(Namespace="Random", MetricData=[{"MetricName": "pulse", "Timestamp": now(), "Value": value}])
    advance(60)
until("slow", "ALARM")
until("any", "ALARM")
for value in (1, 1, 1):
    cloudwatch.put_metric_data(Namespace="Random", MetricData=[{"MetricName": "pulse", "Timestamp": now(), "Value": value}])
    advance(60)
until("slow", "OK")
until("any", "OK")
history = cloudwatch.describe_alarm_history(AlarmName="slow", ScanBy="TimestampAscending")["AlarmHistoryItems"]
summaries = [item["HistorySummary"] for item in history]
# By how the minutes fall it may have been OK before.
assert any(summary.endswith(" to ALARM") for summary in summaries) and "Alarm updated from ALARM to OK" in summaries, summaries
assert any(summary.startswith("Failed to execute notification action " + topic) for summary in summaries), summaries
arn = cloudwatch.describe_alarms(AlarmNames=["slow"])["MetricAlarms"][0]["AlarmArn"]
assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "web"}]
refused("ValidationError", cloudwatch.delete_alarms, AlarmNames=["slow"])
cloudwatch.delete_alarms(AlarmNames=["slow", "any"])
refused("ResourceNotFound", cloudwatch.set_alarm_state, AlarmName="slow", StateValue="OK", StateReason="x")

# Of a query that groups, each group is a contributor.
cloudwatch.put_metric_alarm(
    AlarmName="fleet", EvaluationPeriods=1, Threshold=5, ComparisonOperator="GreaterThanThreshold",
    Metrics=[{"Id": "q", "Expression": 'SELECT MAX(heat) FROM SCHEMA("Random", host) GROUP BY host', "Period": 60}],
)
for host, value in [("a", 9), ("b", 1), ("c", 7)]:
    cloudwatch.put_metric_data(Namespace="Random", MetricData=[
        {"MetricName": "heat", "Dimensions": [{"Name": "host", "Value": host}], "Timestamp": now(), "Value": value}])
advance(60)
until("fleet", "ALARM")
reason = cloudwatch.describe_alarms(AlarmNames=["fleet"])["MetricAlarms"][0]["StateReason"]
assert reason == "2 out of 3 time series evaluated to ALARM", reason
contributors = cloudwatch.describe_alarm_contributors(AlarmName="fleet")["AlarmContributors"]
assert sorted(one["ContributorAttributes"]["host"] for one in contributors) == ["a", "c"], contributors
of_one = cloudwatch.describe_alarm_history(AlarmName="fleet", AlarmContributorId=contributors[0]["ContributorId"])["AlarmHistoryItems"]
assert [item["HistoryItemType"] for item in of_one] == ["AlarmContributorStateUpdate"], of_one
cloudwatch.delete_alarms(AlarmNames=["fleet"])

# Saved queries.
saved = cloudwatch.put_metric_data_query_definition(Path="team/heat", Expression="SELECT MAX(heat) FROM Random", Type="SQL")
refused("ConflictException", cloudwatch.put_metric_data_query_definition, Path="team/heat", Expression="1", Type="METRIC_MATH")
assert cloudwatch.get_metric_data_query_definition(Id=saved["Id"])["Expression"] == "SELECT MAX(heat) FROM Random"
assert [item["Path"] for item in cloudwatch.list_metric_data_query_definitions()["Items"]] == ["team/heat"]
cloudwatch.delete_metric_data_query_definition(Id=saved["Id"])
refused("ResourceNotFoundException", cloudwatch.get_metric_data_query_definition, Id=saved["Id"])

# Dashboards.
body = {"widgets": [{"type": "metric", "x": 0, "y": 0, "width": 6, "height": 6, "properties": {"region": "us-east-1", "metrics": [["Shop", "Visits"]]}}]}
assert cloudwatch.put_dashboard(DashboardName="main", DashboardBody=json.dumps(body))["DashboardValidationMessages"] == []
assert json.loads(cloudwatch.get_dashboard(DashboardName="main")["DashboardBody"]) == body
assert [entry["DashboardName"] for entry in cloudwatch.list_dashboards()["DashboardEntries"]] == ["main"]
refused("InvalidParameterInput", cloudwatch.put_dashboard, DashboardName="bad", DashboardBody="{}")
cloudwatch.delete_dashboards(DashboardNames=["main"])
refused("ResourceNotFound", cloudwatch.get_dashboard, DashboardName="main")

# Detectors.
single = {"Namespace": "Random", "MetricName": "latency", "Stat": "Average"}
cloudwatch.put_anomaly_detector(SingleMetricAnomalyDetector=single)
(detector,) = cloudwatch.describe_anomaly_detectors()["AnomalyDetectors"]
assert detector["SingleMetricAnomalyDetector"]["Stat"] == "Average" and detector["StateValue"].startswith("TRAINED"), detector
cloudwatch.delete_anomaly_detector(SingleMetricAnomalyDetector=single)
refused("ResourceNotFoundException", cloudwatch.delete_anomaly_detector, SingleMetricAnomalyDetector=single)

# Contributor Insights: of log events, and of the keys of a table.
logs, dynamodb = boto3.client("logs"), boto3.client("dynamodb")
logs.create_log_group(logGroupName="/shop/access")
logs.create_log_stream(logGroupName="/shop/access", logStreamName="one")
rule = {
    "Schema": {"Name": "CloudWatchLogRule", "Version": 1},
    "LogGroupNames": ["/shop/*"],
    "LogFormat": "JSON",
    "Contribution": {"Keys": ["$.ip", "$.path"], "ValueOf": "$.bytes", "Filters": [{"Match": "$.status", "LessThan": 500}]},
    "AggregateOn": "Sum",
}
cloudwatch.put_insight_rule(RuleName="talkers", RuleDefinition=json.dumps(rule), Tags=[{"Key": "team", "Value": "web"}])
refused("InvalidParameterValue", cloudwatch.put_insight_rule, RuleName="bad", RuleDefinition="{}")
now = dt.datetime.now(dt.timezone.utc)
visits = [(f"10.0.0.{rng.integers(20)}", "/" if i % 3 else "/pay", int(rng.integers(1000)), 500 if i % 10 == 0 else 200) for i in range(500)]
expected = {}
for ip, path, size, status in visits:
    if status < 500:
        expected[ip, path] = expected.get((ip, path), 0) + size
message = lambda ip, path, size, status: json.dumps({"ip": ip, "path": path, "bytes": size, "status": status})
events = [{"timestamp": int(now.timestamp() * 1000), "message": message(*visit)} for visit in visits]
logs.put_log_events(logGroupName="/shop/access", logStreamName="one", logEvents=events)
window = {"StartTime": now - dt.timedelta(minutes=10), "EndTime": now + dt.timedelta(minutes=10), "Period": 300}


def report(rule, done, **arguments):
    for _ in range(100):
        answer = cloudwatch.get_insight_rule_report(RuleName=rule, **window, **arguments)
        if done(answer):
            return answer
        time.sleep(0.1)
    raise AssertionError(answer)


answer = report("talkers", lambda answer: answer["AggregateValue"] == sum(expected.values()), MaxContributorCount=100, Metrics=["UniqueContributors", "SampleCount"])
assert answer["KeyLabels"] == ["$.ip", "$.path"] and answer["ApproximateUniqueCount"] == len(expected), answer
assert {tuple(one["Keys"]): one["ApproximateAggregateValue"] for one in answer["Contributors"]} == expected
assert sum(point["SampleCount"] for point in answer["MetricDatapoints"]) == 450
math = [{"Id": "e", "Expression": "INSIGHT_RULE_METRIC('talkers', 'Sum')", "Period": 300}]
data = cloudwatch.get_metric_data(MetricDataQueries=math, StartTime=window["StartTime"], EndTime=window["EndTime"])
assert sum(data["MetricDataResults"][0]["Values"]) == sum(expected.values()), data
assert cloudwatch.disable_insight_rules(RuleNames=["talkers", "none"])["Failures"][0]["FailureResource"] == "none"
dynamodb.create_table(
    TableName="carts", BillingMode="PAY_PER_REQUEST",
    KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}], AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
)
dynamodb.update_contributor_insights(TableName="carts", ContributorInsightsAction="ENABLE")
known = dynamodb.describe_contributor_insights(TableName="carts")
assert known["ContributorInsightsStatus"] == "ENABLED" and len(known["ContributorInsightsRuleList"]) == 2, known
rules = {rule["Name"]: rule for rule in cloudwatch.describe_insight_rules()["InsightRules"]}
assert set(rules) == {"talkers", *known["ContributorInsightsRuleList"]} and rules["talkers"]["State"] == "DISABLED", rules
for i in range(10):
    dynamodb.put_item(TableName="carts", Item={"p": {"S": "hot" if i else "cold"}})
answer = report(known["ContributorInsightsRuleList"][0], lambda answer: answer["AggregateValue"] == 30)
assert [(one["Keys"], one["ApproximateAggregateValue"]) for one in answer["Contributors"]] == [(["hot"], 27), (["cold"], 3)], answer
assert len(cloudwatch.delete_insight_rules(RuleNames=["talkers", known["ContributorInsightsRuleList"][0]])["Failures"]) == 1
dynamodb.delete_table(TableName="carts")
assert cloudwatch.describe_insight_rules()["InsightRules"] == []

print("cloudwatch: points, statistics and math as numpy has them, alarms, dashboards, detectors, contributors")
