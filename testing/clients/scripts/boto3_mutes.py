"""Alarm mute rules by boto3: a muted alarm goes into ALARM in silence, and tells of it when its window is over."""

import datetime as dt
import json
import os
import time
import urllib.request

import boto3
from botocore.exceptions import ClientError

cloudwatch = boto3.client("cloudwatch")


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


def actions():
    items = cloudwatch.describe_alarm_history(AlarmName="high", HistoryItemType="Action")["AlarmHistoryItems"]
    return [item["HistorySummary"] for item in items]


# What the action calls is not there: that it was called is in the history.
cloudwatch.put_metric_alarm(
    AlarmName="high", Namespace="Mute", MetricName="load", Statistic="Maximum", Period=60, EvaluationPeriods=1, Threshold=5,
    ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore",
    AlarmActions=["arn:aws:lambda:us-east-1:000000000000:function:nobody"])
cloudwatch.set_alarm_state(AlarmName="high", StateValue="OK", StateReason="by hand")
begin = dt.datetime.now(dt.timezone.utc) - dt.timedelta(minutes=5)
cloudwatch.put_alarm_mute_rule(
    Name="window", Description="work", MuteTargets={"AlarmNames": ["high"]},
    Rule={"Schedule": {"Expression": f"at({begin:%Y-%m-%dT%H:%M})", "Duration": "PT2H", "Timezone": "UTC"}},
    Tags=[{"Key": "team", "Value": "sky"}])
rule = cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName="window")
assert (rule["Status"], rule["MuteType"]) == ("ACTIVE", "ONE_TIME"), rule
assert rule["Rule"]["Schedule"]["Duration"] == "PT2H" and rule["MuteTargets"]["AlarmNames"] == ["high"]
cloudwatch.set_alarm_state(AlarmName="high", StateValue="ALARM", StateReason="by hand")
assert actions() == ["Actions of ALARM muted by the alarm mute rule window"], actions()
listed = cloudwatch.list_alarm_mute_rules(AlarmName="high", Statuses=["ACTIVE"])["AlarmMuteRuleSummaries"]
assert [one["AlarmMuteRuleArn"] for one in listed] == [rule["AlarmMuteRuleArn"]]
assert cloudwatch.list_tags_for_resource(ResourceARN=rule["AlarmMuteRuleArn"])["Tags"] == [{"Key": "team", "Value": "sky"}]
clock(advance_seconds=2 * 3600)
eventually("the action", lambda: len(actions()) == 2)
assert cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName="window")["Status"] == "EXPIRED"
for bad in ["cron(0 2 * * ? *)", "rate(1 hour)"]:
    try:
        cloudwatch.put_alarm_mute_rule(Name="bad", Rule={"Schedule": {"Expression": bad, "Duration": "PT1H"}})
    except ClientError:
        continue
    raise AssertionError(f"{bad} went through")
cloudwatch.put_alarm_mute_rule(
    Name="nights", Rule={"Schedule": {"Expression": "cron(0 2 * * MON-FRI)", "Duration": "PT4H", "Timezone": "Asia/Seoul"}})
assert cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName="nights")["MuteType"] == "RECURRING"
for name in ["window", "nights", "none"]:
    cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName=name)
assert cloudwatch.list_alarm_mute_rules()["AlarmMuteRuleSummaries"] == []
print("boto3 mutes: ok")
