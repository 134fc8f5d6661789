"""Annotations of objects, as boto3 sees them."""

import json

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError(f"{arguments} went through")


s3.create_bucket(Bucket="annotated")
s3.put_bucket_versioning(Bucket="annotated", VersioningConfiguration={"Status": "Enabled"})
version = s3.put_object(Bucket="annotated", Key="a/b c", Body=b"picture")["VersionId"]
at = {"Bucket": "annotated", "Key": "a/b c"}
labels = json.dumps({"labels": ["고양이", "cat"]}, ensure_ascii=False).encode()
made = s3.put_object_annotation(**at, AnnotationName="ml.labels", AnnotationPayload=labels, ChecksumAlgorithm="SHA256")
assert made["ObjectVersionId"] == version and made["ChecksumSHA256"] and made["ServerSideEncryption"] == "AES256", made
large = b"y" * (1 << 20)
s3.put_object_annotation(**at, AnnotationName="text", AnnotationPayload=large)
got = s3.get_object_annotation(**at, AnnotationName="ml.labels", ChecksumMode="ENABLED")
assert got["AnnotationPayload"].read() == labels and got["ETag"] == made["ETag"], got
assert got["ContentLength"] == len(labels) and got["ChecksumSHA256"] == made["ChecksumSHA256"], got
assert s3.get_object_annotation(**at, AnnotationName="text", VersionId=version)["AnnotationPayload"].read() == large
listed = s3.list_object_annotations(**at, AnnotationPrefix="ml.")
assert [(one["AnnotationName"], one["Size"]) for one in listed["Annotations"]] == [("ml.labels", len(labels))], listed
first = s3.list_object_annotations(**at, MaxAnnotationResults=1)
rest = s3.list_object_annotations(**at, MaxAnnotationResults=1, ContinuationToken=first["NextContinuationToken"])
assert [one["AnnotationName"] for page in [first, rest] for one in page["Annotations"]] == ["ml.labels", "text"]
assert "NextContinuationToken" not in rest and rest["AnnotationCount"] == 1, rest

s3.copy_object(Bucket="annotated", Key="copy", CopySource={**at})
copied = s3.get_object_annotation(Bucket="annotated", Key="copy", AnnotationName="ml.labels")
assert copied["AnnotationPayload"].read() == labels
s3.copy_object(Bucket="annotated", Key="bare", CopySource={**at}, AnnotationDirective="EXCLUDE")
assert s3.list_object_annotations(Bucket="annotated", Key="bare").get("Annotations", []) == []

put = s3.put_object_annotation
assert refused("UnsupportedMediaType", put, **at, AnnotationName="x", AnnotationPayload=b"\xff") == 415
assert refused("InvalidAnnotationName", put, **at, AnnotationName="aws.x", AnnotationPayload=b"1") == 400
assert refused("NoSuchKey", put, Bucket="annotated", Key="none", AnnotationName="x", AnnotationPayload=b"1") == 404
assert refused("PreconditionFailed", put, **at, AnnotationName="x", AnnotationPayload=b"1", ObjectIfMatch='"0"') == 412
s3.delete_object_annotation(**at, AnnotationName="text")
assert refused("NoSuchAnnotation", s3.get_object_annotation, **at, AnnotationName="text") == 404
