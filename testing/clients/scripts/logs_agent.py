"""The CloudWatch Logs agent (PyPI's awscli-cwlogs, `aws logs push`) ships a file while the server is killed and comes back:
`logs_agent.py AGENT_PYTHON`. Each event arrives once, in order."""

import datetime
import os
import re
import signal
import subprocess
import sys
import time

import boto3

agent_python = sys.argv[1]


def start(listen):
    command = [os.environ["HANEUL_BIN"], "serve", "--listen", listen, "--log", "error", "--data-dir", "shipped"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.strip().startswith("endpoint"):
            return process, line.split(None, 1)[1].strip()
    raise AssertionError("it did not start")


def wait_for(what, true):
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end and agent.poll() is None, f"{what}: {open('agent.log').read()[-3000:]}"
        time.sleep(0.2)


server, endpoint = start("127.0.0.1:0")
logs = boto3.client("logs", endpoint_url=endpoint)
begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
expected = []


def write(count):
    """More lines of the file: some events have lines of their own below them."""
    with open("shop.log", "a") as file:
        for n in range(len(expected), len(expected) + count):
            at = begin + datetime.timedelta(milliseconds=37 * n)
            text = f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03} order {n} für Anna"
            if n % 10 == 9:
                text += "\n  at shop.Cart\n  at shop.Main"
            file.write(text + "\n")
            expected.append((int(at.timestamp() * 1000), text))


def stored():
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName="shop", logStreamNames=["web"])
        return [(event["timestamp"], event["message"]) for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def acknowledged():
    """How far into the file the agent has heard that its events were taken."""
    found = re.findall(r"Publish batch: .*'last_event': \{[^}]*'end_position': (\d+)", open("agent.log").read())
    return int(found[-1]) if found else 0


open("agent.conf", "w").write("""[general]
state_file = agent-state
[shop]
file = shop.log
log_group_name = shop
log_stream_name = web
datetime_format = %Y-%m-%d %H:%M:%S,%f
time_zone = UTC
initial_position = start_of_file
buffer_duration = 5000
""")
open("agent.aws", "w").write("[plugins]\ncwlogs = cwlogs\n")
write(300)
agent = subprocess.Popen(
    [agent_python, "-m", "awscli", "logs", "push", "--config-file", "agent.conf", "--endpoint-url", endpoint],
    env={**os.environ, "AWS_CONFIG_FILE": "agent.aws", "AWS_MAX_ATTEMPTS": "2"}, stdout=open("agent.log", "w"), stderr=subprocess.STDOUT)
try:
    wait_for("it ships what is there", lambda: acknowledged() == os.path.getsize("shop.log"))
    assert stored() == expected, (len(stored()), stored()[:2])

    # With nothing under way: what is taken and not acknowledged an agent sends again, here as at AWS.
    server.kill()
    server.wait()
    write(300)
    wait_for("it notices", lambda: "Could not connect to the endpoint" in open("agent.log").read())
    server, again = start(endpoint.split("//")[1])
    assert again == endpoint
    write(50)
    wait_for("it ships the rest", lambda: len(stored()) >= len(expected))
    wait_for("it has heard so", lambda: acknowledged() == os.path.getsize("shop.log"))
    found = stored()
    assert found == expected, (len(found), [pair for pair in zip(found, expected) if pair[0] != pair[1]][:2])
    server.kill()
    server.wait()
    server, _ = start(endpoint.split("//")[1])
    assert stored() == expected
finally:
    agent.send_signal(signal.SIGKILL)
    server.kill()
print("logs agent: ok")
