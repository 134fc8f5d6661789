"""SQS by boto3: batches, long polling, FIFO, attributes, the resource API, errors."""

import threading
import time

import boto3
from botocore.exceptions import ClientError

sqs = boto3.client("sqs")
resource = boto3.resource("sqs")


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response
    raise AssertionError(f"{code} was expected")


queue = resource.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "30"})
assert resource.get_queue_by_name(QueueName="jobs").url == queue.url
queue.send_message(MessageBody="one", MessageAttributes={"n": {"DataType": "Number", "StringValue": "1"}})
# botocore checks MD5OfMessageBody and MD5OfMessageAttributes by itself.
(message,) = queue.receive_messages(MessageAttributeNames=["All"], AttributeNames=["All"])
assert message.body == "one" and message.message_attributes["n"]["StringValue"] == "1"
assert message.attributes["ApproximateReceiveCount"] == "1" and message.attributes["SenderId"]
message.delete()

batch = sqs.send_message_batch(
    QueueUrl=queue.url,
    Entries=[{"Id": "a", "MessageBody": "a"}, {"Id": "b", "MessageBody": "b\x01"}, {"Id": "c", "MessageBody": "c"}],
)
assert [s["Id"] for s in batch["Successful"]] == ["a", "c"]
assert batch["Failed"][0]["Id"] == "b" and batch["Failed"][0]["SenderFault"]
refused("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", sqs.send_message_batch, QueueUrl=queue.url,
        Entries=[{"Id": "a", "MessageBody": "a"}, {"Id": "a", "MessageBody": "b"}])
got = set()
while len(got) < 2:
    for message in queue.receive_messages(MaxNumberOfMessages=10, WaitTimeSeconds=2):
        got.add(message.body)
        message.delete()
assert got == {"a", "c"}

# By its name alone, and without the list of what failed where nothing did.
named = resource.create_queue(QueueName="named")
assert "Failed" not in sqs.send_message_batch(QueueUrl="named", Entries=[{"Id": "a", "MessageBody": "a"}])
(message,) = named.receive_messages(WaitTimeSeconds=2)
refused("InvalidParameterValue", message.change_visibility, VisibilityTimeout=43201)
message.delete()
refused("QueueAlreadyExists", sqs.create_queue, QueueName="named", tags={"team": "sky"})

# Long polling wakes at once.
threading.Timer(0.5, lambda: boto3.client("sqs").send_message(QueueUrl=queue.url, MessageBody="late")).start()
began = time.monotonic()
late = queue.receive_messages(WaitTimeSeconds=20)
assert late[0].body == "late" and time.monotonic() - began < 10
late[0].delete()

fifo = sqs.create_queue(QueueName="f.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]
for i in range(10):
    for _ in range(2):
        sqs.send_message(QueueUrl=fifo, MessageBody=f"{i}", MessageGroupId=f"g{i % 2}")
seen = {"g0": [], "g1": []}
for _ in range(20):
    answer = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=3, AttributeNames=["MessageGroupId", "SequenceNumber"])
    for message in answer.get("Messages", []):
        seen[message["Attributes"]["MessageGroupId"]].append(int(message["Body"]))
        sqs.delete_message(QueueUrl=fifo, ReceiptHandle=message["ReceiptHandle"])
assert seen == {"g0": [0, 2, 4, 6, 8], "g1": [1, 3, 5, 7, 9]}, seen

kms = boto3.client("kms")
key = kms.create_key()["KeyMetadata"]["KeyId"]
sealed = sqs.create_queue(QueueName="sealed", Attributes={"KmsMasterKeyId": key})["QueueUrl"]
shown = sqs.get_queue_attributes(QueueUrl=sealed, AttributeNames=["All"])["Attributes"]
assert (shown["KmsMasterKeyId"], shown["KmsDataKeyReusePeriodSeconds"], shown["SqsManagedSseEnabled"]) == (key, "300", "false")
sqs.send_message(QueueUrl=sealed, MessageBody="하늘")
message = sqs.receive_message(QueueUrl=sealed)["Messages"][0]
assert message["Body"] == "하늘", message
sqs.delete_message(QueueUrl=sealed, ReceiptHandle=message["ReceiptHandle"])
sqs.set_queue_attributes(QueueUrl=sealed, Attributes={"KmsMasterKeyId": "alias/nothing"})
unknown = refused("KMS.NotFoundException", sqs.send_message, QueueUrl=sealed, MessageBody="a")
assert unknown["Error"]["QueryErrorCode"] == "KmsNotFound", unknown
refused("InvalidAttributeValue", sqs.set_queue_attributes, QueueUrl=sealed,
        Attributes={"KmsMasterKeyId": key, "SqsManagedSseEnabled": "true"})

missing = refused("AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, QueueName="none")
assert missing["Error"]["QueryErrorCode"] == "QueueDoesNotExist", missing
assert missing["ResponseMetadata"]["HTTPStatusCode"] == 400
sqs.tag_queue(QueueUrl=queue.url, Tags={"team": "하늘"})
assert sqs.list_queue_tags(QueueUrl=queue.url)["Tags"] == {"team": "하늘"}
names = [f"page-{i:02}" for i in range(12)]
for name in names:
    sqs.create_queue(QueueName=name)
pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix="page-", PaginationConfig={"PageSize": 5})
listed = [url.rsplit("/", 1)[1] for page in pages for url in page.get("QueueUrls", [])]
assert listed == names, listed
queue.delete()
print("boto3 sqs: ok")
