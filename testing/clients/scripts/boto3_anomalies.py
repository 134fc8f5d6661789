"""Anomalies of CloudWatch Logs by boto3: a detector trains, finds a new pattern, counts it, and is told to be quiet."""

import datetime as dt
import json
import os
import time
import urllib.request

import boto3
from botocore.exceptions import ClientError

logs = boto3.client("logs")
cloudwatch = boto3.client("cloudwatch")
account = boto3.client("sts").get_caller_identity()["Account"]


def clock(**change):
    body = json.dumps(change).encode() if change else None
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/_haneul/clock", data=body, method="POST" if change else "GET")
    return json.load(urllib.request.urlopen(request))


def eventually(what, probe):
    for _ in range(200):
        found = probe()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come")


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return
    raise AssertionError(f"{code} was expected")


advanced = 0


def span(*more):
    global advanced
    now = int(time.time() * 1000) + advanced * 1000
    messages = [f"[INFO] Request time: {100 + n} ms" for n in range(10)] + list(more)
    logs.put_log_events(logGroupName="app", logStreamName="one", logEvents=[{"timestamp": now, "message": one} for one in messages])
    clock(advance_seconds=60)
    advanced += 60


def status():
    return logs.get_log_anomaly_detector(anomalyDetectorArn=arn)["anomalyDetectorStatus"]


logs.create_log_group(logGroupName="app")
logs.create_log_stream(logGroupName="app", logStreamName="one")
group = f"arn:aws:logs:us-east-1:{account}:log-group:app"
arn = logs.create_log_anomaly_detector(
    logGroupArnList=[group], detectorName="watch", evaluationFrequency="ONE_MIN", anomalyVisibilityTime=7,
    tags={"team": "sky"})["anomalyDetectorArn"]
eventually("training", lambda: status() == "TRAINING")
for _ in range(20):
    span()
eventually("analysis", lambda: status() == "ANALYZING")
assert logs.list_anomalies(anomalyDetectorArn=arn)["anomalies"] == []
span("[ERROR] disk is full", "[ERROR] disk is full")
span()
span()
found = eventually("the anomaly", lambda: logs.list_anomalies(anomalyDetectorArn=arn)["anomalies"])[0]
assert (found["patternString"], found["priority"], found["state"]) == ("[ERROR] disk is full", "HIGH", "Active"), found
assert sum(found["histogram"].values()) == 2 and len(found["logSamples"]) == 2, found
assert found["logGroupArnList"] == [group] and found["anomalyDetectorArn"] == arn

now = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=advanced)
points = eventually("the metric", lambda: cloudwatch.get_metric_statistics(
    Namespace="AWS/Logs", MetricName="AnomalyCount", Statistics=["Sum"], Period=3600,
    Dimensions=[{"Name": "LogAnomalyDetector", "Value": "watch"}, {"Name": "LogAnomalyPriority", "Value": "HIGH"}],
    StartTime=now - dt.timedelta(hours=2), EndTime=now + dt.timedelta(hours=1))["Datapoints"])
assert sum(point["Sum"] for point in points) == 1, points

logs.update_anomaly(anomalyDetectorArn=arn, anomalyId=found["anomalyId"], suppressionType="INFINITE")
assert logs.list_anomalies(suppressionState="SUPPRESSED")["anomalies"][0]["suppressedUntil"] == 0
logs.update_anomaly(anomalyDetectorArn=arn, anomalyId=found["anomalyId"])
assert logs.list_anomalies(suppressionState="SUPPRESSED")["anomalies"] == []
assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "sky"}
assert [one["detectorName"] for one in logs.list_log_anomaly_detectors(filterLogGroupArn=group)["anomalyDetectors"]] == ["watch"]
logs.update_log_anomaly_detector(anomalyDetectorArn=arn, enabled=False)
assert status() == "PAUSED"
logs.delete_log_anomaly_detector(anomalyDetectorArn=arn)
refused("ResourceNotFoundException", logs.get_log_anomaly_detector, anomalyDetectorArn=arn)
print("boto3 anomalies: ok")
