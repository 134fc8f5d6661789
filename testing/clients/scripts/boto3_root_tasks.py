"""AssumeRoot by boto3: each of AWS's five task policies does its task on a member account, and nothing else."""

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


def session(credentials):
    return boto3.Session(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])


def policy(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", **statement}]})


iam, organizations = boto3.client("iam"), boto3.client("organizations")
organizations.create_organization(FeatureSet="ALL")
started = organizations.create_account(Email="member@example.com", AccountName="member")["CreateAccountStatus"]["Id"]
boto3.client("organizations")
while True:
    status = organizations.describe_create_account_status(CreateAccountRequestId=started)["CreateAccountStatus"]
    if status["State"] != "IN_PROGRESS":
        break
member = status["AccountId"]
iam.create_user(UserName="admin")
iam.put_user_policy(UserName="admin", PolicyName="p", PolicyDocument=policy())
key = iam.create_access_key(UserName="admin")["AccessKey"]
admin = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
sts = admin.client("sts")
root_task = "arn:aws:iam::aws:policy/root-task/"


def assume(task, **more):
    return {"TargetPrincipal": member, "TaskPolicyArn": {"arn": root_task + task}, **more}


# Off until the organization wants it, and never for the root user.
refused("AccessDenied", sts.assume_root, **assume("S3UnlockBucketPolicy"))
organizations.enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
iam.enable_organizations_root_sessions()
iam.enable_organizations_root_credentials_management()
refused("AccessDenied", boto3.client("sts").assume_root, **assume("S3UnlockBucketPolicy"))
refused("ValidationError", sts.assume_root, **assume("AdministratorAccess"))
refused("ValidationError", sts.assume_root, TargetPrincipal=member, TaskPolicyArn={"arn": "arn:aws:iam::aws:policy/AdministratorAccess"})
refused("ValidationError", sts.assume_root, **assume("S3UnlockBucketPolicy", DurationSeconds=901))
refused("ValidationError", sts.assume_root, **{**assume("S3UnlockBucketPolicy"), "TargetPrincipal": "999988887777"})

# The member locks itself out of a bucket and of a queue.
owner = session(sts.assume_role(RoleArn=f"arn:aws:iam::{member}:role/OrganizationAccountAccessRole", RoleSessionName="session")["Credentials"])
s3, sqs = owner.client("s3"), owner.client("sqs")
s3.create_bucket(Bucket="locked")
deny = {"Effect": "Deny", "Principal": "*"}
s3.put_bucket_policy(Bucket="locked", Policy=policy(**deny, Resource=["arn:aws:s3:::locked", "arn:aws:s3:::locked/*"], Action="s3:*"))
refused("AccessDenied", s3.delete_bucket_policy, Bucket="locked")
url = sqs.create_queue(QueueName="locked")["QueueUrl"]
lock = policy(**deny, Action="sqs:*", Resource=f"arn:aws:sqs:us-east-1:{member}:locked")
sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": lock})
refused("AccessDenied", sqs.set_queue_attributes, QueueUrl=url, Attributes={"Policy": ""})


def task(name):
    made = sts.assume_root(**assume(name))
    root = session(made["Credentials"])
    who = root.client("sts").get_caller_identity()
    assert who["Arn"] == f"arn:aws:iam::{member}:root", who
    return root


denied = "with an explicit deny in a session policy"
root = task("S3UnlockBucketPolicy")
assert [b["Name"] for b in root.client("s3").list_buckets()["Buckets"]] == ["locked"]
root.client("s3").delete_bucket_policy(Bucket="locked")
s3.list_objects_v2(Bucket="locked")
for call, arguments in [
    (root.client("s3").list_objects_v2, {"Bucket": "locked"}), (root.client("s3").delete_bucket, {"Bucket": "locked"}),
    (root.client("sqs").list_queues, {}), (root.client("iam").list_users, {}),
]:
    code = "AccessDenied"
    assert denied in refused(code, call, **arguments)

root = task("SQSUnlockQueuePolicy")
assert root.client("sqs").list_queues()["QueueUrls"] == [url]
root.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
assert denied in refused("AccessDenied", root.client("sqs").delete_queue, QueueUrl=url)
assert denied in refused("AccessDenied", root.client("sqs").send_message, QueueUrl=url, MessageBody="x")

# A password for the root user, seen by an audit, and taken away again; other users are out of reach.
owner.client("iam").create_user(UserName="ann")
refused("NoSuchEntity", task("IAMAuditRootUserCredentials").client("iam").get_login_profile)
root = task("IAMCreateRootUserPassword").client("iam")
root.create_login_profile()
assert denied in refused("AccessDenied", root.create_login_profile, UserName="ann", Password="long enough 1 X")
assert denied in refused("AccessDenied", root.delete_login_profile)
audit = task("IAMAuditRootUserCredentials").client("iam")
assert audit.get_user()["User"]["Arn"].endswith(":root")
audit.get_login_profile(), audit.list_access_keys(), audit.list_mfa_devices(), audit.list_signing_certificates()
audit.get_account_summary()
assert denied in refused("AccessDenied", audit.list_access_keys, UserName="ann")
assert denied in refused("AccessDenied", audit.delete_login_profile)
root = task("IAMDeleteRootUserCredentials").client("iam")
root.delete_login_profile()
refused("NoSuchEntity", root.get_login_profile)
assert denied in refused("AccessDenied", root.create_login_profile)
assert denied in refused("AccessDenied", root.delete_login_profile, UserName="ann")

# Who may not assume root of this task may not, and a delegated administrator may.
iam.put_user_policy(UserName="admin", PolicyName="p", PolicyDocument=policy(
    Action="sts:AssumeRoot", Condition={"StringEquals": {"sts:TaskPolicyArn": root_task + "IAMAuditRootUserCredentials"}}))
task("IAMAuditRootUserCredentials")
refused("AccessDenied", sts.assume_root, **assume("S3UnlockBucketPolicy"))
print("boto3 root tasks: ok")
