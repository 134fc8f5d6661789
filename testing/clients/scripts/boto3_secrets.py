"""Secrets Manager and Parameter Store by boto3."""

import json

import boto3
from botocore.exceptions import ClientError

secrets = boto3.client("secretsmanager")
ssm = boto3.client("ssm")


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return
    raise AssertionError(f"{code} was expected")


made = secrets.create_secret(Name="app/db", SecretString=json.dumps({"user": "a", "password": "b"}))
assert secrets.get_secret_value(SecretId=made["ARN"])["VersionStages"] == ["AWSCURRENT"]
secrets.put_secret_value(SecretId="app/db", SecretString="second")
assert secrets.get_secret_value(SecretId="app/db", VersionStage="AWSPREVIOUS")["SecretString"].startswith("{")
secrets.update_secret(SecretId="app/db", SecretBinary=b"\x00\xff", Description="bytes")
assert secrets.get_secret_value(SecretId="app/db")["SecretBinary"] == b"\x00\xff"
shown = secrets.describe_secret(SecretId="app/db")
assert shown["Description"] == "bytes" and len(shown["VersionIdsToStages"]) == 2
(found,) = secrets.list_secrets(Filters=[{"Key": "name", "Values": ["app/"]}])["SecretList"]
assert found["ARN"] == made["ARN"]
assert secrets.batch_get_secret_value(SecretIdList=["app/db", "none"])["Errors"][0]["ErrorCode"] == "ResourceNotFoundException"
secrets.replicate_secret_to_regions(SecretId="app/db", AddReplicaRegions=[{"Region": "eu-west-1"}])
there = boto3.client("secretsmanager", region_name="eu-west-1")
assert there.get_secret_value(SecretId="app/db")["SecretBinary"] == b"\x00\xff"
secrets.remove_regions_from_replication(SecretId="app/db", RemoveReplicaRegions=["eu-west-1"])
assert len(secrets.get_random_password(PasswordLength=40)["RandomPassword"]) == 40
secrets.delete_secret(SecretId="app/db")
refused("InvalidRequestException", secrets.get_secret_value, SecretId="app/db")
secrets.restore_secret(SecretId="app/db")
secrets.delete_secret(SecretId="app/db", ForceDeleteWithoutRecovery=True)
refused("ResourceNotFoundException", secrets.get_secret_value, SecretId="app/db")

assert ssm.put_parameter(Name="/app/url", Value="http://x", Type="String")["Version"] == 1
refused("ParameterAlreadyExists", ssm.put_parameter, Name="/app/url", Value="y", Type="String")
ssm.put_parameter(Name="/app/url", Value="http://y", Overwrite=True)
ssm.put_parameter(Name="/app/password", Value="secret", Type="SecureString")
assert ssm.get_parameter(Name="/app/password", WithDecryption=True)["Parameter"]["Value"] == "secret"
assert ssm.get_parameter(Name="/app/password")["Parameter"]["Value"] != "secret"
assert ssm.get_parameter(Name="/app/url:1")["Parameter"]["Value"] == "http://x"
ssm.label_parameter_version(Name="/app/url", ParameterVersion=1, Labels=["stable"])
assert ssm.get_parameter(Name="/app/url:stable")["Parameter"]["Version"] == 1
pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/app", Recursive=True, PaginationConfig={"PageSize": 1})
assert [one["Name"] for page in pages for one in page["Parameters"]] == ["/app/password", "/app/url"]
assert ssm.get_parameters(Names=["/app/url", "/none"])["InvalidParameters"] == ["/none"]
history = ssm.get_parameter_history(Name="/app/url")["Parameters"]
assert [one["Labels"] for one in history] == [["stable"], []]
name = "/aws/service/global-infrastructure/regions/eu-west-1/longName"
assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "Europe (Ireland)"
assert ssm.delete_parameters(Names=["/app/url", "/app/password"])["DeletedParameters"] == ["/app/url", "/app/password"]
refused("ParameterNotFound", ssm.get_parameter, Name="/app/url")
refused("ValidationException", ssm.get_parameter, Name="app/url")
print("ok")
