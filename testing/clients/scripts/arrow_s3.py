"""Tables in Parquet over S3: pyarrow's own S3 client, and DuckDB on what that reads."""

import os

import boto3
import duckdb
import numpy
import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet

scheme, host = os.environ["AWS_ENDPOINT_URL"].split("://")
files = pyarrow.fs.S3FileSystem(endpoint_override=host, scheme=scheme, allow_bucket_creation=True)
files.create_dir("lake")

random = numpy.random.default_rng(5)
count = 300_000
table = pyarrow.table({
    "id": numpy.arange(count),
    "year": random.integers(2020, 2024, count),
    "price": random.normal(100, 15, count),
    "name": [f"name {n % 997}" for n in range(count)],
})
pyarrow.dataset.write_dataset(
    table, "lake/sales", filesystem=files, format="parquet", partitioning=["year"], partitioning_flavor="hive",
    max_rows_per_group=10_000)
data = pyarrow.dataset.dataset("lake/sales", filesystem=files, format="parquet", partitioning="hive")
assert data.count_rows() == count
years = sorted({file.split("year=")[1][:4] for file in data.files})
assert years == ["2020", "2021", "2022", "2023"], years
wanted = (pyarrow.compute.field("year") == 2021) & (pyarrow.compute.field("id") < 5000)
some = data.to_table(columns=["id", "price"], filter=wanted).sort_by("id")
expected = table.filter((table["year"].to_numpy() == 2021) & (table["id"].to_numpy() < 5000)).select(["id", "price"])
assert some.equals(expected), (some.num_rows, expected.num_rows)

# One file of many parts, read in ranges: the footer, then the groups that are wanted.
with files.open_output_stream("lake/one.parquet", metadata={"Content-Type": "application/vnd.apache.parquet"}) as out:
    pyarrow.parquet.write_table(table, out, row_group_size=20_000, compression="none")
one = pyarrow.parquet.ParquetFile(files.open_input_file("lake/one.parquet"))
assert one.num_row_groups == 15 and one.read_row_group(14).equals(table.slice(280_000))
head = boto3.client("s3").head_object(Bucket="lake", Key="one.parquet")
assert head["ContentType"] == "application/vnd.apache.parquet", head

found = duckdb.sql("SELECT year, count(*), round(avg(price), 6), min(name) FROM data GROUP BY year ORDER BY year").fetchall()
for year, rows, mean, least in found:
    of_year = table.filter(table["year"].to_numpy() == year)
    names = min(of_year["name"].to_pylist())
    assert (rows, mean, least) == (of_year.num_rows, round(of_year["price"].to_numpy().mean(), 6), names), year
assert [row[0] for row in found] == [2020, 2021, 2022, 2023]

files.move("lake/one.parquet", "lake/moved.parquet")
names = sorted(found.path for found in files.get_file_info(pyarrow.fs.FileSelector("lake")))
assert names == ["lake/moved.parquet", "lake/sales"], names
files.delete_dir("lake/sales")
assert files.get_file_info("lake/sales").type == pyarrow.fs.FileType.NotFound
print("ok")
