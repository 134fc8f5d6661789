"""Writes a secret wherever secrets go, and reads it after a crash."""

import sys

import boto3

phase, secret = sys.argv[1:]
kms, secrets, ssm = (boto3.client(name) for name in ("kms", "secretsmanager", "ssm"))
if phase == "write":
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/at-rest", TargetKeyId=key)
    blob = kms.encrypt(KeyId=key, Plaintext=secret.encode())["CiphertextBlob"]
    secrets.create_secret(Name="at-rest/secret", SecretString=secret)
    secrets.create_secret(Name="at-rest/blob", SecretBinary=blob)
    ssm.put_parameter(Name="/at-rest/parameter", Value=secret, Type="SecureString")
    ssm.put_parameter(Name="/at-rest/advanced", Value=secret, Type="SecureString", Tier="Advanced")
assert secrets.get_secret_value(SecretId="at-rest/secret")["SecretString"] == secret
for name in ("/at-rest/parameter", "/at-rest/advanced"):
    assert ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == secret
blob = secrets.get_secret_value(SecretId="at-rest/blob")["SecretBinary"]
assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == secret.encode()
print("ok")
