"""IAM's credentials by boto3: MFA with an independent TOTP, passwords, keys, certificates, providers, reports."""

import csv
import io
import json
import os
import struct
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pyotp
from botocore.exceptions import ClientError

iam, sts = boto3.client("iam"), boto3.client("sts")
account = sts.get_caller_identity()["Account"]
files = Path(sys.argv[0]).parent.parent / "terraform_iam"


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


def document(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **statement}]})


def session(user):
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])


# Virtual MFA: the seed that the device is told is the one that the codes are checked with.
iam.create_user(UserName="ann", Path="/people/")
device = iam.create_virtual_mfa_device(VirtualMFADeviceName="ann", Tags=[{"Key": "kind", "Value": "phone"}])["VirtualMFADevice"]
serial = device["SerialNumber"]
assert serial == f"arn:aws:iam::{account}:mfa/ann"
png = device["QRCodePNG"]
assert png[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", png[16:24])[0] > 100
totp = pyotp.TOTP(device["Base32StringSeed"].decode())
refused("EntityAlreadyExists", iam.create_virtual_mfa_device, VirtualMFADeviceName="ann")
now = time.time()
refused("InvalidAuthenticationCode", iam.enable_mfa_device, UserName="ann", SerialNumber=serial,
        AuthenticationCode1=totp.at(now - 30), AuthenticationCode2=totp.at(now - 60))
iam.enable_mfa_device(UserName="ann", SerialNumber=serial, AuthenticationCode1=totp.at(now - 90),
                      AuthenticationCode2=totp.at(now - 60))
assert [d["SerialNumber"] for d in iam.list_mfa_devices(UserName="ann")["MFADevices"]] == [serial]
assert iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"][0]["User"]["UserName"] == "ann"
assert iam.get_mfa_device(UserName="ann", SerialNumber=serial)["UserName"] == "ann"
refused("DeleteConflict", iam.delete_virtual_mfa_device, SerialNumber=serial)

# S3 asks the same directory: MFA delete wants the root user's device, and takes a code once.
phone = iam.create_virtual_mfa_device(VirtualMFADeviceName="root-account-mfa-device")["VirtualMFADevice"]
root_totp, root_serial = pyotp.TOTP(phone["Base32StringSeed"].decode()), phone["SerialNumber"]
now = time.time()
iam.enable_mfa_device(UserName="root", SerialNumber=root_serial, AuthenticationCode1=root_totp.at(now - 90),
                      AuthenticationCode2=root_totp.at(now - 60))
s3 = boto3.client("s3")
s3.create_bucket(Bucket="with-mfa")
mfa_delete = {"Bucket": "with-mfa", "VersioningConfiguration": {"Status": "Enabled", "MFADelete": "Enabled"}}
code = root_totp.at(time.time() - 30)
s3.put_bucket_versioning(MFA=f"{root_serial} {code}", **mfa_delete)
assert s3.get_bucket_versioning(Bucket="with-mfa")["MFADelete"] == "Enabled"
refused("AccessDenied", s3.put_bucket_versioning, MFA=f"{root_serial} {code}", **mfa_delete)
assert iam.get_account_summary()["SummaryMap"]["AccountMFAEnabled"] == 1

iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=document(Action=["sqs:*", "iam:GetUser"]))
ann = session("ann")
ann.client("sqs").list_queues()
assert ann.client("iam").get_user()["User"]["UserName"] == "ann"
assert sorted(iam.get_user()["User"]) == ["Arn", "CreateDate", "UserId"], "the root user has no name and no path"

# Passwords.
iam.update_account_password_policy(MinimumPasswordLength=10, RequireSymbols=True, AllowUsersToChangePassword=True,
                                   PasswordReusePrevention=1)
assert "symbol" in refused("PasswordPolicyViolation", iam.create_login_profile, UserName="ann", Password="abcdefghijk")
iam.create_login_profile(UserName="ann", Password="first-password")
refused("AccessDenied", ann.client("iam").change_password, OldPassword="wrong", NewPassword="second-password")
ann.client("iam").change_password(OldPassword="first-password", NewPassword="second-password")
refused("PasswordPolicyViolation", iam.update_login_profile, UserName="ann", Password="second-password")
refused("InvalidUserType", iam.change_password, OldPassword="a", NewPassword="b")
refused("DeleteConflict", iam.delete_user, UserName="ann")

# Keys and certificates.
key = iam.upload_ssh_public_key(UserName="ann", SSHPublicKeyBody=(files / "ssh.pub").read_text())["SSHPublicKey"]
assert key["Fingerprint"].count(":") == 15
pem = iam.get_ssh_public_key(UserName="ann", SSHPublicKeyId=key["SSHPublicKeyId"], Encoding="PEM")["SSHPublicKey"]
assert pem["SSHPublicKeyBody"].startswith("-----BEGIN PUBLIC KEY-----")
body, private = (files / "certificate.pem").read_text(), (files / "private_key.pem").read_text()
refused("MalformedCertificate", iam.upload_server_certificate, ServerCertificateName="web", CertificateBody="x", PrivateKey=private)
web = iam.upload_server_certificate(ServerCertificateName="web", CertificateBody=body, PrivateKey=private)["ServerCertificateMetadata"]
assert web["Arn"].endswith(":server-certificate/web") and web["Expiration"].year > 2100

# Credentials for one service. The API key of CloudWatch Logs lets plain HTTP in.
refused("NotSupportedService", iam.create_service_specific_credential, UserName="ann", ServiceName="codecommit.amazonaws.com")
first = iam.create_service_specific_credential(UserName="ann", ServiceName="logs.amazonaws.com")["ServiceSpecificCredential"]
assert first["ServiceCredentialAlias"] == f"ann-at-{account}" and first["Status"] == "Active" and "ServicePassword" not in first
assert "No such service" in refused("NoSuchEntity", iam.create_service_specific_credential, UserName="ann", ServiceName="s3.amazonaws.com")
api_key = iam.create_service_specific_credential(UserName="ann", ServiceName="logs.amazonaws.com",
                                                 CredentialAgeDays=1)["ServiceSpecificCredential"]
logs = boto3.client("logs")
logs.create_log_group(logGroupName="app")
logs.create_log_stream(logGroupName="app", logStreamName="one")
logs.put_bearer_token_authentication(logGroupIdentifier="app", bearerTokenAuthenticationEnabled=True)
iam.put_user_policy(UserName="ann", PolicyName="logs", PolicyDocument=document(Action=["logs:PutLogEvents", "logs:CallWithBearerToken"]))


def ingest(token):
    request = urllib.request.Request(f"{os.environ['AWS_ENDPOINT_URL']}/ingest/bulk?logGroup=app&logStream=one", b'{"a":1}',
                                     {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code


assert ingest(api_key["ServiceCredentialSecret"]) == 200 and ingest("ACWLnone") == 401
assert logs.get_log_events(logGroupName="app", logStreamName="one")["events"][0]["message"] == '{"a":1}'
listed = iam.list_service_specific_credentials(UserName="ann")["ServiceSpecificCredentials"]
assert [one["ServiceName"] for one in listed] == ["logs.amazonaws.com"] * 2
[second] = [one for one in listed if one["ServiceSpecificCredentialId"] == api_key["ServiceSpecificCredentialId"]]
assert second["ExpirationDate"] == api_key["ExpirationDate"] and "ServiceCredentialSecret" not in second
iam.update_service_specific_credential(UserName="ann", Status="Inactive",
                                       ServiceSpecificCredentialId=api_key["ServiceSpecificCredentialId"])
assert ingest(api_key["ServiceCredentialSecret"]) == 401
for one in listed:
    iam.delete_service_specific_credential(UserName="ann", ServiceSpecificCredentialId=one["ServiceSpecificCredentialId"])
iam.delete_user_policy(UserName="ann", PolicyName="logs")

# Providers and service-linked roles.
idp = iam.create_saml_provider(Name="idp", SAMLMetadataDocument=(files / "metadata.xml").read_text())["SAMLProviderArn"]
assert iam.get_saml_provider(SAMLProviderArn=idp)["SAMLMetadataDocument"].startswith("<?xml")
oidc = iam.create_open_id_connect_provider(Url="https://oidc.example.com", ClientIDList=["app"], ThumbprintList=["ab" * 20])
iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=oidc["OpenIDConnectProviderArn"], ClientID="two")
found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=oidc["OpenIDConnectProviderArn"])
assert (found["Url"], found["ClientIDList"]) == ("oidc.example.com", ["app", "two"])
linked = iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")["Role"]
assert linked["Path"] == "/aws-service-role/ecs.amazonaws.com/"
refused("UnmodifiableEntity", iam.delete_role, RoleName=linked["RoleName"])

# Reports of what really happened.
assert iam.generate_credential_report()["State"] == "STARTED"
assert iam.generate_credential_report()["State"] == "COMPLETE"
rows = {row["user"]: row for row in csv.DictReader(io.StringIO(iam.get_credential_report()["Content"].decode()))}
assert rows["ann"]["mfa_active"] == "true" and rows["ann"]["password_enabled"] == "true"
assert rows["ann"]["access_key_1_last_used_service"] in ("iam", "sts", "sqs")
assert rows["<root_account>"]["access_key_1_active"] == "true"
job = iam.generate_service_last_accessed_details(Arn=f"arn:aws:iam::{account}:user/people/ann", Granularity="ACTION_LEVEL")["JobId"]
details = iam.get_service_last_accessed_details(JobId=job)
services = {s["ServiceNamespace"]: s for s in details["ServicesLastAccessed"]}
assert details["JobStatus"] == "COMPLETED" and set(services) == {"iam", "sqs"}
assert [a["ActionName"] for a in services["sqs"]["TrackedActionsLastAccessed"]] == ["ListQueues"]
summary = iam.get_account_summary()["SummaryMap"]
assert (summary["MFADevicesInUse"], summary["ServerCertificates"], summary["Providers"]) == (2, 1, 2)

# All gone, in the order that AWS wants.
iam.deactivate_mfa_device(UserName="ann", SerialNumber=serial)
iam.delete_virtual_mfa_device(SerialNumber=serial)
iam.delete_login_profile(UserName="ann")
iam.delete_ssh_public_key(UserName="ann", SSHPublicKeyId=key["SSHPublicKeyId"])
for key in iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]:
    iam.delete_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"])
iam.delete_user_policy(UserName="ann", PolicyName="own")
iam.delete_user(UserName="ann")
print("boto3 iam: ok")
