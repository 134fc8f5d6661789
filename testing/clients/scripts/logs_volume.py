"""How fast much of logs is taken in and searched, and what memory that takes: `logs_volume.py PID GIGABYTES`.

PID is the server's, at AWS_ENDPOINT_URL. Fills a log group through PutLogEvents, then looks for what is there a few times, by
FilterLogEvents and by Logs Insights, and counts all events. What is found is checked, so that a rate is never that of a search that
left something out. Memory is the kernel's: VmRSS, and VmHWM since the server started. For a figure use a release build on a
machine that does nothing else. Not part of the tests: tests run it with a fraction of a gigabyte."""

import concurrent.futures
import os
import sys
import time

import boto3
from botocore.config import Config

pid, gigabytes = int(sys.argv[1]), float(sys.argv[2])
SIZE, BATCH, STREAMS = 240, 3_900, 8
GROUP = f"volume-{os.getpid()}"
COUNT = int(gigabytes * 10**9 / SIZE) // BATCH * BATCH
EVERY = COUNT // max(4, int(gigabytes))
config = Config(parameter_validation=False, read_timeout=600, max_pool_connections=STREAMS, retries={"max_attempts": 2})
logs = boto3.client("logs", config=config)


def server():
    """CPU seconds so far, megabytes resident, and at most."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status"))
    memory = [int(status[name].split()[0]) / 1000 for name in ["VmRSS", "VmHWM"]]
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), *memory


def measured(what, work, data):
    cpu, began = server()[0], time.monotonic()
    result = work()
    seconds, (after, now, most) = time.monotonic() - began, server()
    print(f"{what}: {data / 1e6 / seconds:,.0f} MB/s, {data / 1e6 / max(after - cpu, 0.01):,.0f} MB a CPU second, "
          f"{seconds:.1f} s; {now:,.0f} MB resident, {most:,.0f} MB at most", flush=True)
    return result


def message(n):
    needle = "needle" if n % EVERY == EVERY // 2 else "straw"
    head = f'{{"level":"info","request":"{n * 2654435761 % 2**32:08x}","path":"/shop/{n % 977}/items","status":{200 + n % 5},"n":{n},"what":"{needle}","rest":"'
    return head + (f"{n:x}" * SIZE)[:SIZE - len(head) - 28] + '"}'


def fill(stream):
    for first in range(stream * BATCH, COUNT, STREAMS * BATCH):
        events = [{"timestamp": start + (first + i) // 100, "message": message(first + i)} for i in range(BATCH)]
        logs.put_log_events(logGroupName=GROUP, logStreamName=f"s{stream}", logEvents=events)


def filtered(pattern):
    found, more = [], {}
    while True:
        page = logs.filter_log_events(logGroupName=GROUP, filterPattern=pattern, **more)
        found += page["events"]
        if "nextToken" not in page:
            return len(found)
        more = {"nextToken": page["nextToken"]}


def queried(text):
    query = logs.start_query(logGroupName=GROUP, startTime=start // 1000, endTime=int(time.time()) + 60, queryString=text)["queryId"]
    while True:
        answer = logs.get_query_results(queryId=query)
        if answer["status"] not in ("Scheduled", "Running"):
            assert answer["status"] == "Complete", answer["status"]
            return answer
        time.sleep(0.05)


data = COUNT * SIZE
needles = sum(1 for _ in range(EVERY // 2, COUNT, EVERY))
# Events of a batch may not lie more than a day apart, and none may be of the future.
start = int(time.time() * 1000) - COUNT // 100 - 60_000
logs.create_log_group(logGroupName=GROUP)
for stream in range(STREAMS):
    logs.create_log_stream(logGroupName=GROUP, logStreamName=f"s{stream}")
print(f"{COUNT:,} events, {data / 1e9:.2f} GB with what AWS counts beside them", flush=True)
with concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
    measured("PutLogEvents, as fast as this client is", lambda: list(pool.map(fill, range(STREAMS))), data)
assert measured("FilterLogEvents, a text that is not there", lambda: filtered('"haystack"'), data) == 0
assert measured("FilterLogEvents, a rare text", lambda: filtered('"needle"'), data) == needles
assert measured("FilterLogEvents, a field of JSON", lambda: filtered('{ $.what = "needle" }'), data) == needles
for what, text in [("a text", "filter @message like 'needle'"), ("a regular expression", "filter @message like /what.:.needl./"),
                   ("a field of JSON", "filter what = 'needle'")]:
    answer = measured(f"Insights, {what}", lambda: queried(f"fields @message | {text} | limit 10000"), data)
    assert len(answer["results"]) == needles, (what, len(answer["results"]))
    assert answer["statistics"]["recordsScanned"] == COUNT, answer["statistics"]
answer = measured("Insights, all counted by a field of JSON", lambda: queried("stats count(*) as events by status"), data)
counts = [int(cell["value"]) for row in answer["results"] for cell in row if cell["field"] == "events"]
assert sum(counts) == COUNT and len(counts) == 5, counts
logs.delete_log_group(logGroupName=GROUP)
print("logs volume: ok")
