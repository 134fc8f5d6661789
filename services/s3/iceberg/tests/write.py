"""Makes a table by Iceberg's own writer in a folder: appends twice, deletes a row. Prints where its metadata file is."""

import sys

import pyarrow
from pyiceberg.catalog.sql import SqlCatalog

folder = sys.argv[1]
catalog = SqlCatalog("c", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/theirs")
catalog.create_namespace("n")
schema = pyarrow.schema([
    pyarrow.field("name", pyarrow.string(), nullable=False),
    pyarrow.field("size", pyarrow.int64()),
    pyarrow.field("tags", pyarrow.map_(pyarrow.string(), pyarrow.string())),
])
table = catalog.create_table("n.t", schema=schema)
rows = [
    [{"name": "a", "size": 1, "tags": [("k", "v")]}, {"name": "b", "size": 2, "tags": None}],
    [{"name": "c", "size": None, "tags": []}],
]
for some in rows:
    table.append(pyarrow.Table.from_pylist(some, schema=schema))
table.delete("name == 'a'")
print(table.metadata_location)
