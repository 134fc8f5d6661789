"""Policies of accounts of CloudWatch Logs by boto3, around a crash.

    boto3_logs_policies.py before|after
"""

import json
import sys
import time

import boto3
from botocore.exceptions import ClientError

logs, metrics = boto3.client("logs"), boto3.client("cloudwatch")
ACCOUNT = boto3.client("sts").get_caller_identity()["Account"]
GROUPS = ["app-1", "app-2", "other"]
FLOW = "2 123456789010 eni-abc123de 192.0.2.0 192.0.2.24 20641 22 6 20 4249 1418530010 1418530070 {} OK"


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


def until(what, is_so, seconds=40):
    end = time.time() + seconds
    while time.time() < end:
        found = is_so()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"it never came to this: {what}")


def put(group, *messages):
    now = int(time.time() * 1000)
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[{"timestamp": now, "message": m} for m in messages])


def ask(query):
    """The rows that a query finds, and how many events indexes let it pass over."""
    now = int(time.time())
    started = logs.start_query(logGroupNames=GROUPS, startTime=now - 3600, endTime=now + 3600, queryString=query)["queryId"]
    found = until(query, lambda: (lambda result: result["status"] == "Complete" and result)(logs.get_query_results(queryId=started)))
    rows = [{field["field"]: field["value"] for field in row if field["field"] != "@ptr"} for row in found["results"]]
    return rows, found["statistics"]["estimatedRecordsSkipped"]


def policy(kind, name, document, selection):
    put = {"policyName": name, "policyType": kind, "policyDocument": json.dumps(document), "selectionCriteria": selection}
    return logs.put_account_policy(**put)["accountPolicy"]


def before():
    for group in GROUPS:
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="s")
    app = 'LogGroupNamePrefix = "app"'
    policy("TRANSFORMER_POLICY", "flow", [{"parseVPC": {}}], app)
    made = policy("FIELD_INDEX_POLICY", "flow", {"Fields": ["action"], "FieldsV2": {"dstPort": {"type": "FACET"}}}, app)
    assert made["selectionCriteria"] == app and made["scope"] == "ALL", made
    off = {"EmbeddedMetricFormat": {"Status": "Disabled"}}
    policy("METRIC_EXTRACTION_POLICY", "off", off, 'LogGroupName IN ["app-2"]')
    overlapping = {"policyName": "more", "policyType": "FIELD_INDEX_POLICY", "policyDocument": '{"Fields":["a"]}', "selectionCriteria": 'LogGroupNamePrefix = "app-1"'}
    refused("InvalidParameterException", logs.put_account_policy, **overlapping)
    for group in GROUPS:
        put(group, FLOW.format("ACCEPT"))
        put(group, FLOW.format("REJECT"))
    logs.put_metric_filter(
        logGroupName="app-1", filterName="rejected", filterPattern="{ $.action = REJECT }", applyOnTransformedLogs=True,
        fieldSelectionCriteria=f'@aws.account = "{ACCOUNT}"', emitSystemFieldDimensions=["@aws.region"],
        metricTransformations=[{"metricName": "Rejected", "metricNamespace": "Net", "metricValue": "$.bytes"}],
    )


def after():
    kinds = ["TRANSFORMER_POLICY", "FIELD_INDEX_POLICY", "METRIC_EXTRACTION_POLICY"]
    assert [len(logs.describe_account_policies(policyType=kind)["accountPolicies"]) for kind in kinds] == [1, 1, 1]
    rows, skipped = ask("filter action = 'REJECT' | fields srcAddr, dstPort, @source.log | sort @source.log")
    assert [(row["srcAddr"], row["dstPort"], row["@source.log"]) for row in rows] == [("192.0.2.0", "22", "app-1"), ("192.0.2.0", "22", "app-2")], rows
    assert skipped == 2, skipped
    (described,) = logs.describe_index_policies(logGroupIdentifiers=["app-1"])["indexPolicies"]
    assert (described["source"], described["policyName"]) == ("ACCOUNT", "flow"), described
    fields = logs.describe_field_indexes(logGroupIdentifiers=["app-1"])["fieldIndexes"]
    shown = {field["fieldIndexName"]: (field["indexCategory"], field["type"]) for field in fields}
    assert shown["action"] == ("CUSTOM", "FIELD_INDEX") and shown["dstPort"] == ("CUSTOM", "FACET") and shown["traceId"][0] == "DEFAULT", shown
    listed = logs.list_log_groups(fieldIndexNames=["action"])["logGroups"]
    assert [group["logGroupName"] for group in listed] == ["app-1", "app-2"], listed
    # What comes now is transformed, and measured, by them too.
    put("app-1", FLOW.format("REJECT"))
    now = int(time.time() * 1000)
    for group in ["app-2", "other"]:
        embedded = {"_aws": {"Timestamp": now, "CloudWatchMetrics": [{"Namespace": group, "Metrics": [{"Name": "m"}]}]}, "m": 1}
        put(group, json.dumps(embedded))

    def rejected():
        dimensions = [{"Name": "@aws.region", "Value": "us-east-1"}]
        points = metrics.get_metric_statistics(
            Namespace="Net", MetricName="Rejected", Dimensions=dimensions, StartTime=time.time() - 600, EndTime=time.time() + 60, Period=600, Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)

    assert until("the metric", rejected) == 4249
    until("what is extracted", lambda: metrics.list_metrics(Namespace="other")["Metrics"])
    assert metrics.list_metrics(Namespace="app-2")["Metrics"] == []
    # A group's own comes first, and the account's again when it is gone.
    logs.put_transformer(logGroupIdentifier="app-1", transformerConfig=[{"csv": {"delimiter": " ", "columns": ["own"]}}])
    put("app-1", FLOW.format("LAST"))
    assert len(ask("filter own = 2")[0]) == 1
    for kind in kinds:
        logs.delete_account_policy(policyName="off" if kind.startswith("METRIC") else "flow", policyType=kind)
    assert logs.describe_index_policies(logGroupIdentifiers=["app-1"])["indexPolicies"] == []
    # What came under it stays transformed.
    assert len(ask("filter action = 'REJECT'")[0]) == 3
    print("ok")


globals()[sys.argv[1]]()
