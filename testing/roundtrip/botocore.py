"""Holds our codecs against botocore's own: it writes requests that we read, and reads answers that we write.

    pip install botocore==<the version in services.toml>
    cargo build -p haneul-roundtrip --example botocore
    python testing/roundtrip/botocore.py <the built example>            # everything
    python testing/roundtrip/botocore.py --vectors > testing/roundtrip/tests/botocore.jsonl
"""
import datetime
import glob
import json
import os
import random
import subprocess
import sys
import zlib

sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder or ".") != os.path.dirname(os.path.abspath(__file__))]
import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.serialize

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
VERSIONS = {}
for line in open(os.path.join(ROOT, "services.toml")):
    if " = { version = " in line:
        VERSIONS[line.split(" =")[0]] = line.split('"')[1]

# The deprecated forms of operations that answer under the same method and path.
SUPERSEDED = {"GetBucketLifecycle", "GetBucketNotification", "PutBucketLifecycle", "PutBucketNotification", "ListDirectoryBuckets"}
# A few of each protocol are enough for the vectors that every run of the tests reads.
VECTORS = {
    "dynamodb": ["PutItem", "Query", "TransactWriteItems", "CreateTable"],
    "sqs": ["SendMessage", "SendMessageBatch", "CreateQueue"],
    "iam": ["CreateUser", "CreatePolicy", "SimulateCustomPolicy"],
    "cloudformation": ["CreateStack", "CreateChangeSet"],
    "cloudwatch": ["PutMetricData", "PutMetricAlarm", "GetMetricData"],
    "ec2": ["RunInstances", "CreateFleet", "AuthorizeSecurityGroupIngress", "DescribeInstances"],
    "lambda": ["CreateFunction", "Invoke", "ListTags", "TagResource"],
    "s3": ["PutBucketLifecycleConfiguration", "PutBucketAcl", "CopyObject", "CompleteMultipartUpload", "DeleteObjects",
           "ListObjectsV2", "PutObjectTagging", "GetObject", "CreateBucket", "GetObjectAttributes"],
    "s3control": ["CreateJob", "PutStorageLensConfiguration"],
}


def models():
    loader = botocore.loaders.Loader()
    for name in sorted(VERSIONS):
        yield name, botocore.model.ServiceModel(loader.load_service_model(name, "service-2", VERSIONS[name]), name)


class Filler:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def structure(self, shape, depth=0):
        members = list(shape.members.items())
        # DynamoDB's is a union to everyone but botocore.
        if (getattr(shape, "is_tagged_union", False) or shape.name == "AttributeValue") and members:
            members = [self.random.choice(members)]
            chosen = {members[0][0]}
        else:
            chosen = {n for n, _ in members if n in shape.required_members or (depth < 4 and self.random.random() < 0.6)}
            chosen |= {shape.serialization.get("payload")}
        out = {}
        for name, member in members:
            if name in chosen and depth < 9:
                # Labels of the host, which take no other characters.
                out[name] = "123456789012" if name in ("AccountId", "RequestRoute") else self.value(member, depth, member.serialization.get("location"))
        return out

    def value(self, shape, depth, location=None):
        r, kind = self.random, shape.type_name
        if kind == "structure":
            return self.structure(shape, depth + 1)
        if kind == "list":
            return [self.value(shape.member, depth + 1, location) for _ in range(0 if depth > 7 else r.randint(1, 3))]
        if kind == "map":
            key = lambda i: f"k{i}{self.text(location)}" if location is None else f"k{i}"
            return {key(i): self.value(shape.value, depth + 1, location) for i in range(0 if depth > 7 else r.randint(1, 3))}
        if kind == "blob":
            return bytes(r.randrange(256) for _ in range(r.randint(1, 9)))
        if kind == "boolean":
            return r.random() < 0.5
        if kind in ("integer", "long"):
            return r.choice([0, 1, -1, 1000, 2**31 - 1])
        if kind in ("float", "double"):
            return r.choice([0.5, 1.5, -2.0, 1024.25])
        if kind == "timestamp" and shape.name != "Expires":
            return datetime.datetime(2017, 7, 14, 2, 40, r.randint(0, 59), tzinfo=datetime.timezone.utc)
        # A date that botocore takes for a text in answers only.
        return "Fri, 14 Jul 2017 02:40:08 GMT" if shape.name == "Expires" else self.text(location)

    def text(self, location):
        alphabet = {None: "aZ0 <>&\"'é하😀\n%+\\/", "uri": "aZ0 %+é하&", "querystring": "aZ %+&=하"}.get(location, "aZ0-;")
        return "x" + "".join(self.random.choice(alphabet) for _ in range(self.random.randint(0, 6)))


def plain(value):
    """The form of `dump.rs`."""
    if isinstance(value, dict):
        items = {k: plain(v) for k, v in value.items()}
        return {k: v for k, v in items.items() if v is not None and v != {} and v != []} or None
    if isinstance(value, list):
        return [v for v in map(plain, value) if v is not None and v != {} and v != []] or None
    if isinstance(value, bytes):
        return "[" + ", ".join(map(str, value)) + "]"
    if isinstance(value, datetime.datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, float):
        return "inf" if value == float("inf") else "-inf" if value == float("-inf") else value
    return value


def same(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if "Infinity" in (b, str(b)[1:]):
        # botocore leaves JSON's strings for these numbers as they are.
        b = float(b)
    if isinstance(a, float) or isinstance(b, float):
        try:
            x, y = float(a), float(b)
            return x == y or abs(x - y) <= 1e-6 * max(abs(x), abs(y))
        except (TypeError, ValueError):
            return False
    return a == b or (a is None and not b) or (b is None and not a)


def requests(only=None):
    for name, service in models():
        for operation in service.operation_names:
            if operation in SUPERSEDED or (only is not None and operation not in only.get(name, ())):
                continue
            om = service.operation_model(operation)
            for protocol in service.metadata["protocols"]:
                params = Filler(zlib.crc32(f"{name}{operation}".encode())).structure(om.input_shape) if om.input_shape else {}
                payload = om.input_shape and om.input_shape.serialization.get("payload")
                request = botocore.serialize.create_serializer(protocol, False).serialize_to_request(dict(params), om)
                body, url = request["body"], request["url_path"]
                headers = {k: (v.decode() if isinstance(v, bytes) else str(v)) for k, v in request["headers"].items()}
                if isinstance(body, dict):
                    body = "&".join(f"{quote(k)}={quote(v)}" for k, v in body.items())
                body = body.encode() if isinstance(body, str) else body or b""
                query = request["query_string"]
                if isinstance(query, dict):
                    pairs = [(k, v) for k, vs in query.items() for v in (vs if isinstance(vs, list) else [vs])]
                    query = "&".join(f"{quote(k)}={quote(v)}" for k, v in pairs)
                if query:
                    url += ("&" if "?" in url else "?") + query
                # What streams is in no structure.
                if payload and om.input_shape.members[payload].serialization.get("streaming") or operation == "InvokeAsync":
                    params.pop(payload, None)
                yield {"service": name, "operation": operation, "protocol": protocol, "method": request["method"], "url": url,
                       "headers": headers, "body": list(body), "meaning": plain(params) or {}}


def quote(value):
    from urllib.parse import quote as escape
    if isinstance(value, bool):
        value = str(value).lower()
    return escape(str(value), safe="-._~")


def check(example):
    failures, count = [], 0
    vectors = list(requests())
    lines = "".join(json.dumps(v) + "\n" for v in vectors)
    answers = subprocess.run([example, "requests"], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
    for vector, line in zip(vectors, answers.decode().splitlines()):
        result, count = json.loads(line), count + 1
        if "error" in result or not same(vector["meaning"], result["ok"]):
            failures.append(("request", vector["service"], vector["operation"], vector["protocol"], result.get("error", ""),
                             "" if "error" in result else difference(vector["meaning"], result["ok"])))
    services = dict(models())
    answers = subprocess.run([example, "answers"], stdout=subprocess.PIPE, check=True).stdout
    for line in answers.decode().splitlines():
        answer, count = json.loads(line), count + 1
        service = services[answer["service"]]
        if answer["operation"] not in service.operation_names or answer["operation"] in SUPERSEDED:
            continue
        # botocore takes this payload from a stream, which is not what the parser gets here.
        if answer["protocol"] not in service.metadata["protocols"] or answer["operation"] == "Invoke":
            continue
        shape = service.operation_model(answer["operation"]).output_shape
        parser = botocore.parsers.create_parser(answer["protocol"])
        from botocore.compat import HTTPHeaders
        response = {"status_code": answer["status"], "headers": HTTPHeaders.from_dict(answer["headers"]), "body": bytes(answer["body"])}
        try:
            got = parser.parse(response, shape)
        except Exception as error:
            failures.append(("answer", answer["service"], answer["operation"], answer["protocol"], repr(error)[:300]))
            continue
        got.pop("ResponseMetadata", None)
        got = plain(got) or {}
        if not same(answer["meaning"], got):
            failures.append(("answer", answer["service"], answer["operation"], answer["protocol"], difference(answer["meaning"], got)))
    for failure in failures[:40]:
        print(*failure)
    print(f"{count} checked, {len(failures)} failed")
    return 1 if failures else 0


def difference(a, b, path=""):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in {**a, **b}:
            if not same(a.get(key), b.get(key)):
                return difference(a.get(key), b.get(key), f"{path}.{key}")
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            if not same(x, y):
                return difference(x, y, f"{path}[{i}]")
    return f"{path}: {str(a)[:120]!r} became {str(b)[:120]!r}"


if sys.argv[1:] == ["--vectors"]:
    for vector in requests(VECTORS):
        print(json.dumps(vector, ensure_ascii=False, separators=(",", ":")))
else:
    sys.exit(check(sys.argv[1]))
