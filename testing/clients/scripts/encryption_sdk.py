"""The AWS Encryption SDK for Python against our KMS: round trips, and that nothing else opens."""

import aws_encryption_sdk
import boto3
from aws_encryption_sdk import CommitmentPolicy

kms = boto3.client("kms")
one = kms.create_key()["KeyMetadata"]["Arn"]
two = kms.create_key()["KeyMetadata"]["Arn"]
other = kms.create_key()["KeyMetadata"]["Arn"]
client = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)


def provider(*keys):
    return aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=list(keys))


context = {"tenant": "a", "purpose": "test"}
for length in (0, 1, 4096, 100_000):
    plaintext = b"x" * length
    sealed, _ = client.encrypt(source=plaintext, key_provider=provider(one, two), encryption_context=context)
    # Either key opens; a rotation in between changes nothing.
    kms.rotate_key_on_demand(KeyId=one)
    for key in (one, two):
        opened, header = client.decrypt(source=sealed, key_provider=provider(key))
        assert opened == plaintext and context.items() <= header.encryption_context.items()
    flipped = bytearray(sealed)
    flipped[-10] ^= 1
    for key, message in ((other, sealed), (one, bytes(flipped))):
        try:
            client.decrypt(source=message, key_provider=provider(key))
        except Exception as error:  # the SDK's, or the one of the signature library
            assert "x" * 100 not in str(error)
        else:
            raise AssertionError("it opened")
print("ok")
