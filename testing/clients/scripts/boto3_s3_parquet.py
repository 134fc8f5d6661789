"""S3 Select on Parquet files that pyarrow wrote, as boto3 sees it."""

import base64
import datetime
import decimal
import hashlib
import io
import json

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
bucket = "columns"
s3.create_bucket(Bucket=bucket)


def put(key, table, arguments={}, **options):
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    s3.upload_fileobj(io.BytesIO(file.getvalue()), bucket, key, ExtraArgs=arguments)
    return len(file.getvalue())


def select(key, expression, output={"JSON": {}}, stats=None, **more):
    answer = s3.select_object_content(**{
        "Bucket": bucket, "Key": key, "ExpressionType": "SQL", "Expression": expression,
        "InputSerialization": {"Parquet": {}}, "OutputSerialization": output, **more,
    })
    records, names = b"", []
    for event in answer["Payload"]:
        (name, value), = event.items()
        names.append(name)
        if name == "Records":
            records += value["Payload"]
        if name == "Stats":
            assert value["Details"]["BytesReturned"] == len(records), value
            if stats is not None:
                stats.update(value["Details"])
    assert names[-2:] == ["Stats", "End"], names
    return records.decode()


def code(*given, **more):
    try:
        select(*given, **more)
        return "ok"
    except (ClientError, EventStreamError) as error:
        return error.response["Error"]["Code"]


# A million rows in several row groups, and fewer in the other codecs.
million = 1_000_000


def rows_of(count):
    return pa.table({
        "id": pa.array(range(count), pa.int64()),
        "word": pa.array([f"word {i % 1000}" for i in range(count)]),
        "part": pa.array([i / 8 if i % 10 else None for i in range(count)], pa.float64()),
        "unused": pa.array([f"{i * 2654435761 % 2**32:08x}" * 4 for i in range(count)]),
    })


csv = {"CSV": {}}
rows = rows_of(million)
sizes = {}
for key, count, options in [
    ("snappy", million, dict(compression="snappy", data_page_version="2.0", row_group_size=300_000)),
    ("plain", 100_000, dict(compression="none")),
    ("gzip", 100_000, dict(compression="gzip", use_dictionary=["word"], row_group_size=30_000)),
]:
    size = sizes[key] = put(key, rows.slice(0, count), **options)
    stats = {}
    assert select(key, "SELECT COUNT(*), COUNT(part), SUM(id), MAX(word) FROM S3Object", csv, stats) == \
        f"{count},{count * 9 // 10},{count * (count - 1) // 2},word 999\n", key
    assert stats["BytesScanned"] < size // 2, (stats, size)
    last = f"SELECT s.id, s.word FROM S3Object s WHERE s.id >= {count - 2}"
    assert select(key, last, csv) == f"{count - 2},word 998\n{count - 1},word 999\n"
    stats = {}
    assert select(key, "SELECT * FROM S3Object s LIMIT 1", stats=stats) == \
        '{"id":0,"word":"word 0","part":null,"unused":"00000000000000000000000000000000"}\n'
    assert stats["BytesScanned"] < size, (stats, size)
ids = select("snappy", "SELECT s.id FROM S3Object s", csv, RequestProgress={"Enabled": True})
assert ids == "".join(f"{i}\n" for i in range(million))
half = sizes["gzip"] // 2
halves = [
    int(select("gzip", "SELECT COUNT(s.id) FROM S3Object s", csv, ScanRange=part))
    for part in ({"Start": 0, "End": half - 1}, {"Start": half})
]
assert sum(halves) == 100_000 and halves[0] % 30_000 == 0 and all(halves), halves

# Types, nested values, names; and what pyarrow itself makes of them.
at = datetime.datetime(2024, 2, 29, 1, 2, 3, 456789)
nested = [
    {"Name": "ann", "tags": ["a", "b"], "home": {"city": "Seoul", "at": [1.5, None]}, "price": decimal.Decimal("12.50"),
     "day": at.date(), "at": at, "ok": True, "quoted name": 1, "counts": [("x", 1)]},
    {"Name": None, "tags": [], "home": None, "price": None, "day": None, "at": None, "ok": None, "quoted name": 2, "counts": None},
    {"Name": "bob", "tags": None, "home": {"city": None, "at": []}, "price": decimal.Decimal("-0.01"),
     "day": at.date(), "at": at, "ok": False, "quoted name": 3, "counts": []},
]
schema = pa.schema([
    ("Name", pa.string()), ("tags", pa.list_(pa.string())),
    ("home", pa.struct([("city", pa.string()), ("at", pa.list_(pa.float32()))])),
    ("price", pa.decimal128(10, 2)), ("day", pa.date32()), ("at", pa.timestamp("us")), ("ok", pa.bool_()),
    ("quoted name", pa.int32()), ("counts", pa.map_(pa.string(), pa.int64())),
])
table = pa.Table.from_pylist(nested, schema=schema)
for key, options in {"nested": {}, "nested2": dict(compression="gzip", data_page_version="2.0", use_dictionary=False)}.items():
    put(key, table, **options)
    found = [json.loads(line) for line in select(key, "SELECT * FROM S3Object").splitlines()]
    for row, expected in zip(found, nested, strict=True):
        plain = dict(
            expected, price=expected["price"] and float(expected["price"]), day=expected["day"] and str(expected["day"]),
            at=expected["at"] and expected["at"].isoformat() + "Z", counts=None if expected["counts"] is None else dict(expected["counts"]),
        )
        assert row == plain, (row, plain)
    assert select(key, "SELECT s.name, s.tags[1], s.home.city FROM S3Object s WHERE s.\"quoted name\" < 3", csv) == "ann,b,Seoul\n,,\n"
    assert select(key, "SELECT s.price * 2 FROM S3Object s WHERE s.at > CAST('2024-01-01T00:00Z' AS TIMESTAMP)", csv) == "25.00\n-0.02\n"
    assert code(key, "SELECT * FROM S3Object", csv) == "UnsupportedParquetType"

# Encrypted objects.
kms = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
key = b"0123456789abcdef0123456789abcdef"
customer = {
    "SSECustomerAlgorithm": "AES256", "SSECustomerKey": base64.b64encode(key).decode(),
    "SSECustomerKeyMD5": base64.b64encode(hashlib.md5(key).digest()).decode(),
}
some = rows.slice(0, 100_000)
put("kms", some, {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms})
put("customer", some, {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key.decode()})
for name, more in {"kms": {}, "customer": customer}.items():
    assert select(name, "SELECT SUM(s.id) FROM S3Object s", csv, **more) == "4999950000\n", name
assert code("customer", "SELECT * FROM S3Object") == "InvalidRequest"

# Refusals.
put("zstd", some, compression="zstd")
s3.put_object(Bucket=bucket, Key="text", Body=b"id\n1\n")
assert code("zstd", "SELECT s.id FROM S3Object s") == "ParquetUnsupportedCompressionCodec"
assert code("text", "SELECT * FROM S3Object") == "ParquetParsingError"
assert code("nested", "SELECT s.nope FROM S3Object s") == "MissingHeaders"
whole = {"Parquet": {}, "CompressionType": "GZIP"}
assert code("nested", "SELECT * FROM S3Object", InputSerialization=whole) == "InvalidCompressionFormat"
print("ok")
