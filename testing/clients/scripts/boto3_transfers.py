"""A bill that is handed over, by boto3: a handshake between two organizations, and who pays by the clock."""

import datetime
import json
import os
import urllib.request

import boto3
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]


def control(path, **body):
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(urllib.request.Request(ENDPOINT + path, data=data)) as answer:
        return json.load(answer)


def now():
    return datetime.datetime.fromtimestamp(control("/_haneul/clock")["epoch_ms"] / 1000, datetime.timezone.utc)


def refused(code, reason, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response
        assert error.response.get("Reason") == reason, error.response
        return
    raise AssertionError(f"{code} was expected")


def customer():
    made = helper.client("sts").assume_role(RoleArn=role, RoleSessionName="ann")["Credentials"]
    return boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


# An account that leaves and has an organization of its own.
ours, iam = boto3.client("organizations"), boto3.client("iam")
ours.create_organization(FeatureSet="ALL")
started = ours.create_account(Email="customer@example.com", AccountName="customer")["CreateAccountStatus"]["Id"]
while True:
    status = ours.describe_create_account_status(CreateAccountRequestId=started)["CreateAccountStatus"]
    if status["State"] != "IN_PROGRESS":
        break
account = status["AccountId"]
role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
iam.create_user(UserName="helper")
allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}
iam.put_user_policy(UserName="helper", PolicyName="p", PolicyDocument=json.dumps(allow))
key = iam.create_access_key(UserName="helper")["AccessKey"]
helper = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
theirs = customer().client("organizations")
theirs.leave_organization()
theirs.create_organization(FeatureSet="ALL")

month = now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
start = (month + datetime.timedelta(days=70)).replace(day=1)
asked = {"Type": "BILLING", "Target": {"Id": account, "Type": "ACCOUNT"}, "SourceName": "customer", "StartTimestamp": start}
late = asked | {"StartTimestamp": start + datetime.timedelta(days=1)}
refused("InvalidInputException", "START_DATE_NOT_BEGINNING_OF_MONTH", ours.invite_organization_to_transfer_responsibility, **late)
handshake = ours.invite_organization_to_transfer_responsibility(**asked)["Handshake"]
assert handshake["Action"] == "TRANSFER_RESPONSIBILITY", handshake
theirs.accept_handshake(HandshakeId=handshake["Id"])
(transfer,) = theirs.list_outbound_responsibility_transfers(Type="BILLING")["ResponsibilityTransfers"]
assert transfer["Status"] == "ACCEPTED" and transfer["StartTimestamp"] == start, transfer
assert ours.list_inbound_responsibility_transfers(Type="BILLING")["ResponsibilityTransfers"][0]["Id"] == transfer["Id"]

# What is used after the start, the other account pays for.
control("/_haneul/clock", advance_seconds=(start - now()).total_seconds() + 3600)
customer().client("s3").list_buckets()
payers = {}
for row in control(f"/_haneul/usage?account={account}")["usage"]:
    payers.setdefault(row["hour"] >= start.strftime("%Y-%m-%dT%H:%M:%SZ"), set()).add(row["payer"])
assert payers == {False: {account}, True: {"000000000000"}}, payers
theirs = customer().client("organizations")
ended = theirs.terminate_responsibility_transfer(Id=transfer["Id"])["ResponsibilityTransfer"]
assert ended["Status"] == "WITHDRAWN" and (ended["EndTimestamp"] + datetime.timedelta(seconds=1)).day == 1, ended
print("transfers: ok")
