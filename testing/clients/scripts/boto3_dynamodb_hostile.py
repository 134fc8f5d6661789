"""DynamoDB by raw requests, signed by botocore: what is nested far beyond every limit is refused, and nothing ends."""

import http.client
import json
import os
from urllib.parse import urlparse

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

endpoint = os.environ["AWS_ENDPOINT_URL"]
session = boto3.Session(region_name="us-east-1")
dynamodb = session.client("dynamodb")
signer = SigV4Auth(session.get_credentials(), "dynamodb", "us-east-1")


def send(operation, body):
    """Status, and the answer's error without what is before the #."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
    request = AWSRequest(method="POST", url=endpoint + "/", data=body, headers=headers)
    signer.add_auth(request)
    at = urlparse(endpoint)
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
    connection.request("POST", "/", body, dict(request.headers))
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    found = json.loads(text)
    return answer.status, found.get("__type", "").split("#")[-1], found


dynamodb.create_table(
    TableName="tab",
    KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
dynamodb.get_waiter("table_exists").wait(TableName="tab")


def nested(depth, opening, inner, closing):
    return opening * depth + inner + closing * depth


lists = ('{"L":[', '{"S":"x"}', "]}")
maps = ('{"M":{"k":', '{"S":"x"}', "}}")
for opening, inner, closing in (lists, maps):
    # The outermost is at level one, and 32 is the deepest.
    value = nested(31, opening, inner, closing)
    status, _, found = send("PutItem", '{"TableName":"tab","Item":{"p":{"S":"a"},"v":%s}}' % value)
    assert status == 200, found
    for depth in (33, 100, 1000, 20_000, 100_000):
        value = nested(depth, opening, inner, closing)
        for operation, body in (
            ("PutItem", '{"TableName":"tab","Item":{"p":{"S":"a"},"v":%s}}'),
            ("GetItem", '{"TableName":"tab","Key":{"p":%s}}'),
            ("UpdateItem", '{"TableName":"tab","Key":{"p":{"S":"a"}},"UpdateExpression":"SET v = :v","ExpressionAttributeValues":{":v":%s}}'),
            ("Scan", '{"TableName":"tab","FilterExpression":"v = :v","ExpressionAttributeValues":{":v":%s}}'),
            ("BatchWriteItem", '{"RequestItems":{"tab":[{"PutRequest":{"Item":{"p":{"S":"a"},"v":%s}}}]}}'),
            ("ExecuteStatement", '{"Statement":"SELECT * FROM tab WHERE p = ?","Parameters":[%s]}'),
        ):
            status, code, found = send(operation, body % value)
            assert (status, code) == (400, "ValidationException") or depth >= 1000 and (status, code) == (400, "SerializationException"), (depth, operation, status, found)

deep = 20_000
for expression in ("(" * deep + "p = :v" + ")" * deep, "NOT " * deep + "p = :v", "p = :v OR " * 2000 + "p = :v", "a" + "[0]" * 1500 + " = :v"):
    status, code, found = send(
        "Scan", json.dumps({"TableName": "tab", "FilterExpression": expression, "ExpressionAttributeValues": {":v": {"S": "x"}}})
    )
    assert (status, code) == (400, "ValidationException"), (expression[:20], status, found)
for statement in ("SELECT * FROM tab WHERE " + "(" * 4000, "SELECT * FROM tab WHERE " + "NOT " * 2000 + "p = 'a'", "INSERT INTO tab VALUE " + "{'a':" * 1600):
    status, code, found = send("ExecuteStatement", json.dumps({"Statement": statement}))
    assert (status, code) == (400, "ValidationException"), (statement[:40], status, found)
assert dynamodb.get_item(TableName="tab", Key={"p": {"S": "a"}})["Item"]["p"] == {"S": "a"}
print("ok")
