"""Kills the program again and again while keys, secrets, parameters, points, events and alarms are made: all that was answered is
there afterwards, once, and opens."""

import collections
import datetime
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

import boto3
from botocore.config import Config

LIVES, WORKERS = 6, 4
folder = tempfile.mkdtemp(dir=".")
binary = os.environ["HANEUL_BIN"]
moments = random.Random(int(os.environ.get("HANEUL_CHAOS_SEED", time.time_ns())))


def start():
    arguments = [binary, "serve", "--listen", "127.0.0.1:0", "--log", "error", "--data-dir", folder + "/data"]
    program = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    for line in program.stdout:
        if line.strip().startswith("endpoint"):
            return program, line.split()[1]
    sys.exit("it did not start")


def clients(endpoint):
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=5)
    names = ["kms", "secretsmanager", "ssm", "cloudwatch", "logs"]
    return [boto3.client(name, endpoint_url=endpoint, config=config) for name in names]


# What was answered, by kind, and how much was begun.
kept, begun = collections.defaultdict(list), collections.Counter()
began = datetime.datetime.now(datetime.timezone.utc)


def change(kind, name, kms, secrets, ssm, cloudwatch, logs):
    begun[kind] += 1
    if kind == "key":
        key = kms.create_key(Description=name)["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/" + name, TargetKeyId=key)
        context = {"name": name}
        sealed = kms.encrypt(KeyId="alias/" + name, Plaintext=name, EncryptionContext=context)["CiphertextBlob"]
        data = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
        return key, name, sealed, data["Plaintext"], data["CiphertextBlob"]
    if kind == "secret":
        secrets.create_secret(Name=name, SecretString="first " + name)
        version = secrets.put_secret_value(SecretId=name, SecretString="second " + name)["VersionId"]
        return name, version
    if kind == "parameter":
        ssm.put_parameter(Name="/crash/" + name, Value="value of " + name, Type="SecureString")
    if kind == "points":
        cloudwatch.put_metric_data(Namespace="Crash", MetricData=[
            {"MetricName": "points", "Value": 1}, {"MetricName": "points", "Values": [2, 3], "Counts": [1, 4]}])
    if kind == "event":
        now = int(time.time() * 1000)
        logs.put_log_events(logGroupName="crash", logStreamName="all", logEvents=[
            {"timestamp": now, "message": f"{name} {n}"} for n in range(3)])
    if kind == "alarm":
        cloudwatch.put_metric_alarm(
            AlarmName=name, Namespace="Crash", MetricName="points", Statistic="Sum", Period=60, EvaluationPeriods=1,
            Threshold=1e9, ComparisonOperator="GreaterThanThreshold")
    return name


def work(life, worker, used, stop):
    kinds = ["key", "secret", "parameter", "points", "event", "alarm"]
    for n in range(100_000):
        kind = kinds[(n + worker) % len(kinds)]
        try:
            kept[kind].append(change(kind, f"{kind}-{life}-{worker}-{n}", *used))
        except Exception:
            # It was killed; what was begun may be there or not.
            if stop.is_set():
                return
            raise


for life in range(LIVES):
    program, endpoint = start()
    used = clients(endpoint)
    if life == 0:
        used[-1].create_log_group(logGroupName="crash")
        used[-1].create_log_stream(logGroupName="crash", logStreamName="all")
    stop = threading.Event()
    threads = [threading.Thread(target=work, args=(life, worker, used, stop)) for worker in range(WORKERS)]
    goal = {kind: len(made) for kind, made in kept.items()}
    for thread in threads:
        thread.start()
    time.sleep(moments.uniform(0.2, 1.5))
    while any(len(kept[kind]) <= goal.get(kind, 0) for kind in ("key", "alarm")) and threads[0].is_alive():
        time.sleep(0.02)
    stop.set()
    program.send_signal(signal.SIGKILL)
    for thread in threads:
        thread.join()
    program.wait()

program, endpoint = start()
kms, secrets, ssm, cloudwatch, logs = clients(endpoint)
for key, name, sealed, plain, wrapped in kept["key"]:
    context = {"name": name}
    opened = kms.decrypt(CiphertextBlob=sealed, EncryptionContext=context)
    assert opened["Plaintext"] == name.encode() and opened["KeyId"].endswith(key), name
    assert kms.decrypt(CiphertextBlob=wrapped, EncryptionContext=context)["Plaintext"] == plain, name
    assert kms.describe_key(KeyId="alias/" + name)["KeyMetadata"]["KeyId"] == key
for name, version in kept["secret"]:
    value = secrets.get_secret_value(SecretId=name)
    assert (value["SecretString"], value["VersionId"]) == ("second " + name, version), value
    assert secrets.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"] == "first " + name
for name in kept["parameter"]:
    value = ssm.get_parameter(Name="/crash/" + name, WithDecryption=True)["Parameter"]
    assert (value["Value"], value["Version"]) == ("value of " + name, 1), value
points = cloudwatch.get_metric_statistics(
    Namespace="Crash", MetricName="points", StartTime=began - datetime.timedelta(minutes=2), Period=60,
    EndTime=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=2), Statistics=["SampleCount", "Sum"])
count, total = (sum(point[name] for point in points["Datapoints"]) for name in ("SampleCount", "Sum"))
calls = count / 6
assert calls == int(calls) and total == calls * 15, "a call is there as a whole"
assert len(kept["points"]) <= calls <= begun["points"], (len(kept["points"]), calls, begun["points"])
pages = logs.get_paginator("filter_log_events").paginate(logGroupName="crash")
messages = collections.Counter(event["message"] for page in pages for event in page["events"])
assert all(messages[f"{name} {n}"] == 1 for name in kept["event"] for n in range(3)), "an event is lost, or there twice"
assert len(messages) <= begun["event"] * 3
pages = cloudwatch.get_paginator("describe_alarms").paginate()
alarms = {alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]}
assert alarms >= set(kept["alarm"]), set(kept["alarm"]) - alarms
program.kill()
print(f"{LIVES} kills;", ", ".join(f"{len(made)} of {begun[kind]} {kind}" for kind, made in kept.items()), "answered, none lost")
