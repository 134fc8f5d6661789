"""Writes policies.bin, AWS's managed policies, from the copy of them that the PyPI package moto publishes.

    pip download --no-deps moto && unzip moto-*.whl 'moto/iam/aws_managed_policies.py'
    python generate.py moto/iam/aws_managed_policies.py

The documents are AWS's own. The form of the file is told in ../src/managed/catalog.rs, which reads it.
"""

import importlib.util
import json
import struct
import sys
import zlib
from datetime import datetime

BLOCK_BYTES = 96 * 1024
ORDER = ["Version", "Id", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource",
         "NotResource", "Condition"]


def ordered(value):
    """Elements in the order in which AWS shows them."""
    if isinstance(value, list):
        return [ordered(item) for item in value]
    if isinstance(value, dict):
        rank = lambda key: (ORDER.index(key) if key in ORDER else len(ORDER), key)
        return {key: ordered(value[key]) for key in sorted(value, key=rank)}
    return value


def document(value):
    top = ordered(value)
    return json.dumps(top, indent=4, ensure_ascii=False)


def main():
    spec = importlib.util.spec_from_file_location("data", sys.argv[1])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    policies = json.loads(module.aws_managed_policies_data)

    index, blocks, block = [], [], bytearray()
    # Path after path, name after name: alike documents lie together, which halves the file.
    for name in sorted(policies, key=lambda name: (policies[name].get("Path", "/"), name.lower())):
        policy = policies[name]
        text = document(policy["Document"]).encode()
        if block and len(block) + len(text) > BLOCK_BYTES:
            blocks.append(bytes(block))
            block = bytearray()
        seconds = lambda field: int(datetime.fromisoformat(policy[field]).timestamp())
        index.append([policy.get("Path", "/"), name, int(policy["DefaultVersionId"][1:]), seconds("CreateDate"),
                      seconds("UpdateDate"), len(blocks), len(block), len(text)])
        block += text
    blocks.append(bytes(block))

    head = zlib.compress(json.dumps(index, separators=(",", ":")).encode(), 9)
    packed = [zlib.compress(block, 9) for block in blocks]
    with open("policies.bin", "wb") as out:
        out.write(struct.pack("<II", len(head), len(packed)))
        out.write(struct.pack(f"<{len(packed)}I", *map(len, packed)))
        out.write(head)
        for block in packed:
            out.write(block)
    print(f"{len(index)} policies in {len(packed)} blocks")


main()
