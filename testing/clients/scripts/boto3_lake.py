"""CloudTrail Lake by boto3: random queries against SQLite, results delivered to S3 and their signature."""

import csv
import gzip
import hashlib
import io
import json
import random
import sqlite3
import time

import boto3
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import load_der_public_key

trail = boto3.client("cloudtrail")
s3 = boto3.client("s3")
sqs = boto3.client("sqs")
account = boto3.client("sts").get_caller_identity()["Account"]
dice = random.Random(20260105)


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return
    raise AssertionError(f"{code} was expected")


def store(name, *names):
    fields = [
        {"Field": "eventCategory", "Equals": ["Management"]},
        {"Field": "eventName", "Equals": list(names)},
    ]
    made = trail.create_event_data_store(
        Name=name,
        AdvancedEventSelectors=[{"Name": "some", "FieldSelectors": fields}],
        TerminationProtectionEnabled=False,
    )
    return made["EventDataStoreArn"]


def finished(query):
    for _ in range(600):
        told = trail.describe_query(QueryId=query)
        if told["QueryStatus"] not in ("QUEUED", "RUNNING") and told.get("DeliveryStatus") != "PENDING":
            return told
        time.sleep(0.02)
    raise AssertionError(f"{query} does not end")


def ask(text, **arguments):
    query = trail.start_query(QueryStatement=text, **arguments)["QueryId"]
    told = finished(query)
    assert told["QueryStatus"] == "FINISHED", (text, told.get("ErrorMessage"))
    rows, token = [], {}
    while True:
        page = trail.get_query_results(QueryId=query, **token)
        rows += [[value for column in row for value in column.values()] for row in page["QueryResultRows"]]
        if "NextToken" not in page:
            assert page["QueryStatistics"]["TotalResultsCount"] == len(rows)
            return rows
        token = {"NextToken": page["NextToken"]}


# Two stores that share some kinds of events.
one = store("one", "CreateQueue", "ListQueues", "GetQueueUrl")
two = store("two", "CreateQueue", "GetQueueUrl", "SetQueueAttributes")
ids = {"one": one.rsplit("/")[-1], "two": two.rsplit("/")[-1]}
queues = []
for _ in range(150):
    match dice.choice(["create", "create", "list", "url", "set", "nothing"]):
        case "create":
            queues.append(sqs.create_queue(QueueName=f"q{dice.randrange(12)}")["QueueUrl"])
        case "list":
            sqs.list_queues(QueueNamePrefix=f"q{dice.randrange(3)}")
        case "url":
            try:
                sqs.get_queue_url(QueueName=f"q{dice.randrange(16)}")
            except ClientError:
                pass
        case "set" if queues:
            sqs.set_queue_attributes(QueueUrl=dice.choice(queues), Attributes={"DelaySeconds": str(dice.randrange(5))})

# What is in them goes into SQLite, and each query runs in both.
columns = "eventID AS id, eventName AS name, errorCode AS err, element_at(requestParameters, 'queueName') AS q, length(coalesce(element_at(requestParameters, 'queueName'), element_at(requestParameters, 'queueUrl'))) AS n"
lite = sqlite3.connect(":memory:")
for name in ids:
    lite.execute(f"CREATE TABLE {name} (id TEXT, name TEXT, err TEXT, q TEXT, n INTEGER)")
    rows = ask(f"SELECT {columns} FROM {ids[name]}")
    assert len(rows) > 30, (name, len(rows))
    values = [[value if value != "" else None for value in row] for row in rows]
    lite.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?)", values)
tables = "WITH " + ", ".join(f"{name} AS (SELECT {columns} FROM {id})" for name, id in ids.items())


def shown(rows):
    def value(one):
        if one is None or one == "":
            return ""
        try:
            return f"{float(one):.6g}"
        except ValueError:
            return one

    return [tuple(value(one) for one in row) for row in rows]


def same(body, ordered=False):
    ours, theirs = shown(ask(f"{tables} {body}")), shown(lite.execute(body).fetchall())
    if not ordered:
        ours, theirs = sorted(ours), sorted(theirs)
    assert ours == theirs, f"{body}\nours   {len(ours)} {ours[:8]}\nSQLite {len(theirs)} {theirs[:8]}"
    return len(ours)


table = lambda: dice.choice(["one", "two"])
column = lambda: dice.choice(["name", "err", "q", "n"])
text = lambda: dice.choice(["name", "err", "q"])


def condition(*prefixes):
    prefix = dice.choice(prefixes)
    return dice.choice([
        f"{prefix}name = 'CreateQueue'",
        f"{prefix}err IS NULL",
        f"{prefix}err IS NOT NULL",
        f"{prefix}q > 'q3'",
        f"{prefix}q LIKE 'q1%'",
        f"{prefix}n % 2 = 0",
        f"NOT ({prefix}q IN ('q1', 'q2', NULL))",
        f"{prefix}q NOT IN ('q1', 'q5')",
        f"{prefix}n BETWEEN 2 AND 10",
        f"({prefix}q = 'q4' OR {prefix}err IS NULL)",
    ])


def join():
    kind = dice.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL OUTER JOIN", "INNER JOIN"])
    on = dice.choice(["a.id = b.id", "a.q = b.q", "a.q = b.q AND a.name = b.name", f"a.n = b.n AND {condition('a.', 'b.')}"])
    where = dice.choice(["", f" WHERE {condition('a.', 'b.')}"])
    return f"SELECT a.{column()}, b.{column()}, a.id, b.id FROM {table()} a {kind} {table()} b ON {on}{where}"


def three():
    return (
        f"SELECT a.id, b.id, c.q FROM one a LEFT JOIN two b ON a.id = b.id {dice.choice(['JOIN', 'LEFT JOIN'])} "
        f"(SELECT q, count(*) AS n FROM {table()} GROUP BY q) c ON a.q = c.q WHERE {condition('a.', 'b.')}"
    )


def operation():
    names = f"{text()} AS x, n AS y"
    parts = [f"SELECT {names} FROM {table()} WHERE {condition('')}" for _ in range(dice.randint(2, 4))]
    whole = parts[0]
    for part in parts[1:]:
        # SQLite knows no precedence between them: theirs is from the left on.
        whole = f"SELECT * FROM ({whole}) {dice.choice(['UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT'])} {part}"
    return whole


def group():
    key = text()
    having = dice.choice(["", " HAVING count(*) > 2", f" HAVING max(n) > {dice.randrange(40)}"])
    return (
        f"SELECT {key}, count(*), count(err), count(DISTINCT q), sum(n), avg(n), min(q), max(n), "
        f"count(*) FILTER (WHERE {condition('')}) FROM {table()} WHERE {condition('')} GROUP BY {key}{having}"
    )


def window():
    over = f"PARTITION BY {text()} ORDER BY n {dice.choice(['', 'DESC'])} NULLS LAST, id"
    frame = dice.choice([
        "",
        " ROWS BETWEEN 2 PRECEDING AND CURRENT ROW",
        " ROWS BETWEEN 1 PRECEDING AND 3 FOLLOWING",
        " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
        " ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING",
    ])
    peers = "ORDER BY n NULLS LAST"
    return (
        f"SELECT id, row_number() OVER ({over}), rank() OVER ({peers}), dense_rank() OVER ({peers}), "
        f"lag(q, 2) OVER ({over}), lead(id, 1, 'end') OVER ({over}), sum(n) OVER ({over}{frame}), count(err) OVER ({over}{frame}), "
        f"min(q) OVER ({over}{frame}), first_value(id) OVER ({over}{frame}), last_value(id) OVER ({over}{frame}), sum(n) OVER ({peers}), "
        f"ntile({dice.randint(1, 7)}) OVER ({over}), percent_rank() OVER ({peers}), cume_dist() OVER ({peers}) FROM {table()}"
    )


def subquery():
    a, b = table(), table()
    return f"SELECT id, q FROM {a} a WHERE " + dice.choice([
        f"q IN (SELECT q FROM {b} WHERE {condition('')})",
        f"q NOT IN (SELECT q FROM {b} WHERE q IS NOT NULL AND {condition('')})",
        f"EXISTS (SELECT 1 FROM {b} b WHERE b.q = a.q AND {condition('b.')})",
        f"NOT EXISTS (SELECT 1 FROM {b} b WHERE b.q = a.q AND b.n >= a.n AND b.id <> a.id)",
        f"n > (SELECT avg(n) FROM {b})",
        f"(SELECT count(*) FROM {b} b WHERE b.q = a.q) > {dice.randrange(6)}",
        f"n >= (SELECT max(n) FROM {b} b WHERE b.name = a.name)",
        f"n IN (SELECT b.n FROM {b} b WHERE b.name = a.name AND b.id <> a.id)",
    ])


rows = 0
for make, count in ((join, 25), (three, 8), (operation, 15), (group, 15), (window, 12), (subquery, 20)):
    for _ in range(count):
        rows += same(make())
assert rows > 2000, rows
for _ in range(5):
    same(f"SELECT id, n FROM {table()} ORDER BY n {dice.choice(['', 'DESC'])} NULLS LAST, id LIMIT {dice.randint(1, 20)} OFFSET {dice.randrange(5)}", ordered=True)

# What cannot be evaluated is refused at the start; a query of a store that is not there too.
refused("InvalidQueryStatementException", trail.start_query, QueryStatement=f"SELECT nothing FROM {ids['one']}")
refused("EventDataStoreNotFoundException", trail.start_query, QueryStatement="SELECT eventID FROM 11111111-2222-3333-4444-555555555555")

# Results in S3: only where the policy lets them in, for the event data stores that it names.
bucket = f"lake-results-{account}"
text = f"SELECT eventName, count(*) AS n, 'a,\"b' AS odd FROM {ids['one']} GROUP BY eventName ORDER BY eventName"
refused("S3BucketDoesNotExistException", trail.start_query, QueryStatement=text, DeliveryS3Uri=f"s3://{bucket}/some/")
s3.create_bucket(Bucket=bucket)
refused("InsufficientS3BucketPolicyException", trail.start_query, QueryStatement=text, DeliveryS3Uri=f"s3://{bucket}/some/")


def let_in(source):
    service = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    where = {"StringEquals": {"aws:SourceAccount": account}, "ArnLike": {"aws:SourceArn": source}}
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            service | {"Action": ["s3:PutObject*", "s3:Abort*"], "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"], "Condition": where},
            service | {"Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}", "Condition": where},
        ],
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


let_in(two)
refused("InsufficientS3BucketPolicyException", trail.start_query, QueryStatement=text, DeliveryS3Uri=f"s3://{bucket}/some/")
let_in(one.rsplit("/")[0] + "/*")
query = trail.start_query(QueryStatement=text, DeliveryS3Uri=f"s3://{bucket}/some/")["QueryId"]
told = finished(query)
assert (told["DeliveryStatus"], told["DeliveryS3Uri"]) == ("SUCCESS", f"s3://{bucket}/some/"), told
keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]]
assert len(keys) == 2 and all(f"some/AWSLogs/{account}/CloudTrail-Lake/Query/20" in key and query in key for key in keys), keys
data, sign = (s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys)
rows = list(csv.reader(io.StringIO(gzip.decompress(data).decode())))
assert rows[0] == ["eventName", "n", "odd"] and rows[1][0] == "CreateQueue" and rows[1][2] == 'a,"b', rows
sign = json.loads(sign)
assert sign["files"] == [{"fileHashValue": hashlib.sha256(data).hexdigest(), "fileName": "result_1.csv.gz"}], sign
found = [key for key in trail.list_public_keys()["PublicKeyList"] if key["Fingerprint"] == sign["publicKeyFingerprint"]]
public = load_der_public_key(found[0]["Value"])
signed = " ".join(file["fileHashValue"] for file in sign["files"]).encode()
public.verify(bytes.fromhex(sign["hashSignature"]), signed, PKCS1v15(), hashes.SHA256())
print("CloudTrail Lake: passed")
