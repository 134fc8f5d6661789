"""Kills the program again and again while calls are made: no change that was answered is without its record."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading

import boto3
from botocore.config import Config

folder = tempfile.mkdtemp(dir=".")
binary = os.environ["HANEUL_BIN"]


def start():
    arguments = [binary, "serve", "--listen", "127.0.0.1:0", "--log", "error", "--data-dir", folder + "/data"]
    program = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    for line in program.stdout:
        if line.strip().startswith("endpoint"):
            return program, line.split()[1]
    sys.exit("it did not start")


answered = []
for life in range(5):
    program, endpoint = start()
    config = Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=5)
    stop = threading.Event()

    def work(worker):
        iam = boto3.client("iam", endpoint_url=endpoint, config=config)
        n = 0
        while not stop.is_set():
            try:
                name = f"u{life}-{worker}-{n}"
                answer = iam.create_user(UserName=name)
                answered.append(answer["ResponseMetadata"]["RequestId"])
            except Exception:
                return
            n += 1

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    goal = len(answered) + 40
    while len(answered) < goal and any(thread.is_alive() for thread in threads):
        threads[0].join(0.02)
    program.send_signal(signal.SIGKILL)
    stop.set()
    for thread in threads:
        thread.join()
    program.wait()

program, endpoint = start()
trail = boto3.client("cloudtrail", endpoint_url=endpoint)
pages = trail.get_paginator("lookup_events").paginate(
    LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}]
)
recorded = [json.loads(event["CloudTrailEvent"])["requestID"] for page in pages for event in page["Events"]]
program.kill()
lost = set(answered) - set(recorded)
assert not lost, f"{len(lost)} of {len(answered)} answered changes have no record"
assert len(recorded) == len(set(recorded)), "a record is there twice"
print(f"{len(answered)} changes answered over 5 kills, {len(recorded)} recorded, none lost, none twice")
