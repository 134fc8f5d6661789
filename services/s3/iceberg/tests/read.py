"""Reads a table by its metadata file, and prints as JSON what Iceberg's own reader sees of it."""

import json
import sys

from pyiceberg.table import StaticTable


def plain(rows):
    """Rows in an order of their own, with maps as objects and times as text."""
    for row in rows:
        for name, value in row.items():
            if isinstance(value, list):
                row[name] = dict(value)
            elif hasattr(value, "isoformat"):
                row[name] = value.isoformat()
            elif isinstance(value, bytes):
                row[name] = value.hex()
    return sorted(rows, key=lambda row: list(row.values())[:3])


def scanned(table, **how):
    return plain(table.scan(**how).to_arrow().to_pylist())


location, filters = sys.argv[1], sys.argv[2:]
table = StaticTable.from_metadata(location)
current = table.current_snapshot()
print(json.dumps({
    "rows": scanned(table),
    "columns": [[field.field_id, field.name, str(field.field_type), field.required] for field in table.schema().fields],
    "snapshots": [
        {
            "id": snapshot.snapshot_id,
            "operation": snapshot.summary.operation.value,
            "summary": snapshot.summary.additional_properties,
            "rows": scanned(table, snapshot_id=snapshot.snapshot_id),
        }
        for snapshot in table.snapshots()
    ],
    "history": [entry.snapshot_id for entry in table.history()],
    "refs": {name: ref.snapshot_id for name, ref in table.refs().items()},
    "filtered": [
        {"files": len(list(table.scan(row_filter=of).plan_files())), "rows": scanned(table, row_filter=of)}
        for of in filters
    ],
    # How pyiceberg understands the manifests, entry by entry.
    "entries": table.inspect.entries().select(["status", "snapshot_id", "sequence_number"]).to_pylist() if current else [],
    "files": table.inspect.files().select(["record_count", "file_size_in_bytes", "split_offsets"]).to_pylist()
    if current else [],
}))
