"""Kinesis by boto3: waiters, paginators, records across a split, fan-out, encryption, policies between accounts."""

import json
import threading
import time

import boto3
from botocore.exceptions import ClientError

kinesis = boto3.client("kinesis")


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


def active(name):
    """UPDATING has no waiter of its own."""
    while True:
        summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        if summary["StreamStatus"] == "ACTIVE":
            return summary
        time.sleep(0.1)


refused("ResourceNotFoundException", kinesis.describe_stream, StreamName="clicks")
kinesis.create_stream(StreamName="clicks", ShardCount=2, Tags={"team": "sky"})
refused("ResourceInUseException", kinesis.create_stream, StreamName="clicks", ShardCount=2)
kinesis.get_waiter("stream_exists").wait(StreamName="clicks", WaiterConfig={"Delay": 1})
stream = kinesis.describe_stream(StreamName="clicks")["StreamDescription"]
arn = stream["StreamARN"]
assert stream["StreamStatus"] == "ACTIVE" and len(stream["Shards"]) == 2, stream
assert stream["EnhancedMonitoring"] == [{"ShardLevelMetrics": []}] and stream["EncryptionType"] == "NONE"
assert kinesis.list_streams()["StreamNames"] == ["clicks"]
assert kinesis.list_tags_for_stream(StreamName="clicks")["Tags"] == [{"Key": "team", "Value": "sky"}]

put = kinesis.put_record(StreamARN=arn, PartitionKey="ann", Data=b"first")
assert len(put["SequenceNumber"]) == 56
put = kinesis.put_record(
    StreamName="clicks", PartitionKey="ann", Data=b"second", SequenceNumberForOrdering=put["SequenceNumber"]
)
answer = kinesis.put_records(
    StreamName="clicks", Records=[{"PartitionKey": f"p{i}", "Data": f"{i}".encode()} for i in range(100)]
)
assert answer["FailedRecordCount"] == 0 and len(answer["Records"]) == 100
refused("ValidationException", kinesis.put_record, StreamName="clicks", PartitionKey="a", Data=bytes(1024 * 1024))
refused("DryRunOperationException", kinesis.put_record, StreamName="clicks", PartitionKey="a", Data=b"", DryRun=True)

# Everything moves to the children of a split, and a reader follows.
parent = put["ShardId"]
shards = {shard["ShardId"]: shard for shard in kinesis.list_shards(StreamName="clicks")["Shards"]}
edges = [int(edge) for edge in shards[parent]["HashKeyRange"].values()]
kinesis.split_shard(StreamName="clicks", ShardToSplit=parent, NewStartingHashKey=str(sum(edges) // 2))
active("clicks")
kinesis.put_record(StreamName="clicks", PartitionKey="ann", Data=b"third")


def read(shard):
    """The records of a shard, and its children if it is closed."""
    iterator = kinesis.get_shard_iterator(
        StreamName="clicks", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = []
    while True:
        page = kinesis.get_records(ShardIterator=iterator, Limit=60)
        records += page["Records"]
        iterator = page.get("NextShardIterator")
        if iterator is None:
            return records, [child["ShardId"] for child in page["ChildShards"]]
        if not page["Records"]:
            return records, []


records, children = read(parent)
assert len(children) == 2, children
for child in children:
    records += read(child)[0]
assert [r["Data"] for r in records if r["PartitionKey"] == "ann"] == [b"first", b"second", b"third"]
assert [r["SequenceNumber"] for r in records if r["PartitionKey"] == "ann"] == sorted(
    r["SequenceNumber"] for r in records if r["PartitionKey"] == "ann"
)
# Not by the paginator, which gives the stream's name again beside the token: AWS refuses that.
page = kinesis.list_shards(StreamName="clicks", MaxResults=3)
assert len(page["Shards"]) == 3
refused("InvalidArgumentException", kinesis.list_shards, StreamName="clicks", NextToken=page["NextToken"])
assert len(kinesis.list_shards(NextToken=page["NextToken"])["Shards"]) == 1
latest = kinesis.list_shards(StreamName="clicks", ShardFilter={"Type": "AT_LATEST"})["Shards"]
assert len(latest) == 3

# Fan-out: a record is pushed while the subscription waits.
consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="app")["Consumer"]["ConsumerARN"]
while (
    kinesis.describe_stream_consumer(ConsumerARN=consumer)["ConsumerDescription"]["ConsumerStatus"] != "ACTIVE"
):
    time.sleep(0.1)
child = kinesis.put_record(StreamName="clicks", PartitionKey="ann", Data=b"fourth")
position = {"Type": "AT_SEQUENCE_NUMBER", "SequenceNumber": child["SequenceNumber"]}
events = kinesis.subscribe_to_shard(
    ConsumerARN=consumer, ShardId=child["ShardId"], StartingPosition=position
)["EventStream"]
refused(
    "ResourceInUseException",
    kinesis.subscribe_to_shard,
    ConsumerARN=consumer,
    ShardId=child["ShardId"],
    StartingPosition={"Type": "LATEST"},
)
later = threading.Timer(0.3, kinesis.put_record, [], dict(StreamName="clicks", PartitionKey="ann", Data=b"fifth"))
later.start()
pushed = []
for event in events:
    pushed += [record["Data"] for record in event["SubscribeToShardEvent"]["Records"]]
    assert event["SubscribeToShardEvent"]["ContinuationSequenceNumber"]
    if len(pushed) == 2:
        break
assert pushed == [b"fourth", b"fifth"], pushed
events.close()
refused("ResourceInUseException", kinesis.delete_stream, StreamName="clicks")

# A shard that ends while it is subscribed to ends the subscription, and names who goes on.
kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="end")
time.sleep(0.6)
end = kinesis.describe_stream_consumer(StreamARN=arn, ConsumerName="end")["ConsumerDescription"]["ConsumerARN"]
events = kinesis.subscribe_to_shard(
    ConsumerARN=end, ShardId=parent, StartingPosition={"Type": "TRIM_HORIZON"}
)["EventStream"]
last = [event["SubscribeToShardEvent"] for event in events][-1]
assert "ContinuationSequenceNumber" not in last and len(last["ChildShards"]) == 2, last

# Encryption: who may not use the key reads nothing.
key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
kinesis.start_stream_encryption(StreamName="clicks", EncryptionType="KMS", KeyId=key)
assert active("clicks")["KeyId"] == key
sealed = kinesis.put_record(StreamName="clicks", PartitionKey="ann", Data=b"sealed")
assert sealed["EncryptionType"] == "KMS"
at = {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": sealed["SequenceNumber"]}
iterator = kinesis.get_shard_iterator(StreamName="clicks", ShardId=sealed["ShardId"], **at)["ShardIterator"]
(record,) = kinesis.get_records(ShardIterator=iterator)["Records"]
assert record["Data"] == b"sealed" and record["EncryptionType"] == "KMS"
iam = boto3.client("iam")
iam.create_user(UserName="reader")
document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kinesis:*", "Resource": "*"}]}
iam.put_user_policy(UserName="reader", PolicyName="all", PolicyDocument=json.dumps(document))
made = iam.create_access_key(UserName="reader")["AccessKey"]
reader = boto3.client(
    "kinesis", aws_access_key_id=made["AccessKeyId"], aws_secret_access_key=made["SecretAccessKey"]
)
refused("KMSAccessDeniedException", reader.get_records, ShardIterator=iterator)
kinesis.stop_stream_encryption(StreamName="clicks", EncryptionType="KMS", KeyId=key)
active("clicks")

# Settings and policies.
kinesis.increase_stream_retention_period(StreamName="clicks", RetentionPeriodHours=168)
assert active("clicks")["RetentionPeriodHours"] == 168
kinesis.enable_enhanced_monitoring(StreamName="clicks", ShardLevelMetrics=["IncomingBytes"])
active("clicks")
kinesis.update_shard_count(StreamName="clicks", TargetShardCount=4, ScalingType="UNIFORM_SCALING")
assert active("clicks")["OpenShardCount"] == 4
kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=10240)
active("clicks")
large = kinesis.put_record(StreamName="clicks", PartitionKey="large", Data=bytes(10 * 1024 * 1024 - 5))
at = {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": large["SequenceNumber"]}
iterator = kinesis.get_shard_iterator(StreamName="clicks", ShardId=large["ShardId"], **at)["ShardIterator"]
assert len(kinesis.get_records(ShardIterator=iterator)["Records"][0]["Data"]) == 10 * 1024 * 1024 - 5
refused("ProvisionedThroughputExceededException", boto3.client(
    "kinesis", config=boto3.session.Config(retries={"max_attempts": 0})
).put_record, StreamName="clicks", PartitionKey="large", Data=b"x")
shared = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kinesis:PutRecord", "Resource": arn}
document = json.dumps({"Version": "2012-10-17", "Statement": [shared]})
kinesis.put_resource_policy(ResourceARN=arn, Policy=document)
assert kinesis.get_resource_policy(ResourceARN=arn)["Policy"] == document
kinesis.delete_resource_policy(ResourceARN=arn)
refused("ResourceNotFoundException", kinesis.get_resource_policy, ResourceARN=arn)
kinesis.tag_resource(ResourceARN=consumer, Tags={"a": "b"})
tagging = boto3.client("resourcegroupstaggingapi")
tagging.tag_resources(ResourceARNList=[arn], Tags={"by": "tagging"})
found = tagging.get_resources(ResourceTypeFilters=["kinesis"])["ResourceTagMappingList"]
assert {"Key": "by", "Value": "tagging"} in found[0]["Tags"], found

# On demand.
kinesis.create_stream(StreamName="demand", StreamModeDetails={"StreamMode": "ON_DEMAND"})
assert active("demand")["OpenShardCount"] == 4

kinesis.delete_stream(StreamName="clicks", EnforceConsumerDeletion=True)
kinesis.delete_stream(StreamName="demand")
kinesis.get_waiter("stream_not_exists").wait(StreamName="clicks", WaiterConfig={"Delay": 1})
assert kinesis.list_streams()["StreamNames"] in ([], ["demand"])
print("ok")
