"""Encryption at rest by boto3: SSE-S3, SSE-KMS with the real KMS, SSE-C, multipart, copies, who may decrypt; locks and ACLs."""

import hashlib
import json
import os

import boto3
from botocore.exceptions import ClientError

s3, kms, iam = (boto3.client(name) for name in ["s3", "kms", "iam"])


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response
    raise AssertionError(f"{code} was expected")


body = os.urandom(300_000)
s3.create_bucket(Bucket="vault")
put = s3.put_object(Bucket="vault", Key="plain", Body=body)
assert put["ServerSideEncryption"] == "AES256" and put["ETag"].strip('"') == hashlib.md5(body).hexdigest()
assert s3.get_object(Bucket="vault", Key="plain", Range="bytes=70000-70009")["Body"].read() == body[70000:70010]

# KMS: the key that AWS manages, then one of our own, with a bucket key as the bucket's default.
managed = s3.put_object(Bucket="vault", Key="managed", Body=body, ServerSideEncryption="aws:kms")
assert managed["ServerSideEncryption"] == "aws:kms" and ":key/" in managed["SSEKMSKeyId"], managed
assert s3.get_object(Bucket="vault", Key="managed")["Body"].read() == body
key = kms.create_key(Description="vault")["KeyMetadata"]["Arn"]
rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}, "BucketKeyEnabled": True}
s3.put_bucket_encryption(Bucket="vault", ServerSideEncryptionConfiguration={"Rules": [rule]})
own = s3.put_object(Bucket="vault", Key="own", Body=body)
assert own["SSEKMSKeyId"] == key and own["BucketKeyEnabled"], own
assert own["ETag"].strip('"') != hashlib.md5(body).hexdigest()
got = s3.get_object(Bucket="vault", Key="own")
assert got["Body"].read() == body and got["SSEKMSKeyId"] == key
parts = []
upload = s3.create_multipart_upload(Bucket="vault", Key="parts")["UploadId"]
for number, part in enumerate([os.urandom(5 << 20), b"the end"], 1):
    tag = s3.upload_part(Bucket="vault", Key="parts", UploadId=upload, PartNumber=number, Body=part)["ETag"]
    parts.append((part, {"PartNumber": number, "ETag": tag}))
s3.complete_multipart_upload(Bucket="vault", Key="parts", UploadId=upload, MultipartUpload={"Parts": [p for _, p in parts]})
assert s3.get_object(Bucket="vault", Key="parts")["Body"].read() == b"".join(part for part, _ in parts)
s3.copy_object(Bucket="vault", Key="copy", CopySource="vault/plain")
assert s3.get_object(Bucket="vault", Key="copy")["Body"].read() == body

# Who may read the object and not use the key reads nothing.
iam.create_user(UserName="reader")
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::vault/*"}]}
iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps(policy))
made = iam.create_access_key(UserName="reader")["AccessKey"]
reader = boto3.client("s3", aws_access_key_id=made["AccessKeyId"], aws_secret_access_key=made["SecretAccessKey"])
assert reader.get_object(Bucket="vault", Key="plain")["Body"].read() == body
answer = refused("AccessDenied", reader.get_object, Bucket="vault", Key="own")
assert "kms:Decrypt" in answer["Error"]["Message"], answer["Error"]
policy["Statement"].append({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key,
                            "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}})
iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps(policy))
assert reader.get_object(Bucket="vault", Key="own")["Body"].read() == body
# (With a bucket key, what was opened a moment ago may be opened again without asking KMS.)
alone = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key, "BucketKeyEnabled": False}
s3.put_object(Bucket="vault", Key="alone", Body=body, **alone)
kms.disable_key(KeyId=key)
refused("KMS.DisabledException", s3.get_object, Bucket="vault", Key="alone")
refused("KMS.DisabledException", s3.put_object, Bucket="vault", Key="more", Body=body, **alone)
kms.enable_key(KeyId=key)

# A key of the customer's, which we do not keep.
secret = os.urandom(32)
given = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": secret}
s3.put_object(Bucket="vault", Key="customer", Body=body, **given)
assert s3.get_object(Bucket="vault", Key="customer", **given)["Body"].read() == body
refused("InvalidRequest", s3.get_object, Bucket="vault", Key="customer")
refused("AccessDenied", s3.get_object, Bucket="vault", Key="customer", SSECustomerAlgorithm="AES256", SSECustomerKey=os.urandom(32))

# Object Lock: compliance, and not even root breaks it.
s3.create_bucket(Bucket="ledger", ObjectLockEnabledForBucket=True)
s3.put_object_lock_configuration(Bucket="ledger", ObjectLockConfiguration={
    "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}})
version = s3.put_object(Bucket="ledger", Key="page", Body=b"x", ChecksumAlgorithm="SHA256")["VersionId"]
refused("AccessDenied", s3.delete_object, Bucket="ledger", Key="page", VersionId=version)
refused("AccessDenied", s3.delete_object, Bucket="ledger", Key="page", VersionId=version, BypassGovernanceRetention=True)

# ACLs, where the bucket's ownership lets them count.
refused("AccessControlListNotSupported", s3.put_object_acl, Bucket="vault", Key="plain", ACL="public-read")
s3.create_bucket(Bucket="open", ObjectOwnership="ObjectWriter")
s3.delete_public_access_block(Bucket="open")
s3.put_object(Bucket="open", Key="k", Body=b"for all", ACL="public-read")
grants = s3.get_object_acl(Bucket="open", Key="k")["Grants"]
assert any(grant["Grantee"].get("URI", "").endswith("/AllUsers") and grant["Permission"] == "READ" for grant in grants), grants
print("ok")
