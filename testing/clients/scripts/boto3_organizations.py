"""Organizations by boto3: a real account, control policies that bind it, and the end of it. Access Analyzer beside."""

import json
import time

import boto3
from botocore.exceptions import ClientError


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


organizations, iam = boto3.client("organizations"), boto3.client("iam")
refused("AWSOrganizationsNotInUseException", organizations.describe_organization)
for call, arguments, reason in (
    (organizations.describe_policy, {"PolicyId": "bad"}, "INVALID_PATTERN"),
    (organizations.list_policies, {"Filter": "BAD"}, "INVALID_ENUM"),
    (organizations.list_accounts, {"MaxResults": 21}, "MAX_VALUE_EXCEEDED"),
):
    try:
        call(**arguments)
        raise AssertionError(f"{reason} was expected")
    except organizations.exceptions.InvalidInputException as error:
        assert error.response["Reason"] == reason, error.response
organization = organizations.create_organization(FeatureSet="ALL")["Organization"]
root = organizations.list_roots()["Roots"][0]["Id"]
organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
unit = organizations.create_organizational_unit(ParentId=root, Name="work")["OrganizationalUnit"]["Id"]


def create(name):
    status = organizations.create_account(Email=f"{name}@example.org", AccountName=name)["CreateAccountStatus"]
    assert status["State"] == "IN_PROGRESS", status
    for _ in range(100):
        status = organizations.describe_create_account_status(CreateAccountRequestId=status["Id"])["CreateAccountStatus"]
        if status["State"] != "IN_PROGRESS":
            break
        time.sleep(0.05)
    assert status["State"] == "SUCCEEDED", status
    return status["AccountId"]


account = create("one")
organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)

# The management account's user gets in by the role; the root user may assume none.
iam.create_user(UserName="admin")
iam.attach_user_policy(UserName="admin", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
key = iam.create_access_key(UserName="admin")["AccessKey"]
admin = boto3.Session(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"


def enter():
    made = admin.client("sts").assume_role(RoleArn=role, RoleSessionName="in")["Credentials"]
    return boto3.Session(
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        aws_session_token=made["SessionToken"],
    )


member = enter()
assert member.client("sts").get_caller_identity()["Account"] == account
member.client("iam").create_user(UserName="ann")
member.client("iam").attach_user_policy(UserName="ann", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
key = member.client("iam").create_access_key(UserName="ann")["AccessKey"]
ann = boto3.Session(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])

# A region is denied, by name, at once, and to the member only.
scp = organizations.create_policy(
    Name="region",
    Description="",
    Type="SERVICE_CONTROL_POLICY",
    Content=policy(
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": "us-west-2"}}}
    ),
)["Policy"]["PolicySummary"]
organizations.attach_policy(PolicyId=scp["Id"], TargetId=unit)
west = lambda session: session.client("sqs", region_name="us-west-2")
message = refused("AccessDenied", west(ann).create_queue, QueueName="q")
assert message.endswith(f"with an explicit deny in a service control policy: {scp['Arn']}"), message
ann.client("sqs").create_queue(QueueName="q")
west(admin).create_queue(QueueName="q")
organizations.detach_policy(PolicyId=scp["Id"], TargetId=unit)
west(ann).create_queue(QueueName="q")

# What the member shares with everybody is kept in by a resource control policy: buckets, queues, roles.
s3, sqs = ann.client("s3"), ann.client("sqs")
s3.create_bucket(Bucket="shared-by-one")
s3.delete_public_access_block(Bucket="shared-by-one")
s3.put_object(Bucket="shared-by-one", Key="k", Body=b"v")
everybody = {"Effect": "Allow", "Principal": "*"}
s3.put_bucket_policy(
    Bucket="shared-by-one",
    Policy=policy(everybody | {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::shared-by-one/*"}),
)
url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
arn = f"arn:aws:sqs:us-east-1:{account}:q"
sqs.set_queue_attributes(
    QueueUrl=url, Attributes={"Policy": policy(everybody | {"Action": "sqs:SendMessage", "Resource": arn})}
)
read = lambda: admin.client("s3").get_object(Bucket="shared-by-one", Key="k")["Body"].read()
send = lambda: admin.client("sqs").send_message(QueueUrl=url, MessageBody="m")
assert read() == b"v"
send()
organizations.enable_policy_type(RootId=root, PolicyType="RESOURCE_CONTROL_POLICY")
rcp = organizations.create_policy(
    Name="own",
    Description="",
    Type="RESOURCE_CONTROL_POLICY",
    Content=policy(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:*", "sqs:*", "sts:AssumeRole"],
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:PrincipalAccount": account}},
        }
    ),
)["Policy"]["PolicySummary"]["Id"]
organizations.attach_policy(PolicyId=rcp, TargetId=root)
refused("AccessDenied", read)
refused("AccessDenied", send)
refused("AccessDenied", enter)
assert s3.get_object(Bucket="shared-by-one", Key="k")["Body"].read() == b"v"
organizations.detach_policy(PolicyId=rcp, TargetId=root)
assert read() == b"v"

# Access Analyzer sees both as public, from the member's side.
analyzer = ann.client("accessanalyzer")
one = analyzer.create_analyzer(analyzerName="one", type="ACCOUNT")["arn"]
for resource in (arn, "arn:aws:s3:::shared-by-one"):
    analyzer.start_resource_scan(analyzerArn=one, resourceArn=resource)
found = {f["resource"]: f["isPublic"] for f in analyzer.list_findings(analyzerArn=one)["findings"]}
assert found[arn] and found["arn:aws:s3:::shared-by-one"], found
codes = [
    f["issueCode"]
    for f in analyzer.validate_policy(
        policyType="IDENTITY_POLICY",
        policyDocument=policy({"Effect": "Allow", "Action": ["s3:GetObjekt", "iam:PassRole"], "Resource": "*"}),
    )["findings"]
]
assert sorted(codes) == ["INVALID_ACTION", "PASS_ROLE_WITH_STAR_IN_RESOURCE"], codes
wide, narrow = (policy({"Effect": "Allow", "Action": a, "Resource": "*"}) for a in ("s3:*", "s3:Get*"))
check = lambda new, old: analyzer.check_no_new_access(
    newPolicyDocument=new, existingPolicyDocument=old, policyType="IDENTITY_POLICY"
)["result"]
assert (check(wide, narrow), check(narrow, wide)) == ("FAIL", "PASS")

# The end of an account is the end of its credentials.
organizations.close_account(AccountId=account)
for _ in range(100):
    status = organizations.describe_account(AccountId=account)["Account"]["Status"]
    if status == "SUSPENDED":
        break
    time.sleep(0.05)
assert status == "SUSPENDED", status
refused("InvalidClientTokenId", ann.client("sts").get_caller_identity)
refused("InvalidClientTokenId", member.client("sqs").list_queues)
refused("AccountProblem", s3.list_buckets)
refused("AccessDenied", enter)
refused("AllAccessDisabled", read)
print("boto3 organizations: all went as it should")
