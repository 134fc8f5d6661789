"""S3 Metadata around a kill: `before` puts objects from many threads while the journal is being written, notes each that was
acknowledged, and kills the server; `after` finds every one of them in the journal, once."""

import json
import os
import signal
import sys
import threading
import time
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pyiceberg.catalog.rest import RestCatalog

endpoint = os.environ["AWS_ENDPOINT_URL"]
s3 = boto3.client("s3", config=Config(retries={"max_attempts": 0}, max_pool_connections=20))
NOTES = sys.argv[2]


def clock(**change):
    request = urllib.request.Request(endpoint + "/_haneul/clock", data=json.dumps(change).encode(), method="POST")
    return json.load(urllib.request.urlopen(request))


def put(thread, noted, ended):
    number = 0
    while not ended.is_set():
        key = f"{thread}/{number}"
        number += 1
        try:
            # Some are files of their own, some are rows.
            s3.put_object(Bucket="told", Key=key, Body=b"x" * (100_000 if number % 10 == 0 else 10))
        except (BotoCoreError, ClientError, OSError):
            continue
        noted.append(key)


def before():
    s3.create_bucket(Bucket="told")
    s3.create_bucket_metadata_configuration(Bucket="told", MetadataConfiguration={
        "JournalTableConfiguration": {"RecordExpiration": {"Expiration": "DISABLED"}},
        "InventoryTableConfiguration": {"ConfigurationState": "ENABLED"},
    })
    noted, ended = [[] for _ in range(8)], threading.Event()
    threads = [threading.Thread(target=put, args=(i, noted[i], ended)) for i in range(8)]
    [thread.start() for thread in threads]
    for _ in range(3):
        time.sleep(0.7)
        clock(advance_seconds=61)
    # The journal is being written now.
    time.sleep(float(os.environ.get("HANEUL_CRASH_AFTER", "0.03")))
    os.kill(int(sys.argv[3]), signal.SIGKILL)
    ended.set()
    [thread.join() for thread in threads]
    assert all(len(of_thread) > 20 for of_thread in noted), [len(of_thread) for of_thread in noted]
    with open(NOTES, "w") as file:
        json.dump(sum(noted, []), file)


def after():
    with open(NOTES) as file:
        noted = json.load(file)
    own, region = boto3.Session().get_credentials(), s3.meta.region_name
    account = boto3.client("sts").get_caller_identity()["Account"]
    catalog = RestCatalog("lake", **{
        "uri": endpoint + "/iceberg", "warehouse": f"arn:aws:s3tables:{region}:{account}:bucket/aws-s3",
        "rest.sigv4-enabled": "true", "rest.signing-name": "s3tables", "rest.signing-region": region,
        "client.region": region, "client.access-key-id": own.access_key, "client.secret-access-key": own.secret_key,
        "s3.endpoint": endpoint, "s3.access-key-id": own.access_key, "s3.secret-access-key": own.secret_key, "s3.region": region,
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
    })
    s3.put_object(Bucket="told", Key="last", Body=b"")
    clock(advance_seconds=61)
    end = time.monotonic() + 30
    while True:
        rows = catalog.load_table("b_told.journal").scan(selected_fields=("key", "record_type", "sequence_number")).to_arrow().to_pylist()
        keys = [row["key"] for row in rows]
        if "last" in keys:
            break
        assert time.monotonic() < end, len(keys)
        time.sleep(0.2)
    assert {row["record_type"] for row in rows} == {"CREATE"}
    assert len(keys) == len(set(keys)), "a change is told of twice"
    assert set(noted) <= set(keys), sorted(set(noted) - set(keys))[:5]
    # What was not acknowledged may be there, but then it is there in the bucket, too.
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="told")
    assert set(keys) == {one["Key"] for page in pages for one in page.get("Contents", [])}
    print(len(noted), "acknowledged,", len(keys), "told of")


{"before": before, "after": after}[sys.argv[1]]()
