"""Kinesis around a kill: `before` puts records from many threads, notes each that was acknowledged, and kills the server while
it does and the stream is being split; `after` finds every one of them, in the order of its key, once."""

import json
import os
import signal
import sys
import threading
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

kinesis = boto3.client("kinesis", config=Config(retries={"max_attempts": 0}, max_pool_connections=20))
NOTES = sys.argv[2]


def put(key, noted, ended):
    number = 0
    while not ended.is_set():
        records = [{"PartitionKey": key, "Data": f"{key} {number + i}".encode()} for i in range(3)]
        try:
            # One at a time, so that the order is known, and then several at once.
            answers = [kinesis.put_record(StreamName="s", **records[0])]
            answers += kinesis.put_records(StreamName="s", Records=records[1:])["Records"]
        except (BotoCoreError, ClientError, OSError):
            number += 3
            continue
        noted += [(f"{key} {number + i}", one["SequenceNumber"]) for i, one in enumerate(answers) if "SequenceNumber" in one]
        number += 3


def before():
    kinesis.create_stream(StreamName="s", ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName="s", WaiterConfig={"Delay": 1})
    noted, ended = [[] for _ in range(8)], threading.Event()
    threads = [threading.Thread(target=put, args=(f"key-{i}", noted[i], ended)) for i in range(8)]
    [thread.start() for thread in threads]
    time.sleep(1)
    kinesis.update_shard_count(StreamName="s", TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    time.sleep(1)
    kinesis.update_shard_count(StreamName="s", TargetShardCount=3, ScalingType="UNIFORM_SCALING")
    # The second change takes effect half a second after it was asked for: about now.
    time.sleep(0.5)
    os.kill(int(sys.argv[3]), signal.SIGKILL)
    ended.set()
    [thread.join() for thread in threads]
    assert all(len(of_key) > 30 for of_key in noted), [len(of_key) for of_key in noted]
    with open(NOTES, "w") as file:
        json.dump(noted, file)


def after():
    with open(NOTES) as file:
        noted = json.load(file)
    while kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamStatus"] != "ACTIVE":
        time.sleep(0.1)
    latest = kinesis.put_record(StreamName="s", PartitionKey="key-0", Data=b"after")["SequenceNumber"]
    assert latest > max(number for _, number in noted[0])
    found = {}
    for shard in kinesis.list_shards(StreamName="s")["Shards"]:
        iterator = kinesis.get_shard_iterator(StreamName="s", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while iterator:
            page = kinesis.get_records(ShardIterator=iterator)
            for record in page["Records"]:
                assert record["SequenceNumber"] not in found
                found[record["SequenceNumber"]] = record["Data"].decode()
            iterator = page.get("NextShardIterator") if page["Records"] else None
    for of_key in noted:
        numbers = [number for _, number in of_key]
        assert all(found.get(number) == data for data, number in of_key), "an acknowledged record is not there"
        assert numbers == sorted(numbers), "a key's numbers fell"
    print(sum(len(of_key) for of_key in noted), "acknowledged,", len(found), "found")


{"before": before, "after": after}[sys.argv[1]]()
