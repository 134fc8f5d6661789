"""Writes the Parquet files that the tests read: `python make.py`, with pyarrow."""

import datetime as d
import decimal
import os
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

here = os.path.dirname(os.path.abspath(__file__))
utc = d.timezone.utc


def write(name, table, **options):
    options = {"store_schema": False, "write_page_checksum": True, **options}
    pq.write_table(table, os.path.join(here, name + ".parquet"), **options)


at = d.datetime(2020, 2, 29, 12, 34, 56, 789012, tzinfo=utc)
half = pa.array([1.5, None, -2.0, 0.25], pa.float32()).cast(pa.float16())
types = pa.table({
    "id": pa.array([1, 2, 3, 4], pa.int64()),
    "small": pa.array([-8, None, 127, 0], pa.int8()),
    "u32": pa.array([4294967295, None, 0, 1], pa.uint32()),
    "u64": pa.array([18446744073709551615, None, 0, 1], pa.uint64()),
    "yes": pa.array([True, None, False, True]),
    "f": pa.array([1.5, None, -0.25, float("nan")], pa.float32()),
    "d": pa.array([0.1, None, 1e300, float("inf")], pa.float64()),
    "h": half,
    "name": pa.array(["ann", None, "", "b,\"o\"b"]),
    "dec": pa.array([decimal.Decimal("123.45"), None, decimal.Decimal("-0.01"), decimal.Decimal("0.00")], pa.decimal128(9, 2)),
    "wide": pa.array([decimal.Decimal("9" * 38), None, decimal.Decimal("-" + "9" * 38), decimal.Decimal(1)], pa.decimal128(38, 0)),
    "day": pa.array([d.date(2020, 2, 29), None, d.date(1, 1, 1), d.date(9999, 12, 31)]),
    "ms": pa.array([at, None, d.datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=utc), at], pa.timestamp("ms", "UTC")),
    "us": pa.array([at, None, at, at], pa.timestamp("us")),
    "ns": pa.array([1582979696789012345, None, -1, 0], pa.timestamp("ns", "UTC")),
    "clock": pa.array([d.time(1, 2, 3, 4000), None, d.time(0), d.time(23, 59, 59)], pa.time32("ms")),
    "id16": pa.array([uuid.UUID(int=1).bytes, None, uuid.UUID(int=2).bytes, uuid.UUID(int=3).bytes], pa.uuid()),
    "none": pa.array([None] * 4, pa.null()),
    "Mixed Case": pa.array(["x", "y", None, "z"]),
})
write("types", types, row_group_size=3, version="2.6")
write("types_plain", types, use_dictionary=False, compression="none", data_page_version="2.0")
write("int96", pa.table({"at": pa.array([1582979696789012345, None, -1], pa.timestamp("ns"))}), use_deprecated_int96_timestamps=True)

nested = pa.table({
    "id": pa.array([1, 2, 3, 4]),
    "s": pa.array([{"a": 1, "b": {"c": "x"}}, None, {"a": None, "b": None}, {"a": 4, "b": {"c": None}}]),
    "l": pa.array([[1, 2, None], [], None, [3]], pa.list_(pa.int32())),
    "ll": pa.array([[[1], [2, 3]], [[]], [None, [4]], None], pa.list_(pa.list_(pa.int64()))),
    "ls": pa.array([[{"k": "a", "v": [1, 2]}, {"k": "b", "v": None}], None, [None], []],
                   pa.list_(pa.struct([("k", pa.string()), ("v", pa.list_(pa.int32()))]))),
    "m": pa.array([[("p", 1), ("q", None)], [], None, [("r", 3)]], pa.map_(pa.string(), pa.int32())),
})
write("nested", nested, compression="gzip", row_group_size=2)
write("nested_v2", nested, data_page_version="2.0", data_page_size=1, write_batch_size=1)

many = list(range(3000))
encoded = pa.table({
    "delta": pa.array([i * i - 1000 if i % 7 else None for i in many], pa.int64()),
    "delta32": pa.array([(-1) ** i * i for i in many], pa.int32()),
    "length": pa.array([f"text {i}" * (i % 3) for i in many]),
    "prefix": pa.array([f"shared prefix {i // 10} {i}" for i in many]),
    "split": pa.array([i / 4 for i in many], pa.float64()),
    "runs": pa.array([i % 100 < 50 for i in many]),
    "dictionary": pa.array([f"word {i % 5}" for i in many]),
})
write("encoded", encoded, data_page_version="2.0", data_page_size=2000, use_dictionary=["dictionary"], column_encoding={
    "delta": "DELTA_BINARY_PACKED", "delta32": "DELTA_BINARY_PACKED", "length": "DELTA_LENGTH_BYTE_ARRAY",
    "prefix": "DELTA_BYTE_ARRAY", "split": "BYTE_STREAM_SPLIT", "runs": "RLE",
})
write("zstd", pa.table({"a": [1, 2]}), compression={"a": "zstd"})
write("names", pa.table([[1], [2], [3], [4]], names=["Name", "NAME", "a.b", "_1"]))
write("binary", pa.table({"a": [1, 2], "raw": pa.array([b"ok", b"\xff"], pa.binary())}))
write("empty", pa.table({"a": pa.array([], pa.int64())}))
