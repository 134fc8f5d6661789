"""Logs Insights by boto3: joins, subqueries, anomalies and totals; scheduled queries that run by the clock and write to S3."""

import json
import os
import time
import urllib.request

import boto3
from botocore.exceptions import ClientError

logs = boto3.client("logs")
s3 = boto3.client("s3")
iam = boto3.client("iam")


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


def advance(seconds):
    body = json.dumps({"advance_seconds": seconds}).encode()
    answer = urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/_haneul/clock", data=body))
    return json.loads(answer.read() or b"{}")


def eventually(what, probe):
    for _ in range(200):
        found = probe()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come")


def ask(text, **more):
    arguments = {"logGroupName": "/shop/api", "startTime": int(time.time()) - 3600, "endTime": int(time.time()) + 3600} | more
    query = logs.start_query(queryString=text, **arguments)["queryId"]
    while (results := logs.get_query_results(queryId=query))["status"] in ("Scheduled", "Running"):
        time.sleep(0.05)
    assert results["status"] == "Complete", results
    rows = [{field["field"]: field["value"] for field in row} for row in results["results"]]
    return [{name: value for name, value in row.items() if name != "@ptr"} for row in rows]


now = int(time.time() * 1000)
for group, events in {
    "/shop/api": [{"requestId": str(i), "status": 500 if i % 4 == 0 else 200, "latency": i} for i in range(20)],
    "/shop/payment": [{"requestId": str(i), "duration": i * 10} for i in range(0, 20, 8)],
}.items():
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    logs.put_log_events(
        logGroupName=group,
        logStreamName="one",
        logEvents=[{"timestamp": now - 20000 + i, "message": json.dumps(event)} for i, event in enumerate(events)],
    )

assert ask(
    "filter status >= 500 | join type=inner left=api right=pay where api.requestId=pay.requestId (SOURCE '/shop/payment')"
    " | fields api.requestId, api.latency, pay.duration | sort api.latency desc"
) == [
    {"api.requestId": "16", "api.latency": "16", "pay.duration": "160"},
    {"api.requestId": "8", "api.latency": "8", "pay.duration": "80"},
    {"api.requestId": "0", "api.latency": "0", "pay.duration": "0"},
]
left = ask("join type=left left=a right=p where a.requestId=p.requestId (SOURCE '/shop/payment') | filter !ispresent(p.duration) | stats count(*) as n")
assert left == [{"n": "17"}], left
inner = ask("filter requestId in (SOURCE '/shop/payment' | filter duration > 50 | fields requestId) | display latency | sort latency asc")
assert inner == [{"latency": "8"}, {"latency": "16"}], inner
totals = ask("stats sum(latency) as ms, count(*) as n by status | sort status asc | addtotals col=true ms, n")
assert totals[-1] == {"ms": "190", "n": "20", "Total": "210"}, totals
patterns = ask("pattern @message | anomaly")
assert all(row["@anomaly"] in ("0", "1") for row in patterns) and patterns, patterns
assert ask("fields case(status = 200, 'ok', 'bad') as how, sha256('hello') as hash | filter latency = 4 | display how, hash") == [
    {"how": "bad", "hash": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}
]
nested = "filter requestId in (SOURCE '/shop/payment' | filter requestId in (SOURCE '/shop/api' | fields requestId) | fields requestId)"
refused("MalformedQueryException", logs.start_query, logGroupName="/shop/api", startTime=0, endTime=1, queryString=nested)

# A scheduled query: two roles, one that reads and one that writes.
s3.create_bucket(Bucket="query-results")
trust = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
roles = {}
for name, actions, resource in (
    ("reader", ["logs:StartQuery", "logs:StopQuery", "logs:GetQueryResults", "logs:DescribeLogGroups"], "*"),
    ("writer", ["s3:PutObject"], "arn:aws:s3:::query-results/*"),
):
    roles[name] = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
wanted = {
    "queryLanguage": "CWLI",
    "queryString": "stats count(*) as n by status | sort status asc",
    "logGroupIdentifiers": ["/shop/api"],
    "scheduleExpression": "cron(0/5 * * * ? *)",
    "timezone": "Asia/Seoul",
    "startTimeOffset": 7200,
    "executionRoleArn": roles["reader"],
    "destinationConfiguration": {"s3Configuration": {"destinationIdentifier": "s3://query-results/errors", "roleArn": roles["writer"]}},
}
arn = logs.create_scheduled_query(name="errors", tags={"team": "shop"}, **wanted)["scheduledQueryArn"]
refused("ConflictException", logs.create_scheduled_query, name="errors", **wanted)
refused("ValidationException", logs.create_scheduled_query, name="other", **(wanted | {"scheduleExpression": "rate(5 minutes)"}))
assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "shop"}
advance(310)


def complete():
    runs = logs.get_scheduled_query_history(identifier="errors", startTime=0, endTime=now + 10**9)["triggerHistory"]
    return [run for run in runs if run["executionStatus"] != "Running"]


run = eventually("the run", complete)[0]
assert run["executionStatus"] == "Complete", run
(destination,) = run["destinations"]
assert destination["destinationType"] == "S3" and destination["status"] == "COMPLETE", destination
bucket, key = destination["processedIdentifier"].removeprefix("s3://").split("/", 1)
body = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
assert body == [{"status": "200", "n": "15"}, {"status": "500", "n": "5"}], body
assert logs.get_query_results(queryId=run["queryId"])["status"] == "Complete"
shown = logs.get_scheduled_query(identifier=arn)
assert shown["lastExecutionStatus"] == "Complete" and shown["timezone"] == "Asia/Seoul", shown
logs.update_scheduled_query(identifier="errors", state="DISABLED", **wanted)
(listed,) = logs.list_scheduled_queries(state="DISABLED")["scheduledQueries"]
assert listed["name"] == "errors" and listed["scheduledQueryArn"] == arn, listed
logs.delete_scheduled_query(identifier="errors")
refused("ResourceNotFoundException", logs.get_scheduled_query, identifier=arn)
print("boto3 logs queries: ok")
