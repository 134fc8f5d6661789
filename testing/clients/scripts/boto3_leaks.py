"""Puts a secret wherever secrets go (`write`), then looks for each of them in what must not know it (`search`).

What must not know: the log of the program, the files of the data directory, the events and the files of CloudTrail. A secret is looked for as it
is, in base64, in hex, in percent encoding and as a list of numbers, which is how bytes come into a log by mistake.
"""

import base64
import gzip
import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import zipfile

import boto3
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

phase, log, data = sys.argv[1], *map(pathlib.Path, sys.argv[2:])
names = ["cloudtrail", "dynamodb", "iam", "kms", "lambda", "logs", "s3", "secretsmanager", "ssm", "sts"]
aws = {name: boto3.client(name) for name in names}
iam, kms, logs, s3, secrets, ssm = (aws[name] for name in ["iam", "kms", "logs", "s3", "secretsmanager", "ssm"])
LIST, BUCKET = pathlib.Path("secrets.json"), "leaks-trail"
# Not secret: it must be found, or the search is blind.
PLAIN = "4 plain parameter that everybody may see"


def until(what, is_so, seconds=40):
    end = time.time() + seconds
    while time.time() < end:
        found = is_so()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"it never came to this: {what}")


def record():
    """A trail of everything, with the objects' and the functions' calls."""
    account = aws["sts"].get_caller_identity()["Account"]
    service = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    statements = [
        {**service, "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{BUCKET}"},
        {**service, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/AWSLogs/{account}/*"},
    ]
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    aws["cloudtrail"].create_trail(Name="all", S3BucketName=BUCKET)
    types = ["AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table"]
    every = ["arn:aws:s3", "arn:aws:lambda", "arn:aws:dynamodb"]
    selector = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [{"Type": kind, "Values": [value]} for kind, value in zip(types, every)],
    }
    aws["cloudtrail"].put_event_selectors(TrailName="all", EventSelectors=[selector])
    aws["cloudtrail"].start_logging(Name="all")


def write():
    record()
    found = {}

    def secret(name, value=None):
        value = value or "Aa1%/" + os.urandom(15).hex()
        found[name] = base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()
        return value

    # KMS: material that came from outside, data keys, plain text.
    key = kms.create_key(Origin="EXTERNAL", Description="leaks-key")["KeyMetadata"]["KeyId"]
    parameters = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    wrapping = serialization.load_der_public_key(parameters["PublicKey"])
    scheme = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    kms.import_key_material(
        KeyId=key, ImportToken=parameters["ImportToken"], ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
        EncryptedKeyMaterial=wrapping.encrypt(secret("imported key material", os.urandom(32)), scheme),
    )
    blob = kms.encrypt(KeyId=key, Plaintext=secret("plain text of KMS").encode())["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=blob)
    secret("data key", kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"])
    secret("private data key", kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256")["PrivateKeyPlaintext"][-90:])
    hmac = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    kms.generate_mac(KeyId=hmac, MacAlgorithm="HMAC_SHA_256", Message=secret("message of a MAC").encode())
    secret("random bytes", kms.generate_random(NumberOfBytes=32)["Plaintext"])

    # Secrets Manager and the Parameter Store.
    secrets.create_secret(Name="leaks-secret", SecretString=secret("secret string"))
    secrets.put_secret_value(SecretId="leaks-secret", SecretBinary=secret("secret binary", os.urandom(32)))
    secrets.create_secret(Name="leaks-own-key", KmsKeyId=key, SecretString=secret("secret under a key"))
    secrets.update_secret(SecretId="leaks-own-key", SecretString=secret("updated secret"))
    secrets.batch_get_secret_value(SecretIdList=["leaks-secret", "leaks-own-key"])
    secret("random password", secrets.get_random_password(PasswordLength=40)["RandomPassword"])
    ssm.put_parameter(Name="/leaks/plain/value", Value=PLAIN, Type="String")
    for tier in ("Standard", "Advanced"):
        ssm.put_parameter(Name=f"/leaks/{tier}", Value=secret(f"SecureString, {tier}"), Type="SecureString", Tier=tier)
    ssm.put_parameter(Name="/leaks/Standard", Value=secret("SecureString, version 2"), Type="SecureString", Overwrite=True)
    assert len(ssm.get_parameters_by_path(Path="/leaks", WithDecryption=True)["Parameters"]) == 2

    # IAM and STS.
    iam.create_user(UserName="leaks-user")
    keys = iam.create_access_key(UserName="leaks-user")["AccessKey"]
    secret("secret access key", keys["SecretAccessKey"])
    iam.create_login_profile(UserName="leaks-user", Password=secret("password"))
    iam.update_login_profile(UserName="leaks-user", Password=secret("new password"))
    iam.put_user_policy(
        UserName="leaks-user", PolicyName="all",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}),
    )
    as_user = boto3.Session(aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"])
    old = base64.b64decode(found["new password"]).decode()
    as_user.client("iam").change_password(OldPassword=old, NewPassword=secret("changed password"))
    session = as_user.client("sts").get_session_token()["Credentials"]
    secret("secret key of a session", session["SecretAccessKey"])
    in_session = boto3.Session(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    assert in_session.client("sts").get_caller_identity()["Arn"].endswith("leaks-user")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="leaks-device")["VirtualMFADevice"]
    secret("seed of an MFA device", device["Base32StringSeed"])
    secret("seed of an MFA device, its bytes", base64.b32decode(device["Base32StringSeed"]))

    # S3: customers' keys, and objects, which are sealed by default.
    customer = dict(SSECustomerAlgorithm="AES256", SSECustomerKey=secret("customer's key", os.urandom(32)))
    s3.put_object(Bucket=BUCKET, Key="own/customer", Body=secret("object under a customer's key").encode(), **customer)
    s3.get_object(Bucket=BUCKET, Key="own/customer", **customer)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key="own/plain", Body=secret("object").encode())
    s3.put_object(Bucket=BUCKET, Key="own/kms", Body=secret("object under a key").encode() * 9000, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)

    # DynamoDB and Logs under a key of the customer.
    key_arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    aws["dynamodb"].create_table(
        TableName="leaks-table", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key_arn},
    )
    aws["dynamodb"].get_waiter("table_exists").wait(TableName="leaks-table", WaiterConfig={"Delay": 1})
    aws["dynamodb"].put_item(TableName="leaks-table", Item={"id": {"S": "a"}, "value": {"S": secret("item of a sealed table")}})
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"}, "Action": "kms:*", "Resource": "*"},
    ]}
    kms.put_key_policy(KeyId=key, Policy=json.dumps(policy))
    logs.create_log_group(logGroupName="leaks-group", kmsKeyId=key_arn)
    logs.create_log_stream(logGroupName="leaks-group", logStreamName="s")
    message = secret("event of a sealed group")
    logs.put_log_events(
        logGroupName="leaks-group", logStreamName="s", logEvents=[{"timestamp": int(time.time() * 1000), "message": f"token={message}"}]
    )
    assert message in logs.get_log_events(logGroupName="leaks-group", logStreamName="s")["events"][0]["message"]
    query = logs.start_query(
        logGroupName="leaks-group", startTime=int(time.time()) - 600, endTime=int(time.time()) + 600, queryString="fields @message"
    )["queryId"]
    until("the query", lambda: logs.get_query_results(queryId=query)["status"] == "Complete")
    run(secret, key_arn)
    # A trail writes its files every five minutes of the cloud's time.
    clock = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/_haneul/clock", data=b'{"advance_seconds":301}')
    urllib.request.urlopen(clock).read()
    LIST.write_text(json.dumps(found))


def run(secret, key_arn):
    """A function that has a secret in its environment, and sees it."""
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="leaks-role", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    minor = subprocess.run(["python3", "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True).stdout.strip()
    code = "import hashlib, os\ndef handler(event, context):\n    return hashlib.sha256(os.environ['TOKEN'].encode()).hexdigest()\n"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", code)
    for name, more in (("leaks-function", {}), ("leaks-function-key", {"KMSKeyArn": key_arn})):
        token = secret(f"environment of {name}")
        aws["lambda"].create_function(
            FunctionName=name, Runtime=f"python3.{minor}", Role=role, Handler="index.handler",
            Code={"ZipFile": content.getvalue()}, Environment={"Variables": {"TOKEN": token}}, **more,
        )
        aws["lambda"].get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        answer = aws["lambda"].invoke(FunctionName=name)
        assert json.loads(answer["Payload"].read()) == hashlib.sha256(token.encode()).hexdigest(), answer
        token = secret(f"updated environment of {name}")
        aws["lambda"].update_function_configuration(FunctionName=name, Environment={"Variables": {"TOKEN": token}})
        aws["lambda"].get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        aws["lambda"].publish_version(FunctionName=name)


def forms(value):
    """How a secret may look: the name of the form, and its bytes. Base64 is cut to what does not depend on the bytes around."""
    yield "as it is", value
    yield "hex", value.hex().encode()
    yield "HEX", value.hex().upper().encode()
    yield "percent encoding", urllib.parse.quote(value, safe="").encode()
    yield "numbers", ", ".join(map(str, value)).encode()
    yield "numbers", ",".join(map(str, value)).encode()
    for before in range(3):
        first, whole = -(-before * 4 // 3), (before + len(value)) * 4 // 3
        for alphabet, coded in (("base64", base64.b64encode), ("base64 for URLs", base64.urlsafe_b64encode)):
            yield alphabet, coded(bytes(before) + value)[first + (before > 0) :][: whole - first - 3]


def places():
    yield "the log", log.read_bytes()
    for path in data.rglob("*"):
        # A file that went away meanwhile, a socket.
        if path.is_file():
            try:
                yield str(path.relative_to(data)), path.read_bytes()
            except OSError:
                continue
    events = aws["cloudtrail"].get_paginator("lookup_events").paginate()
    yield "LookupEvents", b"\n".join(event["CloudTrailEvent"].encode() for page in events for event in page["Events"])
    files = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix="AWSLogs/").get("Contents", [])]
    bodies = (s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in files if key.endswith(".gz"))
    yield "the files of the trail", b"\n".join(map(gzip.decompress, bodies))


def search():
    until("the trail's file", lambda: aws["cloudtrail"].get_trail_status(Name="all").get("LatestDeliveryTime"), 60)
    values = {name: base64.b64decode(value) for name, value in json.loads(LIST.read_text()).items()}
    leaks, seen = [], {}
    for place, content in places():
        seen[place] = len(content)
        # What is not secret is found, so the search works.
        if place in ("the log", "LookupEvents", "the files of the trail"):
            assert b"CreateSecret" in content or b"secretsmanager" in content, f"{place} has nothing of this"
        for name, value in values.items():
            leaks += sorted({f"{name} in {place}, {form}" for form, wanted in forms(value) if wanted in content})
    assert not leaks, "found:\n" + "\n".join(leaks)
    assert any(PLAIN.encode() in path.read_bytes() for path in data.rglob("*") if path.is_file()), "not even what is plain is found"
    size = sum(seen.values())
    assert size > 100_000, seen
    print(f"{len(values)} secrets in {len(seen)} places with {size} bytes: none found")


# The forms find what they are made for.
for shift in range(3):
    for sample in (b"Aa1%/0123456789abcdef", os.urandom(32)):
        around = b"xyz"[:shift] + sample + b"more"
        assert any(wanted in base64.b64encode(around) for _, wanted in forms(sample)), (shift, sample)
{"write": write, "search": search}[phase]()
