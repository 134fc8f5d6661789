"""What buckets do by themselves: events, websites, access logs, replication, lifecycle, access points."""

import json
import os
import socket
import time
import urllib.error
import urllib.request

import boto3
from botocore.exceptions import ClientError

endpoint = os.environ["AWS_ENDPOINT_URL"]
port = endpoint.rsplit(":", 1)[1]

# S3 Control puts the account in front of the host, and not every resolver knows what is below localhost.
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **kept: resolve(
    "127.0.0.1" if str(host).endswith("localhost") else host, *more, **kept
)


def clock(**change):
    request = urllib.request.Request(endpoint + "/_haneul/clock", data=json.dumps(change).encode(), method="POST")
    return json.load(urllib.request.urlopen(request))


def until(found):
    """Waits for a state that comes by itself, within a second in the normal case."""
    for _ in range(200):
        value = found()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("it did not come")


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response
    raise AssertionError(f"{code} was expected")


s3, sqs, sts, iam = (boto3.client(name) for name in ["s3", "sqs", "sts", "iam"])
account = sts.get_caller_identity()["Account"]
for name in ["app", "copies", "logs"]:
    s3.create_bucket(Bucket=name)

# Events reach a queue whose policy lets S3 in, within a second.
url = sqs.create_queue(QueueName="events")["QueueUrl"]
arn = f"arn:aws:sqs:us-east-1:{account}:events"
configuration = {
    "QueueConfigurations": [
        {
            "Id": "images",
            "QueueArn": arn,
            "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "img/"}]}},
        }
    ]
}
denied = refused("InvalidArgument", s3.put_bucket_notification_configuration, Bucket="app", NotificationConfiguration=configuration)
assert denied["Error"]["ArgumentName1"] == f"{arn}, null", denied
allow = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::app"}, "StringEquals": {"aws:SourceAccount": account}},
        }
    ],
}
sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(allow)})
s3.put_bucket_notification_configuration(Bucket="app", NotificationConfiguration=configuration)


def message():
    got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    return json.loads(got["Body"])


assert message()["Event"] == "s3:TestEvent"
started = time.monotonic()
s3.put_object(Bucket="app", Key="img/a b.png", Body=b"12345")
record = message()["Records"][0]
assert time.monotonic() - started < 5
assert record["eventName"] == "ObjectCreated:Put" and record["s3"]["object"]["key"] == "img/a+b.png", record
assert record["s3"]["object"]["size"] == 5 and record["s3"]["configurationId"] == "images"
s3.put_object(Bucket="app", Key="other", Body=b"")
s3.delete_object(Bucket="app", Key="img/a b.png")
assert message()["Records"][0]["eventName"] == "ObjectRemoved:Delete"
assert s3.get_bucket_notification_configuration(Bucket="app")["QueueConfigurations"][0]["Events"]

# A website, as any browser sees it.
s3.put_bucket_website(
    Bucket="app",
    WebsiteConfiguration={
        "IndexDocument": {"Suffix": "index.html"},
        "ErrorDocument": {"Key": "sorry.html"},
        "RoutingRules": [{"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}}],
    },
)
s3.put_object(Bucket="app", Key="index.html", Body=b"<h1>home</h1>", ContentType="text/html")
s3.put_object(Bucket="app", Key="sorry.html", Body=b"sorry", ContentType="text/html")


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


browser = urllib.request.build_opener(Stay)


def visit(path, host=f"app.s3-website-us-east-1.localhost:{port}"):
    try:
        answer = browser.open(urllib.request.Request(endpoint + path, headers={"Host": host}))
    except urllib.error.HTTPError as error:
        answer = error
    return answer.status, dict(answer.headers), answer.read().decode()


status, headers, page = visit("/")
assert status == 403 and "<li>Code: AccessDenied</li>" in page and headers["content-type"].startswith("text/html"), page
s3.delete_public_access_block(Bucket="app")
public = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::app", "arn:aws:s3:::app/*"]}
    ],
}
s3.put_bucket_policy(Bucket="app", Policy=json.dumps(public))
for host in [f"app.s3-website-us-east-1.localhost:{port}", f"app.s3-website.us-east-1.localhost:{port}"]:
    status, headers, page = visit("/", host)
    assert (status, page) == (200, "<h1>home</h1>") and headers["content-type"] == "text/html", (status, page)
assert visit("/none")[::2] == (404, "sorry")
status, headers, _ = visit("/old/x")
assert status == 301 and headers["location"].endswith("/new/x"), headers

# An account's public access block shuts it again.
control = boto3.client("s3control", endpoint_url=f"http://localhost:{port}")
control.put_public_access_block(AccountId=account, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
assert visit("/")[0] == 403
control.delete_public_access_block(AccountId=account)
assert visit("/")[0] == 200

# Access points: another door, by alias.
made = control.create_access_point(AccountId=account, Name="door", Bucket="app")
assert s3.get_object(Bucket=made["Alias"], Key="index.html")["Body"].read() == b"<h1>home</h1>"
assert [o["Key"] for o in s3.list_objects_v2(Bucket=made["Alias"])["Contents"]] == ["index.html", "other", "sorry.html"]
assert control.list_access_points(AccountId=account, Bucket="app")["AccessPointList"][0]["Name"] == "door"
control.delete_access_point(AccountId=account, Name="door")
refused("NoSuchBucket", s3.get_object, Bucket=made["Alias"], Key="index.html")

# Access grants: a user without permissions on S3's data gets credentials for a prefix, and only until they expire.
instance = control.create_access_grants_instance(AccountId=account, Tags=[{"Key": "team", "Value": "sky"}])["AccessGrantsInstanceArn"]
only = {"aws:SourceAccount": account, "aws:SourceArn": instance}
trust = {"Effect": "Allow", "Principal": {"Service": "access-grants.s3.amazonaws.com"}, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"], "Condition": {"StringEquals": only}}
role = iam.create_role(RoleName="vendor", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))["Role"]["Arn"]
may = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"s3:AccessGrantsInstanceArn": instance}}}
iam.put_role_policy(RoleName="vendor", PolicyName="may", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]}))
location = control.create_access_grants_location(AccountId=account, LocationScope="s3://", IAMRoleArn=role)["AccessGrantsLocationId"]
user = iam.create_user(UserName="grantee")["User"]["Arn"]
may = {"Effect": "Allow", "Action": ["s3:GetDataAccess", "s3:ListCallerAccessGrants"], "Resource": instance}
iam.put_user_policy(UserName="grantee", PolicyName="may", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]}))
key = iam.create_access_key(UserName="grantee")["AccessKey"]
grant = control.create_access_grant(
    AccountId=account,
    AccessGrantsLocationId=location,
    AccessGrantsLocationConfiguration={"S3SubPrefix": "app/team/*"},
    Grantee={"GranteeType": "IAM", "GranteeIdentifier": user},
    Permission="READWRITE",
)
assert grant["GrantScope"] == "s3://app/team/*", grant
asker = boto3.client(
    "s3control", endpoint_url=f"http://localhost:{port}", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
)
assert [g["GrantScope"] for g in asker.list_caller_access_grants(AccountId=account)["CallerAccessGrantsList"]] == ["s3://app/team/*"]
refused("AccessDenied", asker.get_data_access, AccountId=account, Target="s3://app/*", Permission="READ")
data = asker.get_data_access(AccountId=account, Target="s3://app/team/*", Permission="READWRITE", DurationSeconds=900)
assert data["MatchedGrantTarget"] == "s3://app/team/*" and data["Grantee"]["GranteeIdentifier"] == user, data
given = data["Credentials"]
vended = boto3.client(
    "s3",
    aws_access_key_id=given["AccessKeyId"],
    aws_secret_access_key=given["SecretAccessKey"],
    aws_session_token=given["SessionToken"],
)
vended.put_object(Bucket="app", Key="team/note", Body=b"granted")
assert vended.get_object(Bucket="app", Key="team/note")["Body"].read() == b"granted"
assert [o["Key"] for o in vended.list_objects_v2(Bucket="app", Prefix="team/")["Contents"]] == ["team/note"]
refused("AccessDenied", vended.put_object, Bucket="app", Key="index.html", Body=b"x")  # Everybody may read it.
refused("AccessDenied", vended.get_object, Bucket="logs", Key="none")
refused("AccessDenied", vended.list_objects_v2, Bucket="logs")
vended.delete_object(Bucket="app", Key="team/note")
clock(advance_seconds=901)
refused("ExpiredToken", vended.put_object, Bucket="app", Key="team/late", Body=b"x")
refused("AccessGrantsLocationNotEmptyError", control.delete_access_grants_location, AccountId=account, AccessGrantsLocationId=location)
assert control.list_tags_for_resource(AccountId=account, ResourceArn=instance)["Tags"] == [{"Key": "team", "Value": "sky"}]
control.delete_access_grant(AccountId=account, AccessGrantId=grant["AccessGrantId"])
control.delete_access_grants_location(AccountId=account, AccessGrantsLocationId=location)
control.delete_access_grants_instance(AccountId=account)

# Replication, as a role that trusts S3.
for name in ["app", "copies"]:
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="copier", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
iam.put_role_policy(RoleName="copier", PolicyName="may", PolicyDocument=json.dumps(may))
s3.put_bucket_replication(
    Bucket="app",
    ReplicationConfiguration={
        "Role": role,
        "Rules": [
            {
                "ID": "all",
                "Priority": 1,
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "DeleteMarkerReplication": {"Status": "Enabled"},
                "Destination": {"Bucket": "arn:aws:s3:::copies"},
            }
        ],
    },
)
data = os.urandom(300_000)
s3.put_object(Bucket="app", Key="replicated", Body=data, Metadata={"a": "b"})
until(lambda: s3.head_object(Bucket="app", Key="replicated").get("ReplicationStatus") == "COMPLETED")
copy = s3.get_object(Bucket="copies", Key="replicated")
assert copy["Body"].read() == data and copy["Metadata"] == {"a": "b"} and copy["ReplicationStatus"] == "REPLICA"

# Access logs, delivered by the clock to a bucket that lets the delivery in.
allow = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::logs/*"}
    ],
}
s3.put_bucket_policy(Bucket="logs", Policy=json.dumps(allow))
s3.put_bucket_logging(Bucket="copies", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "l/"}})
s3.get_object(Bucket="copies", Key="replicated")["Body"].read()
refused("NoSuchKey", s3.get_object, Bucket="copies", Key="none")
clock(advance_seconds=400)
keys = until(lambda: [o["Key"] for o in s3.list_objects_v2(Bucket="logs").get("Contents", [])])
text = s3.get_object(Bucket="logs", Key=keys[0])["Body"].read().decode()
assert " REST.GET.OBJECT replicated " in text and " 404 NoSuchKey " in text, text

# Lifecycle, by the clock.
s3.put_bucket_lifecycle_configuration(
    Bucket="logs",
    LifecycleConfiguration={
        "Rules": [
            {
                "ID": "age",
                "Status": "Enabled",
                "Filter": {"Prefix": "old/"},
                "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}],
                "Expiration": {"Days": 100},
            }
        ]
    },
)
put = s3.put_object(Bucket="logs", Key="old/a", Body=os.urandom(200_000))
assert 'rule-id="age"' in put["Expiration"], put
clock(advance_seconds=32 * 86_400)
until(lambda: s3.head_object(Bucket="logs", Key="old/a").get("StorageClass") == "STANDARD_IA")
clock(advance_seconds=70 * 86_400)
until(lambda: "Contents" not in s3.list_objects_v2(Bucket="logs", Prefix="old/"))

# The first forms of two configurations, which boto3 still knows: the same requests with older documents.
s3.create_bucket(Bucket="first-forms")
rule = {"ID": "first", "Prefix": "logs/", "Status": "Enabled", "Expiration": {"Days": 10}}
s3.put_bucket_lifecycle(Bucket="first-forms", LifecycleConfiguration={"Rules": [rule]})
shown = s3.get_bucket_lifecycle(Bucket="first-forms")["Rules"]
assert [(one["ID"], one["Prefix"], one["Expiration"]) for one in shown] == [("first", "logs/", {"Days": 10})], shown
assert 'rule-id="first"' in s3.put_object(Bucket="first-forms", Key="logs/k", Body=b"x")["Expiration"]
allow = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]}
sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(allow)})
s3.put_bucket_notification(Bucket="first-forms", NotificationConfiguration={"QueueConfiguration": {"Queue": arn, "Events": ["s3:ObjectCreated:*"]}})
shown = s3.get_bucket_notification(Bucket="first-forms")["QueueConfiguration"]
assert (shown["Queue"], shown["Events"]) == (arn, ["s3:ObjectCreated:*"]), shown
print("ok")
