#!/usr/bin/env python3
"""Asks botocore to sign requests and writes them to tests/vectors.json.

Run it with a Python that has botocore: `python3 crates/sigv4/tests/gen_vectors.py`. Two kinds of requests are made:
calls of real clients, caught just before they would be sent, and requests of our own handed to botocore's signers.
Signed chunks, which botocore never makes, are computed here from the published algorithm.
"""

import base64
import datetime
import hashlib
import hmac
import io
import json
import os
import pathlib
from urllib.parse import urlsplit

os.environ.update(AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null")

import botocore
import botocore.auth as auth
import botocore.session
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials

NOW = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.timezone.utc)
ID, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEOf//////+token=="
REGION = "eu-west-1"
auth.get_current_datetime = lambda *args, **kwargs: NOW.replace(tzinfo=None)

# What says where this was run, what is random, and what no client signs.
DROPPED = {"user-agent", "amz-sdk-invocation-id", "amz-sdk-request", "expect", "connection"}

requests, posts, chunked = [], [], []


def text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def record(name, service, token, method, url, headers, body):
    parts = urlsplit(url)
    kept = [[text(k).lower(), text(v)] for k, v in headers.items() if text(k).lower() not in DROPPED]
    if not any(k == "host" for k, _ in kept):
        kept.append(["host", parts.netloc])
    requests.append({
        "name": name, "service": service, "token": token, "method": method,
        "path": parts.path or "/", "query": parts.query if "?" in url else None,
        "headers": kept, "body": base64.b64encode(body or b"").decode(),
    })


def body_bytes(body):
    if body is None:
        return b""
    if hasattr(body, "read"):
        if hasattr(body, "seek"):
            body.seek(0)
        out = b""
        while piece := body.read(1024 * 1024):
            out += piece
        return out
    return body.encode() if isinstance(body, str) else bytes(body)


def client(service, token=False, endpoint="http://localhost:4566", **config):
    session = botocore.session.get_session()
    session.set_credentials(ID, SECRET, TOKEN if token else None)
    made = session.create_client(service, region_name=REGION, endpoint_url=endpoint,
                                 config=Config(retries={"max_attempts": 0}, **config))
    made.haneul_token = TOKEN if token else None
    return made


class Raw(io.BytesIO):
    def stream(self, *args, **kwargs):
        yield self.read()


def call(name, made, operation, **params):
    service = made.meta.service_model.signing_name

    def catch(request, **kwargs):
        record(name, service, made.haneul_token, request.method, request.url, request.headers, body_bytes(request.body))
        return AWSResponse(request.url, 200, {}, Raw(b""))

    made.meta.events.register_first("before-send", catch)
    count = len(requests)
    try:
        getattr(made, operation)(**params)
    except Exception:
        pass  # The empty answer is none that every operation understands.
    made.meta.events.unregister("before-send", catch)
    assert len(requests) == count + 1, name


def clients():
    keys = ["a", "a b", "a+b", "a/b//c", "a/../b", "./a", "/lead", "trail/", "é/日本語", "a%2Fb", "100%", "q?x=1&y", "a=b;c,d",
            "~tilde-_.", "(paren)'!*", "back\\slash", "tab\there", "[x]{y}|^`\"<>", "@:$#", "🎉"]
    for endpoint in ["http://localhost:4566", "https://s3.eu-west-1.amazonaws.com"]:
        for style in ["path", "virtual"]:
            token = style == "path" and endpoint.startswith("https")
            s3 = client("s3", token, endpoint, s3={"addressing_style": style})
            for i, key in enumerate(keys):
                if (i + len(endpoint) + len(style)) % 2 == 0 or style == "path":
                    call(f"s3 {endpoint} {style} get {key!r}", s3, "get_object", Bucket="photos", Key=key)
    s3 = client("s3", s3={"addressing_style": "path"})
    call("s3 list buckets", s3, "list_buckets")
    call("s3 put small", s3, "put_object", Bucket="photos", Key="k", Body=b"hello")
    call("s3 put empty", s3, "put_object", Bucket="photos", Key="k", Body=b"")
    call("s3 put metadata", s3, "put_object", Bucket="photos", Key="k", Body=b"x", ContentType="text/plain; charset=utf-8",
         Metadata={"one": "a  b   c", "two": "  padded "}, Tagging="a=b&c=d%20e", ACL="private")
    call("s3 copy", s3, "copy_object", Bucket="photos", Key="k", CopySource={"Bucket": "other", "Key": "a b/é"})
    call("s3 range", s3, "get_object", Bucket="photos", Key="k", Range="bytes=0-9", VersionId="v/1+2=")
    call("s3 list", s3, "list_objects_v2", Bucket="photos", Prefix="a b/+é&=", Delimiter="/", StartAfter="x y", MaxKeys=3)
    call("s3 list empty prefix", s3, "list_objects_v2", Bucket="photos", Prefix="", ContinuationToken="a/b+c==")
    call("s3 acl", s3, "get_bucket_acl", Bucket="photos")
    call("s3 tagging", s3, "put_object_tagging", Bucket="photos", Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "é"}]})
    call("s3 delete many", s3, "delete_objects", Bucket="photos", Delete={"Objects": [{"Key": "a"}, {"Key": "b"}]})
    call("s3 upload part", s3, "upload_part", Bucket="photos", Key="k", UploadId="u+/=", PartNumber=7, Body=b"z" * 100)
    call("s3 sse-c", s3, "get_object", Bucket="photos", Key="k", SSECustomerAlgorithm="AES256", SSECustomerKey="k" * 32)
    tls = client("s3", True, "https://s3.eu-west-1.amazonaws.com", s3={"addressing_style": "virtual"})
    call("s3 trailer", tls, "put_object", Bucket="photos", Key="k", Body=b"hello trailer")
    call("s3 trailer empty", tls, "put_object", Bucket="photos", Key="k", Body=b"")
    call("s3 trailer stream", tls, "put_object", Bucket="photos", Key="k", Body=io.BytesIO(b"s" * 3000))
    call("s3 trailer sha256", tls, "put_object", Bucket="photos", Key="k", Body=b"hello", ChecksumAlgorithm="SHA256")
    call("s3 trailer sha1 part", tls, "upload_part", Bucket="photos", Key="k", UploadId="u", PartNumber=1, Body=b"hi", ChecksumAlgorithm="SHA1")
    unsigned = client("s3", False, "https://s3.eu-west-1.amazonaws.com", s3={"payload_signing_enabled": False},
                      request_checksum_calculation="when_required")
    call("s3 unsigned payload", unsigned, "put_object", Bucket="photos", Key="k", Body=b"hello")
    signed = client("s3", False, "https://s3.eu-west-1.amazonaws.com", s3={"payload_signing_enabled": True},
                    request_checksum_calculation="when_required")
    call("s3 signed payload", signed, "put_object", Bucket="photos", Key="k", Body=b"hello")

    for token in [False, True]:
        sqs = client("sqs", token)
        call("sqs send", sqs, "send_message", QueueUrl="http://localhost:4566/000000000000/q", MessageBody="é <x>")
        call("sqs list", sqs, "list_queues", QueueNamePrefix="a")
        iam = client("iam", token)
        call("iam create user", iam, "create_user", UserName="u", Path="/a/b/")
        call("iam list", iam, "list_users", PathPrefix="/", MaxItems=5)
        sts = client("sts", token)
        call("sts whoami", sts, "get_caller_identity")
        call("sts assume", sts, "assume_role", RoleArn="arn:aws:iam::000000000000:role/r", RoleSessionName="session", Policy='{"a": "b c"}')
        ddb = client("dynamodb", token)
        call("dynamodb put", ddb, "put_item", TableName="t", Item={"k": {"S": "é"}, "n": {"N": "1"}})
        functions = client("lambda", token)
        call("lambda invoke arn", functions, "invoke", FunctionName="arn:aws:lambda:eu-west-1:000000000000:function:f:1", Payload=b"{}",
             ClientContext="e30=")
        call("lambda list", functions, "list_functions", MaxItems=3, Marker="a b+c/")
        call("lambda tags", functions, "list_tags", Resource="arn:aws:lambda:eu-west-1:000000000000:function:f")
        call("lambda untag", functions, "untag_resource", Resource="arn:aws:lambda:eu-west-1:000000000000:function:f", TagKeys=["b", "a b", "é"])
        ec2 = client("ec2", token)
        call("ec2 describe", ec2, "describe_instances", Filters=[{"Name": "tag:a b", "Values": ["*", "é"]}])
    sns, logs, kms = client("sns"), client("logs"), client("kms")
    call("sns publish", sns, "publish", TopicArn="arn:aws:sns:eu-west-1:000000000000:t", Message="a+b &=", Subject="s")
    call("logs put", logs, "put_log_events", logGroupName="/a/b", logStreamName="s", logEvents=[{"timestamp": 1, "message": "m"}])
    call("kms encrypt", kms, "encrypt", KeyId="alias/a", Plaintext=b"\x00\xff")
    cloudwatch = client("cloudwatch")
    call("cloudwatch put", cloudwatch, "put_metric_data", Namespace="n", MetricData=[{"MetricName": "m", "Value": 1.5}])
    gateway = client("apigateway")
    call("apigateway tags", gateway, "get_tags", resourceArn="arn:aws:apigateway:eu-west-1::/restapis/abc")
    route53 = client("route53")
    call("route53 list", route53, "list_resource_record_sets", HostedZoneId="/hostedzone/Z1", StartRecordName="a.b.", StartRecordType="A")
    call("route53 zone", route53, "create_hosted_zone", Name="example.com", CallerReference="c")
    s3control = client("s3control", endpoint="http://localhost:4566")
    call("s3control block", s3control, "get_public_access_block", AccountId="000000000000")
    backup = client("backup")
    call("backup path", backup, "describe_recovery_point", BackupVaultName="v", RecoveryPointArn="arn:aws:ec2:eu-west-1::snapshot/snap-1")


def presigned():
    for token in [False, True]:
        for style in ["path", "virtual"]:
            s3 = client("s3", token, "http://localhost:4566", signature_version="s3v4", s3={"addressing_style": style})
            cases = [
                ("get_object", {"Bucket": "photos", "Key": "a b/é+c"}, 3600),
                ("get_object", {"Bucket": "photos", "Key": "k", "VersionId": "v+/=", "ResponseContentDisposition": 'attachment; filename="x y.txt"'}, 1),
                ("put_object", {"Bucket": "photos", "Key": "k"}, 604800),
                ("put_object", {"Bucket": "photos", "Key": "k", "ContentType": "text/plain", "Metadata": {"a": "b  c"}, "ACL": "private"}, 60),
                ("list_objects_v2", {"Bucket": "photos", "Prefix": "a&b=", "Delimiter": ""}, 60),
                ("upload_part", {"Bucket": "photos", "Key": "k//x", "UploadId": "u", "PartNumber": 2}, 60),
                ("delete_object", {"Bucket": "photos", "Key": "../k"}, 60),
            ]
            for operation, params, expires in cases:
                url = s3.generate_presigned_url(operation, params, expires)
                method = {"get": "GET", "put": "PUT", "lis": "GET", "upl": "PUT", "del": "DELETE"}[operation[:3]]
                # A browser sends the signed headers that it is told to.
                headers = {}
                if params.get("ContentType"):
                    headers = {"content-type": "text/plain", "x-amz-meta-a": "b  c", "x-amz-acl": "private"}
                    signed = url.split("X-Amz-SignedHeaders=")[1].split("&")[0].split("%3B")
                    headers = {k: v for k, v in headers.items() if k in signed}
                record(f"presigned s3 {style} {operation} {params}", "s3", s3.haneul_token, method, url, headers, b"")
            form = s3.generate_presigned_post("photos", "user/${filename}", Fields={"acl": "private"},
                                              Conditions=[{"acl": "private"}, ["content-length-range", 1, 10], ["starts-with", "$key", "user/"]],
                                              ExpiresIn=600)
            posts.append({"name": f"post {style}", "token": s3.haneul_token, "fields": sorted(form["fields"].items())})
        for service, operation, params in [("sts", "get_caller_identity", {}), ("iam", "list_users", {"PathPrefix": "/a b/"}),
                                           ("lambda", "get_function", {"FunctionName": "arn:aws:lambda:eu-west-1:000000000000:function:f"}),
                                           ("polly", "synthesize_speech", {"Text": "a b+é", "VoiceId": "Joanna", "OutputFormat": "mp3"})]:
            made = client(service, token)
            url = made.generate_presigned_url(operation, params, 60, HttpMethod="GET")
            record(f"presigned {service} {operation}", made.meta.service_model.signing_name, made.haneul_token, "GET", url, {}, b"")


def signers():
    paths = ["/", "/a", "/a/", "//", "//a//b//", "/a/./b", "/./a/.", "/a/../b", "/../../a", "/a%20b", "/a%2fb", "/a%2Fb", "/%C3%A9",
             "/%e2%82%ac", "/a+b", "/a:b@c", "/a,b;c=d", "/~a-_.", "/(a)'!*", "/100%25", "/%2e%2e/a", "/.hidden", "/a..b", "/%zz"]
    queries = [None, "", "a", "a=", "a=&a", "b=2&a=1", "a=2&a=1&a=", "a=b=c", "a=%20b", "a=%2B", "a=+b", "A=1&a=2&B=3", "a-b=1&a=2&a.b=3",
               "%C3%A9=%e2%82%ac", "acl&policy", "a=1&&b=2", "x=%00%FF", "marker=a/b", "list-type=2&prefix=&delimiter=%2F", "x=a:b,c"]
    for service in ["s3", "execute-api"]:
        header = auth.S3SigV4Auth if service == "s3" else auth.SigV4Auth
        query_auth = auth.S3SigV4QueryAuth if service == "s3" else auth.SigV4QueryAuth
        for i in range(max(len(paths), len(queries))):
            path, query = paths[i % len(paths)], queries[i % len(queries)]
            token = TOKEN if i % 3 == 0 else None
            credentials = Credentials(ID, SECRET, token)
            url = f"http://example.com:8080{path}" + ("" if query is None else f"?{query}")
            body = b"" if i % 2 == 0 else b"body %d" % i
            headers = {"Content-Type": "application/octet-stream", "X-Custom": "  a   b\tc  ", "X-Amz-Meta-E": ""}
            if i % 5 == 0:
                headers["Date"] = "x"  # botocore then signs Date instead of X-Amz-Date.
            if service != "s3" and i % 4 == 1:
                headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
            request = AWSRequest(method=["GET", "PUT", "POST", "DELETE", "PATCH"][i % 5], url=url, data=body, headers=headers)
            header(credentials, service, REGION).add_auth(request)
            record(f"signer {service} {path} {query}", service, token, request.method, request.url, request.headers, body)
            if query is None or query in ("a=b=c", "x=a:b,c", "acl&policy", "a=%20b"):
                request = AWSRequest(method="GET", url=url, headers={})
                query_auth(credentials, service, REGION, expires=900).add_auth(request)
                record(f"query signer {service} {path} {query}", service, token, "GET", request.url, request.headers, b"")


def sign(key, message):
    return hmac.new(key, message.encode(), hashlib.sha256)


def chunks():
    key = b"AWS4" + SECRET.encode()
    for part in [NOW.strftime("%Y%m%d"), REGION, "s3", "aws4_request"]:
        key = sign(key, part).digest()
    date, scope = NOW.strftime("%Y%m%dT%H%M%SZ"), f"{NOW:%Y%m%d}/{REGION}/s3/aws4_request"
    empty = hashlib.sha256(b"").hexdigest()
    for sizes in [[], [1], [8192], [8192, 1], [65536, 65536, 777], [8192] * 5, [10000, 8192, 8191]]:
        for trailers in [None, {"x-amz-checksum-crc32c": "sOO8/Q=="}, {"x-amz-checksum-sha256": "abc=", "x-amz-checksum-crc32": "def="}]:
            kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailers else "")
            request = AWSRequest(method="PUT", url="http://localhost:4566/photos/k", headers={
                "content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(sum(sizes))})
            if trailers:
                request.headers["x-amz-trailer"] = ",".join(trailers)

            class Streaming(auth.S3SigV4Auth):
                def payload(self, request):
                    return kind

            Streaming(Credentials(ID, SECRET), "s3", REGION).add_auth(request)
            record(f"chunked {sizes} {trailers}", "s3", None, "PUT", request.url, request.headers, b"")
            headers = requests.pop()["headers"]
            previous = request.headers["Authorization"].split("Signature=")[1]
            frames, digest = [], hashlib.sha256()
            for i, size in enumerate(sizes + [0]):
                data = bytes([97 + i % 26]) * size
                digest.update(data)
                previous = sign(key, "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", date, scope, previous, empty,
                                                hashlib.sha256(data).hexdigest()])).hexdigest()
                frames.append({"head": f"{size:x};chunk-signature={previous}\r\n", "fill": 97 + i % 26, "bytes": size})
            tail = ""
            if trailers:
                lines = "".join(f"{k}:{v}\n" for k, v in trailers.items())
                previous = sign(key, "\n".join(["AWS4-HMAC-SHA256-TRAILER", date, scope, previous,
                                                hashlib.sha256(lines.encode()).hexdigest()])).hexdigest()
                tail = lines.replace("\n", "\r\n") + f"x-amz-trailer-signature:{previous}\r\n"
            chunked.append({"name": f"{kind} {sizes}", "headers": headers, "frames": frames, "tail": tail + "\r\n",
                            "sha256": digest.hexdigest(), "trailers": sorted((trailers or {}).items())})


clients()
presigned()
signers()
chunks()
out = {"generated_by": f"gen_vectors.py with botocore {botocore.__version__}", "now_unix_s": int(NOW.timestamp()), "region": REGION,
       "access_key_id": ID, "secret_access_key": SECRET, "requests": requests, "posts": posts, "chunked": chunked}
rows = ",\n".join(f'"{k}": [\n' + ",\n".join(json.dumps(row, ensure_ascii=False) for row in v) + "\n]" if isinstance(v, list)
                  else f'"{k}": {json.dumps(v)}' for k, v in out.items())
path = pathlib.Path(__file__).parent / "vectors.json"
path.write_text("{\n" + rows + "\n}\n")
print(f"{len(requests)} requests, {len(posts)} forms, {len(chunked)} chunked bodies")
