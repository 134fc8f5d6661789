"""OpenTelemetry's SDK for Python exports logs in Protobuf to the endpoint of CloudWatch Logs, with an API key and nothing else."""

import json
import os
import time

import boto3
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

endpoint = os.environ["AWS_ENDPOINT_URL"]
iam, logs = boto3.client("iam"), boto3.client("logs")
iam.create_user(UserName="shop")
document = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["logs:PutLogEvents", "logs:CallWithBearerToken"], "Resource": "*"}]}
iam.put_user_policy(UserName="shop", PolicyName="own", PolicyDocument=json.dumps(document))
key = iam.create_service_specific_credential(UserName="shop", ServiceName="logs.amazonaws.com")["ServiceSpecificCredential"]
logs.create_log_group(logGroupName="app")
logs.create_log_stream(logGroupName="app", logStreamName="one")
logs.put_bearer_token_authentication(logGroupIdentifier="app", bearerTokenAuthenticationEnabled=True)


def export(records, key=key["ServiceCredentialSecret"], **more):
    headers = {"Authorization": f"Bearer {key}", "x-aws-log-group": "app", "x-aws-log-stream": "one"}
    exporter = OTLPLogExporter(endpoint=endpoint + "/v1/logs", headers=headers, **more)
    provider = LoggerProvider(resource=Resource.create({"service.name": "shop", "service.version": "1.2"}))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_export_batch_size=100))
    logger = provider.get_logger("checkout", "0.9", attributes={"lane": 1})
    for record in records:
        logger.emit(record)
    assert provider.force_flush()
    provider.shutdown()


def stored():
    page, found = {"nextForwardToken": None}, []
    while True:
        token = page["nextForwardToken"]
        more = {"nextToken": token} if token else {}
        page = logs.get_log_events(logGroupName="app", logStreamName="one", startFromHead=True, **more)
        found += page["events"]
        if page["nextForwardToken"] == token:
            return found


# Far enough back that all of it is before what comes later.
begin = time.time_ns() - 10**10
trace = 0x5B8EFFF798038103D269B633813FC60C
export([LogRecord(timestamp=begin + n * 10**6, severity_number=SeverityNumber.INFO, severity_text="INFO", body=f"order {n}",
                  trace_id=trace, span_id=0xEEE19B7EC3C1B174, attributes={"n": n, "half": n / 2, "even": n % 2 == 0, "tags": ["a", "b"]})
        for n in range(250)])
events = stored()
assert [event["timestamp"] for event in events] == [(begin + n * 10**6) // 10**6 for n in range(250)]
for n, event in enumerate(events):
    message = json.loads(event["message"])
    assert message["body"] == f"order {n}" and message["severityText"] == "INFO" and message["severityNumber"] == 9, message
    assert message["attributes"] == {"n": n, "half": n / 2, "even": n % 2 == 0, "tags": ["a", "b"]}, message
    assert message["traceId"] == f"{trace:032x}" and message["spanId"] == "eee19b7ec3c1b174", message
    assert message["timeUnixNano"] == str(begin + n * 10**6)
    assert message["resource"]["attributes"]["service.name"] == "shop", message
    assert (message["scope"]["name"], message["scope"]["version"], message["scope"]["attributes"]) == ("checkout", "0.9", {"lane": 1})

# Packed, with a body that is a map; what is too old is said and not tried again.
export([LogRecord(timestamp=time.time_ns(), body={"item": "pear", "bytes": b"\x00\xff", "of": {"deep": [1, None]}}),
        LogRecord(timestamp=10**9, body="of 1970")], compression=Compression.Gzip)
last = json.loads(stored()[250]["message"])
assert last["body"] == {"item": "pear", "bytes": "AP8=", "of": {"deep": [1, None]}}, last
assert len(stored()) == 251

# A key that was not given out writes nothing.
export([LogRecord(timestamp=time.time_ns(), body="forged")], key="ACWL" + "x" * 60)
assert len(stored()) == 251

# Its fields are fields of queries.
query = logs.start_query(logGroupName="app", startTime=begin // 10**9 - 60, endTime=int(time.time()) + 60,
                         queryString="filter attributes.even = 1 and body like 'order' | stats count(*) as n by resource.attributes.service.name")
while (answer := logs.get_query_results(queryId=query["queryId"]))["status"] in ("Scheduled", "Running"):
    time.sleep(0.1)
found = {cell["field"]: cell["value"] for row in answer["results"] for cell in row}
assert found["n"] == "125", answer
print("OpenTelemetry logs: ok")
