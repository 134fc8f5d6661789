"""The transfer manager of boto3 and the AWS CLI on the AWS Common Runtime: parts side by side both ways, whole objects, small ones."""

import hashlib
import os
import time

import boto3
import botocore.session
from s3transfer.crt import (
    BotocoreCRTCredentialsWrapper, BotocoreCRTRequestSerializer, CRTTransferManager, create_s3_crt_client)

s3 = boto3.client("s3")
s3.create_bucket(Bucket="crt")
# boto3 itself would have it speak TLS, whatever the endpoint.
session = botocore.session.get_session()
credentials = BotocoreCRTCredentialsWrapper(session.get_credentials()).to_crt_credentials_provider()
client = create_s3_crt_client(
    "us-east-1", crt_credentials_provider=credentials, use_ssl=os.environ["AWS_ENDPOINT_URL"].startswith("https"),
    part_size=8 << 20)
endpoint = {"region_name": "us-east-1", "endpoint_url": os.environ["AWS_ENDPOINT_URL"]}
with CRTTransferManager(client, BotocoreCRTRequestSerializer(session, endpoint)) as manager:
    for size in (0, 1, 100_000, 8 << 20, (50 << 20) + 12345):
        content = (os.urandom(min(size, 1 << 20)) * (size // (1 << 20) + 1))[:size]
        with open("sent", "wb") as file:
            file.write(content)
        key = f"of {size} bytes/하늘+&"
        more = {"ContentType": "text/x-crt", "Metadata": {"size": str(size)}}
        manager.upload("sent", "crt", key, more).result()
        head = s3.head_object(Bucket="crt", Key=key)
        assert (head["ContentLength"], head["ContentType"]) == (size, "text/x-crt"), head
        assert head["Metadata"] == {"size": str(size)}, head
        assert ("-" in head["ETag"]) == (size > 8 << 20), (size, head["ETag"])
        # The file gets its name a moment after its transfer's end.
        if os.path.exists("back"):
            os.remove("back")
        manager.download("crt", key, "back").result()
        for _ in range(100):
            if os.path.exists("back"):
                break
            time.sleep(0.05)
        with open("back", "rb") as file:
            assert hashlib.sha256(file.read()).digest() == hashlib.sha256(content).digest(), size
        manager.delete("crt", key).result()
assert not s3.list_multipart_uploads(Bucket="crt").get("Uploads"), "an upload was left open"
assert not s3.list_objects_v2(Bucket="crt").get("Contents")
print("ok")
