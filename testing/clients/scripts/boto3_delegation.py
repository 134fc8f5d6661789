"""Delegated access by boto3: a partner asks an account, the account sends a token, the partner acts with it, and CloudTrail says so."""

import json
import time

import boto3
from botocore.exceptions import ClientError

QUEUE = "arn:aws:sqs:us-east-1:000000000000:thing"
TEMPLATE = "arn:aws:iam:::delegation-template/own.example.com/Users"


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return
    raise AssertionError(f"{code} was expected")


def session(credentials):
    return boto3.Session(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])


# The account that is asked: a member of the default account's organization.
organizations = boto3.client("organizations")
organizations.create_organization(FeatureSet="ALL")
started = organizations.create_account(Email="member@example.com", AccountName="member")["CreateAccountStatus"]["Id"]
while True:
    status = organizations.describe_create_account_status(CreateAccountRequestId=started)["CreateAccountStatus"]
    if status["State"] != "IN_PROGRESS":
        break
member = status["AccountId"]
partner_iam, sqs, sts = boto3.client("iam"), boto3.client("sqs"), boto3.client("sts")
partner_iam.create_user(UserName="helper")
partner_iam.put_user_policy(
    UserName="helper",
    PolicyName="p",
    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}),
)
key = partner_iam.create_access_key(UserName="helper")["AccessKey"]
helper = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
role = f"arn:aws:iam::{member}:role/OrganizationAccountAccessRole"
customer = session(helper.client("sts").assume_role(RoleArn=role, RoleSessionName="ann")["Credentials"])
iam = customer.client("iam")

# The partner asks.
send = {"Effect": "Allow", "Principal": {"Service": "iam.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": QUEUE}
url = sqs.create_queue(QueueName="thing", Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [send]})})["QueueUrl"]
asked = {
    "OwnerAccountId": member,
    "Description": "Lists users.",
    "Permissions": {"PolicyTemplateArn": TEMPLATE},
    "RequestorWorkflowId": "workflow-1",
    "NotificationChannel": QUEUE,
    "SessionDuration": 3600,
}
refused("AccessDenied", iam.create_delegation_request, **asked)
request = partner_iam.create_delegation_request(**asked)["DelegationRequestId"]
refused("EntityAlreadyExists", partner_iam.create_delegation_request, **asked)
refused("AccessDenied", partner_iam.get_delegation_request, DelegationRequestId=request)

# The account looks and decides.
found = iam.get_delegation_request(DelegationRequestId=request, DelegationPermissionCheck=True)
assert found["DelegationRequest"]["State"] == "UNASSIGNED", found
assert found["PermissionCheckResult"] == "ALLOWED", found
iam.associate_delegation_request(DelegationRequestId=request)
iam.update_delegation_request(DelegationRequestId=request, Notes="please")
summary = iam.get_human_readable_summary(EntityArn=f"arn:aws:iam::{member}:delegation-request/{request}", Locale="en")
assert summary["SummaryState"] == "AVAILABLE" and "iam:ListUsers" in summary["SummaryContent"], summary
refused("InvalidInput", iam.send_delegation_token, DelegationRequestId=request)
iam.accept_delegation_request(DelegationRequestId=request)
iam.send_delegation_token(DelegationRequestId=request)
listed = iam.list_delegation_requests()["DelegationRequests"]
assert [one["State"] for one in listed] == ["FINALIZED"], listed
assert listed[0]["ApproverId"].endswith("assumed-role/OrganizationAccountAccessRole/ann"), listed

# The token comes to the queue; the partner trades it in and acts.
token = None
for _ in range(100):
    for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", []):
        body = json.loads(message["Body"])
        assert body["delegationRequestId"] == request, body
        token = body.get("exchangeToken", token)
    if token:
        break
refused("AccessDenied", customer.client("sts").get_delegated_access_token, TradeInToken=token)
made = sts.get_delegated_access_token(TradeInToken=token)
assert made["AssumedPrincipal"] == role, made
delegate = session(made["Credentials"])
assert delegate.client("sts").get_caller_identity()["Account"] == member
assert delegate.client("iam").list_users()["Users"] == []
refused("AccessDenied", delegate.client("iam").create_user, UserName="more")
refused("AccessDenied", delegate.client("s3").list_buckets)

# The account sees who it was.
trail = customer.client("cloudtrail")
for _ in range(100):
    events = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "ListUsers"}])["Events"]
    if events:
        break
    time.sleep(0.1)
event = json.loads(events[0]["CloudTrailEvent"])
assert event["userIdentity"]["invokedByDelegate"] == {"accountId": "000000000000"}, event["userIdentity"]
print("delegation: ok")
