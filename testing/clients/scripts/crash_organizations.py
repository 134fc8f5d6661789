"""kill -9 while accounts are being created: afterwards each request has led to a whole account or to none."""

import os
import random
import signal
import subprocess
import time

import boto3
from botocore.config import Config

random.seed(7)
once = Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=5)


def start():
    command = [os.environ["HANEUL_BIN"], "serve", "--listen", "127.0.0.1:0", "--log", "error", "--data-dir", "crashing"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.strip().startswith("endpoint"):
            return process, line.split(None, 1)[1].strip()
    raise AssertionError("it did not start")


def client(endpoint, name, **more):
    return boto3.client(name, endpoint_url=endpoint, config=once, **more)


process, endpoint = start()
client(endpoint, "organizations").create_organization()
iam = client(endpoint, "iam")
iam.create_user(UserName="admin")
iam.attach_user_policy(UserName="admin", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
key = iam.create_access_key(UserName="admin")["AccessKey"]
keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
acknowledged = set()
for round in range(6):
    organizations = client(endpoint, "organizations")
    try:
        for n in range(3):
            name = f"account-{round}-{n}"
            organizations.create_account(Email=f"{name}@example.org", AccountName=name)
            acknowledged.add(name)
        time.sleep(random.random() * 0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    process, endpoint = start()
organizations, sts = client(endpoint, "organizations"), client(endpoint, "sts", **keys)
for _ in range(200):
    pages = organizations.get_paginator("list_create_account_status").paginate()
    statuses = [status for page in pages for status in page["CreateAccountStatuses"]]
    if all(status["State"] != "IN_PROGRESS" for status in statuses):
        break
    time.sleep(0.05)
assert {status["AccountName"] for status in statuses} == acknowledged, statuses
assert all(status["State"] == "SUCCEEDED" for status in statuses), statuses
listed = {a["Id"] for page in organizations.get_paginator("list_accounts").paginate() for a in page["Accounts"]}
assert listed == {status["AccountId"] for status in statuses} | {"000000000000"}, listed
for account in listed - {"000000000000"}:
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    made = sts.assume_role(RoleArn=role, RoleSessionName="in")["Credentials"]
    inside = {
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
        "aws_session_token": made["SessionToken"],
    }
    assert client(endpoint, "iam", **inside).list_users()["Users"] == []
process.kill()
print(f"{len(listed) - 1} accounts, all whole")
