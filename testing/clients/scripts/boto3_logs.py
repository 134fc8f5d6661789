"""CloudWatch Logs by boto3: groups, events, paging, filters, queries, live tail, refusals."""

import json
import threading
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

logs = boto3.client("logs")
iam = boto3.client("iam")


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


GROUP = "/aws/app/web"
logs.create_log_group(logGroupName=GROUP, tags={"team": "web"})
refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName=GROUP)
logs.put_retention_policy(logGroupName=GROUP, retentionInDays=30)
(group,) = logs.describe_log_groups(logGroupNamePrefix="/aws/app")["logGroups"]
assert group["retentionInDays"] == 30 and group["arn"].endswith(":log-group:/aws/app/web:*"), group
assert logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"] == {"team": "web"}
for stream in ("one", "two"):
    logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)

now = int(time.time() * 1000)
for start in range(0, 2500, 500):
    events = [
        {"timestamp": now - 5000 + i, "message": json.dumps({"n": i, "status": 500 if i % 100 == 0 else 200, "ms": i % 50})}
        for i in range(start, start + 500)
    ]
    answer = logs.put_log_events(logGroupName=GROUP, logStreamName="one", logEvents=events)
    assert "rejectedLogEventsInfo" not in answer
logs.put_log_events(logGroupName=GROUP, logStreamName="two", logEvents=[{"timestamp": now - 4000, "message": "plain ERROR line"}])

pages = logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP, PaginationConfig={"PageSize": 700})
found = [event for page in pages for event in page["events"]]
assert len(found) == 2501 and len({event["eventId"] for event in found}) == 2501
assert [event["timestamp"] for event in found] == sorted(event["timestamp"] for event in found)
failures = logs.filter_log_events(logGroupName=GROUP, filterPattern="{ $.status = 500 && $.n > 1000 }")["events"]
assert [json.loads(event["message"])["n"] for event in failures] == list(range(1100, 2500, 100))
(plain,) = logs.filter_log_events(logGroupName=GROUP, filterPattern="ERROR")["events"]
assert plain["logStreamName"] == "two"
refused("InvalidParameterException", logs.filter_log_events, logGroupName=GROUP, filterPattern="{ $.a = }")

token, read = None, []
while True:
    more = {"nextToken": token} if token else {}
    page = logs.get_log_events(logGroupName=GROUP, logStreamName="one", startFromHead=True, limit=1000, **more)
    read += page["events"]
    if page["nextForwardToken"] == token:
        break
    token = page["nextForwardToken"]
assert [json.loads(event["message"])["n"] for event in read] == list(range(2500))

query = logs.start_query(
    logGroupName=GROUP,
    startTime=now // 1000 - 3600,
    endTime=now // 1000 + 60,
    queryString="filter ispresent(ms) | stats count(*) as n, avg(ms) as mean, pct(ms, 100) as worst by status | sort status asc",
)["queryId"]
while (results := logs.get_query_results(queryId=query))["status"] in ("Scheduled", "Running"):
    time.sleep(0.05)
assert results["status"] == "Complete", results
rows = [{field["field"]: field["value"] for field in row} for row in results["results"]]
assert rows[0]["status"] == "200" and rows[0]["n"] == "2475" and rows[0]["worst"] == "49", rows
assert rows[1] == {"status": "500", "n": "25", "mean": "0", "worst": "0"}, rows
message = refused("MalformedQueryException", logs.start_query, logGroupName=GROUP, startTime=0, endTime=1, queryString="fields | x")
assert "unexpected symbol" in message, message

# Live tail: an event that comes while the session is open is sent within a few seconds.
# (AWS has a host of its own for it, which a numeric endpoint cannot have.)
tail = boto3.client("logs", config=Config(inject_host_prefix=False))
session = tail.start_live_tail(logGroupIdentifiers=[group["logGroupArn"]], logEventFilterPattern="needle")
threading.Timer(
    1.5,
    lambda: logs.put_log_events(
        logGroupName=GROUP,
        logStreamName="two",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": m} for m in ("hay", "a needle")],
    ),
).start()
for event in session["responseStream"]:
    if "sessionStart" in event:
        assert event["sessionStart"]["logGroupIdentifiers"] == [group["logGroupArn"]]
    elif tailed := event["sessionUpdate"]["sessionResults"]:
        assert [one["message"] for one in tailed] == ["a needle"], tailed
        break
session["responseStream"].close()

# Field indexes: queries pass over chunks that cannot match.
policy = logs.put_index_policy(logGroupIdentifier=GROUP, policyDocument=json.dumps({"Fields": ["requestId"]}))["indexPolicy"]
assert policy["source"] == "LOG_GROUP" and logs.describe_index_policies(logGroupIdentifiers=[GROUP])["indexPolicies"] == [policy]
refused("InvalidParameterException", logs.put_index_policy, logGroupIdentifier=GROUP, policyDocument='{"Fields": []}')
for i in range(5):
    events = [{"timestamp": now, "message": json.dumps({"requestId": f"r-{i}", "n": n})} for n in range(20)]
    logs.put_log_events(logGroupName=GROUP, logStreamName="two", logEvents=events)


def index():
    found = logs.describe_field_indexes(logGroupIdentifiers=[GROUP])["fieldIndexes"]
    return next(field for field in found if field["fieldIndexName"] == "requestId")


field = index()
assert (field["fieldIndexName"], field["firstEventTime"], field["lastEventTime"]) == ("requestId", now, now), field
for command, at_least in (("filterIndex", 20), ("filter", 2500)):
    text = f"{command} requestId = 'r-3' | stats count(*) as n"
    query = logs.start_query(logGroupName=GROUP, startTime=now // 1000 - 60, endTime=now // 1000 + 60, queryString=text)
    while (answer := logs.get_query_results(queryId=query["queryId"]))["status"] in ("Scheduled", "Running"):
        time.sleep(0.05)
    assert answer["results"] == [[{"field": "n", "value": "20"}]], answer
    statistics = answer["statistics"]
    assert statistics["estimatedRecordsSkipped"] == 80 and statistics["recordsScanned"] >= at_least, statistics
logs.delete_index_policy(logGroupIdentifier=GROUP)
assert index()["indexCategory"] == "INACTIVE"

# A user who may write and not read.
iam.create_user(UserName="writer")
policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": f"{group['logGroupArn']}:*"}],
}
iam.put_user_policy(UserName="writer", PolicyName="write", PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName="writer")["AccessKey"]
writer = boto3.client("logs", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
writer.put_log_events(logGroupName=GROUP, logStreamName="two", logEvents=[{"timestamp": now, "message": "from writer"}])
message = refused("AccessDeniedException", writer.filter_log_events, logGroupName=GROUP)
assert "logs:FilterLogEvents on resource: arn:aws:logs:us-east-1:000000000000:log-group:/aws/app/web:log-stream:" in message, message

logs.delete_log_group(logGroupName=GROUP)
refused("ResourceNotFoundException", logs.delete_log_group, logGroupName=GROUP)
