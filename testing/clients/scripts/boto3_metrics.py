"""What services publish of their own work, a minute of the cloud's clock later, by boto3; quotas and a function in metric math."""

import datetime as dt
import io
import json
import os
import sys
import time
import urllib.request
import zipfile

import boto3
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
cloudwatch, tables, functions, iam, sqs = (
    boto3.client(name) for name in ["cloudwatch", "dynamodb", "lambda", "iam", "sqs"])


def clock(**change):
    body = json.dumps(change).encode() if change else None
    request = urllib.request.Request(ENDPOINT + "/_haneul/clock", data=body, method="POST" if change else "GET")
    return dt.datetime.fromisoformat(json.load(urllib.request.urlopen(request))["now"].replace("Z", "+00:00"))


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return
    raise AssertionError(f"{code} was expected")


def shown(namespace, metric, begin, extended=(), **dimensions):
    """Number and sum of what was recorded since `begin`, and percentiles of the last point; waited for, as the intake runs by itself."""
    dimensions = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    query = dict(Namespace=namespace, MetricName=metric, Dimensions=dimensions, StartTime=begin, EndTime=clock() + dt.timedelta(minutes=1), Period=60)
    for _ in range(100):
        points = cloudwatch.get_metric_statistics(Statistics=["SampleCount", "Sum"], **query)["Datapoints"]
        if points:
            break
        time.sleep(0.1)
    assert points, (metric, dimensions)
    found = sum(point["SampleCount"] for point in points), sum(point["Sum"] for point in points)
    if not extended:
        return found
    points = cloudwatch.get_metric_statistics(ExtendedStatistics=list(extended), **query)["Datapoints"]
    return *found, points[-1]["ExtendedStatistics"]


tables.create_table(TableName="tab", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                    AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}])
tables.get_waiter("table_exists").wait(TableName="tab", WaiterConfig={"Delay": 1})
url = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
clock(advance_seconds=120)
begin = clock().replace(second=0, microsecond=0)
for i in range(20):
    tables.put_item(TableName="tab", Item={"k": {"S": str(i % 10)}})
    tables.get_item(TableName="tab", Key={"k": {"S": str(i % 10)}})
assert tables.scan(TableName="tab")["Count"] == 10
refused("ConditionalCheckFailedException", tables.put_item, TableName="tab", Item={"k": {"S": "1"}}, ConditionExpression="attribute_not_exists(k)")
refused("ValidationException", tables.get_item, TableName="tab", Key={"other": {"S": "1"}})
refused("ResourceNotFoundException", tables.describe_table, TableName="none")
for _ in range(3):
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d")
clock(advance_seconds=60)

count, total, percentiles = shown("AWS/DynamoDB", "SuccessfulRequestLatency", begin, ("p50", "p99.9"), TableName="tab", Operation="GetItem")
assert count == 20, count
# Of a call that took some ten microseconds: more than nothing, and less than a second.
assert 0 < percentiles["p50"] <= percentiles["p99.9"] < 1000, percentiles
assert 0 < total < 20_000, total
assert shown("AWS/DynamoDB", "SuccessfulRequestLatency", begin, TableName="tab", Operation="PutItem")[0] == 20
assert shown("AWS/DynamoDB", "ReturnedItemCount", begin, TableName="tab", Operation="Scan") == (1, 10)
assert shown("AWS/DynamoDB", "ConsumedReadCapacityUnits", begin, TableName="tab") == (21, 10.5)
# What is refused has cost a unit, too.
assert shown("AWS/DynamoDB", "ConsumedWriteCapacityUnits", begin, TableName="tab") == (21, 21)
assert shown("AWS/DynamoDB", "ConditionalCheckFailedRequests", begin, TableName="tab") == (1, 1)
assert shown("AWS/DynamoDB", "UserErrors", begin) == (2, 2)
assert shown("AWS/SQS", "NumberOfMessagesSent", begin, QueueName="q.fifo") == (1, 1)
assert shown("AWS/SQS", "NumberOfDeduplicatedSentMessages", begin, QueueName="q.fifo") == (2, 2)
age = cloudwatch.get_metric_statistics(Namespace="AWS/SQS", MetricName="ApproximateAgeOfOldestMessage", Dimensions=[{"Name": "QueueName", "Value": "q.fifo"}],
                                       StartTime=begin, EndTime=clock() + dt.timedelta(minutes=1), Period=60, Statistics=["Maximum"])["Datapoints"]
assert age[0]["Unit"] == "Seconds" and 60 <= age[0]["Maximum"] < 120, age

# Each five minutes it is told how many tables there are; and how many there may be is known to metric math.
for _ in range(6):
    clock(advance_seconds=60)
    time.sleep(0.2)
assert shown("AWS/Usage", "ResourceCount", begin, Service="DynamoDB", Type="Resource", Resource="TableCount", Class="None")[1] >= 1
usage = {"Namespace": "AWS/Usage", "MetricName": "ResourceCount", "Dimensions": [
    {"Name": name, "Value": value} for name, value in [("Service", "DynamoDB"), ("Type", "Resource"), ("Resource", "TableCount"), ("Class", "None")]]}


def data(*queries):
    return cloudwatch.get_metric_data(StartTime=begin, EndTime=begin + dt.timedelta(minutes=10), ScanBy="TimestampAscending", MetricDataQueries=list(queries))["MetricDataResults"]


[percent] = data({"Id": "m1", "ReturnData": False, "MetricStat": {"Metric": usage, "Period": 300, "Stat": "Maximum"}},
                 {"Id": "e1", "Expression": "m1/SERVICE_QUOTA(m1)*100"})
assert set(percent["Values"]) == {0.04}, percent

# A function as a data source.
CODE = """
def handler(event, context):
    if event["EventType"] != "GetMetricData":
        return {"Error": {"Code": "Validation", "Value": "what?"}}
    request = event["GetMetricDataRequest"]
    factor, name = request["Arguments"]
    if factor < 0:
        return {"Error": {"Code": "Validation", "Value": "less than nothing"}}
    times = list(range(request["StartTime"], request["EndTime"], request["Period"]))
    return {"MetricDataResults": [{"StatusCode": "Complete", "Label": name, "Timestamps": times, "Values": [factor * i for i in range(len(times))]}]}
"""
package = io.BytesIO()
with zipfile.ZipFile(package, "w") as archive:
    archive.writestr("code.py", CODE)
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]}
role = iam.create_role(RoleName="source", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
functions.create_function(FunctionName="source", Runtime=f"python3.{sys.argv[1]}", Role=role, Handler="code.handler", Code={"ZipFile": package.getvalue()}, Timeout=9)
functions.get_waiter("function_active_v2").wait(FunctionName="source", WaiterConfig={"Delay": 1})
asked = {"Id": "e1", "Expression": "LAMBDA('source', 1.5, 'made up')", "Period": 60}
[closed] = data(asked)
assert closed["StatusCode"] == "Forbidden" and closed["Values"] == [], closed
account = boto3.client("sts").get_caller_identity()["Account"]
functions.add_permission(FunctionName="source", StatementId="metrics", Action="lambda:InvokeFunction", Principal="lambda.datasource.cloudwatch.amazonaws.com", SourceAccount=account)
[answered] = data(asked)
assert (answered["Label"], answered["StatusCode"], answered["Values"][:4]) == ("made up", "Complete", [0.0, 1.5, 3.0, 4.5]), answered
[summed] = data({"Id": "e1", "Expression": "SUM(LAMBDA('source', 2, 'x')) + 1", "Period": 60})
assert summed["Values"][:3] == [1.0, 3.0, 5.0], summed
try:
    data({"Id": "e1", "Expression": "LAMBDA('source', -1, 'x')", "Period": 60})
    raise AssertionError("an argument that the function refuses went through")
except ClientError as error:
    assert "less than nothing" in error.response["Error"]["Message"], error
print("boto3 metrics: ok")
