"""KMS by boto3: envelopes, signatures that others verify, grants, rotation, import, multi-Region keys, paging."""

import base64
import json

import boto3
from botocore.exceptions import ClientError

kms = boto3.client("kms")


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


key = kms.create_key(Description="first", Tags=[{"TagKey": "team", "TagValue": "a"}])["KeyMetadata"]
assert key["KeyState"] == "Enabled" and key["EncryptionAlgorithms"] == ["SYMMETRIC_DEFAULT"], key
kms.create_alias(AliasName="alias/app", TargetKeyId=key["KeyId"])
context = {"tenant": "하늘", "purpose": "test"}
for name in (key["KeyId"], key["Arn"], "alias/app"):
    blob = kms.encrypt(KeyId=name, Plaintext=b"secret", EncryptionContext=context)["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    assert opened["Plaintext"] == b"secret" and opened["KeyId"] == key["Arn"]
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=blob, EncryptionContext={"tenant": "x"})
data_key = kms.generate_data_key(KeyId="alias/app", KeySpec="AES_256")
assert kms.decrypt(CiphertextBlob=data_key["CiphertextBlob"])["Plaintext"] == data_key["Plaintext"]
refused("DryRunOperationException", kms.generate_data_key, KeyId="alias/app", KeySpec="AES_256", DryRun=True)
other = kms.create_key()["KeyMetadata"]
moved = kms.re_encrypt(CiphertextBlob=data_key["CiphertextBlob"], DestinationKeyId=other["KeyId"])
assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == data_key["Plaintext"]
assert len(kms.generate_random(NumberOfBytes=99)["Plaintext"]) == 99

for spec, algorithm in (
    ("RSA_2048", "RSASSA_PSS_SHA_256"),
    ("ECC_NIST_P256", "ECDSA_SHA_256"),
    ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
    ("ML_DSA_65", "ML_DSA_SHAKE_256"),
):
    signer = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    made = kms.sign(KeyId=signer, Message=b"hello", SigningAlgorithm=algorithm)
    given = {"KeyId": signer, "SigningAlgorithm": algorithm, "Signature": made["Signature"]}
    assert kms.verify(Message=b"hello", **given)["SignatureValid"]
    refused("KMSInvalidSignatureException", kms.verify, Message=b"hallo", **given)
    assert kms.get_public_key(KeyId=signer)["SigningAlgorithms"]
mac = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
made = kms.generate_mac(KeyId=mac, Message=b"hello", MacAlgorithm="HMAC_SHA_256")["Mac"]
assert kms.verify_mac(KeyId=mac, Message=b"hello", MacAlgorithm="HMAC_SHA_256", Mac=made)["MacValid"]
refused("KMSInvalidMacException", kms.verify_mac, KeyId=mac, Message=b"x", MacAlgorithm="HMAC_SHA_256", Mac=made)

# A user with nothing but a grant.
iam = boto3.client("iam")
user = iam.create_user(UserName="grantee")["User"]["Arn"]
made = iam.create_access_key(UserName="grantee")["AccessKey"]
theirs = boto3.client(
    "kms", aws_access_key_id=made["AccessKeyId"], aws_secret_access_key=made["SecretAccessKey"]
)
refused("AccessDeniedException", theirs.encrypt, KeyId=key["Arn"], Plaintext=b"x")
grant = kms.create_grant(KeyId=key["Arn"], GranteePrincipal=user, Operations=["Encrypt", "RetireGrant"])
theirs.encrypt(KeyId=key["Arn"], Plaintext=b"x", GrantTokens=[grant["GrantToken"]])
refused("AccessDeniedException", theirs.decrypt, CiphertextBlob=data_key["CiphertextBlob"])
assert kms.list_grants(KeyId=key["Arn"])["Grants"][0]["GrantId"] == grant["GrantId"]
theirs.retire_grant(GrantToken=grant["GrantToken"])
refused("AccessDeniedException", theirs.encrypt, KeyId=key["Arn"], Plaintext=b"x")

old = kms.encrypt(KeyId="alias/app", Plaintext=b"old")["CiphertextBlob"]
kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=180)
kms.rotate_key_on_demand(KeyId=key["KeyId"])
assert kms.decrypt(CiphertextBlob=old)["Plaintext"] == b"old"
(rotation,) = kms.list_key_rotations(KeyId=key["KeyId"])["Rotations"]
assert rotation["RotationType"] == "ON_DEMAND"
status = kms.get_key_rotation_status(KeyId=key["KeyId"])
assert status["KeyRotationEnabled"] and status["RotationPeriodInDays"] == 180 and status["NextRotationDate"]

related = kms.create_key(MultiRegion=True)["KeyMetadata"]
kms.replicate_key(KeyId=related["KeyId"], ReplicaRegion="eu-west-1")
there = boto3.client("kms", region_name="eu-west-1")
blob = kms.encrypt(KeyId=related["KeyId"], Plaintext=b"x")["CiphertextBlob"]
assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
assert there.describe_key(KeyId=related["KeyId"])["KeyMetadata"]["KeyState"] == "Enabled"

policy = json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
assert policy["Statement"][0]["Principal"]["AWS"] == "arn:aws:iam::000000000000:root"
policy["Statement"][0]["Action"] = "kms:Encrypt"
arguments = {"KeyId": key["KeyId"], "PolicyName": "default", "Policy": json.dumps(policy)}
refused("MalformedPolicyDocumentException", kms.put_key_policy, **arguments)

keys = [one["KeyId"] for page in kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 3}) for one in page["Keys"]]
assert len(keys) == len(set(keys)) >= 7
aliases = [one["AliasName"] for page in kms.get_paginator("list_aliases").paginate() for one in page["Aliases"]]
assert "alias/app" in aliases and "alias/aws/s3" in aliases
kms.disable_key(KeyId=key["KeyId"])
assert refused("DisabledException", kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x") == f"{key['Arn']} is disabled."
kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
refused("KMSInvalidStateException", kms.decrypt, CiphertextBlob=old)
refused("NotFoundException", kms.describe_key, KeyId="alias/none")
refused("ValidationException", kms.encrypt, KeyId=other["KeyId"], Plaintext=b"x" * 4097)
refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=base64.b64decode("AQICAHh="))
print("ok")
