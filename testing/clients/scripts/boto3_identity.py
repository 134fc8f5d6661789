"""IAM and STS by boto3: federation, sessions that narrow, pages, conflicts."""

import json

import boto3
from botocore.exceptions import ClientError


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


iam, sts = boto3.client("iam"), boto3.client("sts")
document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
policy = iam.create_policy(PolicyName="queues", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
for i in range(30):
    iam.create_user(UserName=f"user-{i:02}", Path="/team/")
pages = iam.get_paginator("list_users").paginate(PathPrefix="/team/", PaginationConfig={"PageSize": 7})
assert [u["UserName"] for page in pages for u in page["Users"]] == [f"user-{i:02}" for i in range(30)]
refused("EntityAlreadyExists", iam.create_user, UserName="USER-00")
refused("NoSuchEntity", iam.get_user, UserName="none")
refused("ValidationError", iam.create_user, UserName="a" * 65)
refused("MalformedPolicyDocument", iam.create_policy, PolicyName="bad", PolicyDocument="{}")
# Of two faults IAM names the one of the sort that it looks for first, whichever statement has it.
first = {"Effect": "Allow", "Action": "nothing", "Resource": "*"}
both = {"Version": "2012-10-17", "Statement": [first, {"Effect": "allow", "Action": "sqs:*", "Resource": "*"}]}
said = refused("MalformedPolicyDocument", iam.create_policy, PolicyName="bad", PolicyDocument=json.dumps(both))
assert said == "The policy failed legacy parsing", said
refused("InvalidInput", iam.attach_user_policy, UserName="user-00", PolicyArn=policy.replace("policy/", "role/"))

iam.create_group(GroupName="queuers")
iam.attach_group_policy(GroupName="queuers", PolicyArn=policy)
iam.add_user_to_group(GroupName="queuers", UserName="user-00")
key = iam.create_access_key(UserName="user-00")["AccessKey"]
session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
session.client("sqs").create_queue(QueueName="by-group")
assert iam.get_policy_version(PolicyArn=policy, VersionId="v1")["PolicyVersion"]["Document"] == document
refused("DeleteConflict", iam.delete_policy, PolicyArn=policy)
assert sts.get_access_key_info(AccessKeyId=key["AccessKeyId"])["Account"] == "000000000000"

# A federated user has at most what its maker has, and at most what the policy given says.
only_list = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}]})
iam.put_user_policy(UserName="user-00", PolicyName="federate", PolicyDocument=json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:GetFederationToken", "Resource": "*"}]}))
token = session.client("sts").get_federation_token(Name="guest", Policy=only_list)
credentials = token["Credentials"]
guest = boto3.Session(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
assert guest.client("sts").get_caller_identity()["Arn"].endswith(":federated-user/guest")
guest.client("sqs").list_queues()
refused("AccessDenied", guest.client("sqs").create_queue, QueueName="by-guest")
forged = boto3.Session(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"][:-4] + "AAAA")
refused("InvalidClientTokenId", forged.client("sts").get_caller_identity)

# An explicit deny wins over every allow, and says so.
iam.put_user_policy(UserName="user-00", PolicyName="deny", PolicyDocument=json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sqs:ListQueues", "Resource": "*"}]}))
assert "with an explicit deny in an identity-based policy" in refused("AccessDenied", session.client("sqs").list_queues)
print("boto3 identity: ok")
