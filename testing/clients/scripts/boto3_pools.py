"""Three storage pools under load: one goes away, comes back, and then has to do alone."""

import hashlib
import os
import sys
import threading
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

pools = [os.path.join(sys.argv[1], name) for name in ("a", "b", "c")]
s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}, max_pool_connections=20))
s3.create_bucket(Bucket="pooled")

acknowledged, lock, stop = {}, threading.Lock(), threading.Event()


def load(worker):
    number = 0
    while not stop.is_set():
        key = f"{worker}/{number % 40}"
        body = hashlib.sha256(f"{worker} {number}".encode()).digest() * (2200 + 300 * (number % 25))
        s3.put_object(Bucket="pooled", Key=key, Body=body)
        with lock:
            acknowledged[key] = hashlib.sha256(body).hexdigest()
        if number % 9 == 8:
            gone = f"{worker}/{(number - 3) % 40}"
            s3.delete_object(Bucket="pooled", Key=gone)
            with lock:
                acknowledged.pop(gone, None)
        number += 1


def verify():
    for key, digest in acknowledged.items():
        body = s3.get_object(Bucket="pooled", Key=key)["Body"].read()
        assert hashlib.sha256(body).hexdigest() == digest, key


def files(pool):
    return sorted(name for _, _, names in os.walk(pool) for name in names if len(name) == 32)


workers = [threading.Thread(target=load, args=(worker,)) for worker in range(4)]
for worker in workers:
    worker.start()
time.sleep(2)
away = pools[1] + ".away"
os.rename(pools[1], away)
time.sleep(3)
stop.set()
for worker in workers:
    worker.join()
assert not os.path.exists(pools[1]), "something was written in the place of a disk that is gone"
assert len(acknowledged) > 40
verify()

os.rename(away, pools[1])
for _ in range(150):
    if files(pools[1]) == files(pools[0]) == files(pools[2]):
        break
    time.sleep(0.2)
assert files(pools[1]) == files(pools[0]) == files(pools[2]), "what came back was not filled"
os.rename(pools[0], pools[0] + ".away")
os.rename(pools[2], pools[2] + ".away")
verify()
try:
    s3.put_object(Bucket="pooled", Key="new", Body=b"x" * 200_000)
    raise AssertionError("acknowledged with one of three pools")
except ClientError as error:
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500, error
print("ok", len(acknowledged), "objects")
