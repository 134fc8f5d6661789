# Profiles as people have them: MFA, web identity, processes, exported credentials; and a second account.
aws=$1 python=$2
here=$(dirname "$0")
account=arn:aws:iam::000000000000
# The CLI keeps the sessions of roles under its home, and another cloud would be offered them.
export HOME=$PWD AWS_CONFIG_FILE=$PWD/config
of() { env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY $aws --profile "$@"; }
refused() { # what must be in the message, then the command
    local wanted=$1; shift
    if "$@" > out 2> error < /dev/null; then echo "was allowed: $*"; exit 1; fi
    grep -qF -- "$wanted" error || { echo "wanted: $wanted"; cat error; exit 1; }
}
who() { of "$1" sts get-caller-identity --query Arn --output text; }
is() { [[ $1 == $2 ]] || { echo "$1 is not $2"; exit 1; }; }

# A code of the device at the cloud's time and some seconds.
code() { # seconds to add
    local now
    now=$("$python" -c 'import json,sys,urllib.request; print(json.load(urllib.request.urlopen(sys.argv[1] + "/_haneul/clock"))["epoch_ms"] // 1000)' "$AWS_ENDPOINT_URL")
    "$python" -c 'import base64,hmac,struct,sys
key = base64.b32decode(open("seed").read().strip())
mac = hmac.new(key, struct.pack(">Q", (int(sys.argv[1]) + int(sys.argv[2])) // 30), "sha1").digest()
at = mac[-1] & 15
print("%06d" % ((struct.unpack(">I", mac[at:at + 4])[0] & 0x7fffffff) % 1000000))' "$now" "$1"
}

$aws iam create-user --user-name dev > /dev/null
$aws iam put-user-policy --user-name dev --policy-name p --policy-document '{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}'
read -r key secret < <($aws iam create-access-key --user-name dev --query 'AccessKey.[AccessKeyId,SecretAccessKey]' --output text)
$aws iam create-virtual-mfa-device --virtual-mfa-device-name dev --outfile seed --bootstrap-method Base32StringSeed > /dev/null
$aws iam enable-mfa-device --user-name dev --serial-number $account:mfa/dev --authentication-code1 "$(code 0)" --authentication-code2 "$(code 30)"
# Those two codes are used up.
"$HANEUL_BIN" clock advance 90 > /dev/null

$aws iam create-role --role-name admin --assume-role-policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
  "Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}' > /dev/null
$aws iam put-role-policy --role-name admin --policy-name p --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
  "Action":"iam:ListUsers","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}'

"$python" "$here/oidc_issuer.py" token url &
issuer=$!
trap 'kill $issuer' EXIT
for _ in {1..100}; do [[ -s url ]] && break; sleep 0.1; done
$aws iam create-open-id-connect-provider --url "$(cat url)" --client-id-list sts.amazonaws.com > /dev/null
place=$(sed 's,http://,,' url)
$aws iam create-role --role-name ci --assume-role-policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
  "Principal":{"Federated":"'"$account:oidc-provider/$place"'"},"Action":"sts:AssumeRoleWithWebIdentity",
  "Condition":{"StringLike":{"'"$place"':sub":"repo:org/*"}}}]}' > /dev/null

cat > process.py <<'END'
import json, os
import botocore.session
os.environ.pop("AWS_ACCESS_KEY_ID", None), os.environ.pop("AWS_SECRET_ACCESS_KEY", None)
found = botocore.session.Session(profile="ci").get_credentials().get_frozen_credentials()
print(json.dumps({"Version": 1, "AccessKeyId": found.access_key, "SecretAccessKey": found.secret_key, "SessionToken": found.token}))
END
cat > config <<END
[profile dev]
aws_access_key_id = $key
aws_secret_access_key = $secret
[profile admin]
role_arn = $account:role/admin
source_profile = dev
mfa_serial = $account:mfa/dev
[profile no-mfa]
role_arn = $account:role/admin
source_profile = dev
[profile ci]
role_arn = $account:role/ci
role_session_name = build
web_identity_token_file = $PWD/token
[profile process]
credential_process = $python $PWD/process.py
[profile two]
role_arn = arn:aws:iam::TWO:role/OrganizationAccountAccessRole
source_profile = dev
[profile partner]
role_arn = arn:aws:iam::TWO:role/partner
source_profile = dev
external_id = 4711
[profile stranger]
role_arn = arn:aws:iam::TWO:role/partner
source_profile = dev
external_id = 4712
END

is "$(who dev)" "$account:user/dev"
refused 'is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::000000000000:role/admin' who no-mfa
# The prompt for the code reads from the terminal, and without one from its input.
code 0 | setsid -w env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY $aws --profile admin iam list-users --query 'Users[].UserName' --output text 2> /dev/null | grep -x dev > /dev/null
# It is kept in the CLI's cache; a new session needs a new code.
refused 'MultiFactorAuthentication failed' of dev sts assume-role --role-arn $account:role/admin --role-session-name session \
    --serial-number $account:mfa/dev --token-code "$(code 0)"
refused 'must provide both MFA serial number and one time pass code' of dev sts get-session-token --serial-number $account:mfa/dev

is "$(who ci)" 'arn:aws:sts::000000000000:assumed-role/ci/build'
is "$(who process)" 'arn:aws:sts::000000000000:assumed-role/ci/build'
# Version 2 of the CLI has a command for what process.py does.
if [[ $($aws --version) == aws-cli/2* ]]; then
    ( eval "$(of ci configure export-credentials --format env)"
      is "$($aws sts get-caller-identity --query Arn --output text)" 'arn:aws:sts::000000000000:assumed-role/ci/build' )
fi
printf '%s' "$(cut -d. -f1,2 < token).c2lnbmF0dXJl" > forged
refused InvalidIdentityToken $aws sts assume-role-with-web-identity --role-arn $account:role/ci --role-session-name session \
    --web-identity-token "$(cat forged)"

# A second account, of an organization.
$aws organizations create-organization > /dev/null
request=$($aws organizations create-account --email two@example.com --account-name two --query CreateAccountStatus.Id --output text)
for _ in {1..100}; do
    two=$($aws organizations describe-create-account-status --create-account-request-id "$request" --query CreateAccountStatus.AccountId --output text)
    [[ $two =~ ^[0-9]{12}$ ]] && break
    sleep 0.1
done
sed -i "s/TWO/$two/" config
is "$(who two)" "arn:aws:sts::$two:assumed-role/OrganizationAccountAccessRole/*"
of two iam create-role --role-name partner --assume-role-policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
  "Principal":{"AWS":"'"$account:user/dev"'"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"4711"}}}]}' > /dev/null
is "$(who partner)" "arn:aws:sts::$two:assumed-role/partner/*"
refused AccessDenied who stranger

$aws s3 mb s3://shared-bucket > /dev/null
echo x > x && $aws s3 cp --quiet x s3://shared-bucket/x
refused 'AccessDenied' of two s3api get-object --bucket shared-bucket --key x got
$aws s3api put-bucket-policy --bucket shared-bucket --policy '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
  "Principal":{"AWS":"'"$two"'"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::shared-bucket/*"}]}'
of two s3api get-object --bucket shared-bucket --key x got > /dev/null && cmp x got
refused 'AccessDenied' of two s3api delete-object --bucket shared-bucket --key x

url=$($aws --endpoint-url "$AWS_ENDPOINT_URL" sqs create-queue --queue-name shared --query QueueUrl --output text)
refused 'AccessDenied' of two --endpoint-url "$AWS_ENDPOINT_URL" sqs send-message --queue-url "$url" --message-body m
$aws --endpoint-url "$AWS_ENDPOINT_URL" sqs add-permission --queue-url "$url" --label two --aws-account-ids "$two" --actions SendMessage
of two --endpoint-url "$AWS_ENDPOINT_URL" sqs send-message --queue-url "$url" --message-body m > /dev/null
refused 'AccessDenied' of two --endpoint-url "$AWS_ENDPOINT_URL" sqs receive-message --queue-url "$url"

root=$($aws organizations list-roots --query 'Roots[0].Id' --output text)
$aws organizations enable-policy-type --root-id "$root" --policy-type SERVICE_CONTROL_POLICY > /dev/null || true
policy=$($aws organizations create-policy --name region --description d --type SERVICE_CONTROL_POLICY --content '{"Version":"2012-10-17",
  "Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}]}' \
    --query Policy.PolicySummary.Id --output text)
$aws organizations attach-policy --policy-id "$policy" --target-id "$two"
of two --region us-east-1 --endpoint-url "$AWS_ENDPOINT_URL" sqs list-queues > /dev/null
refused 'with an explicit deny in a service control policy: arn:aws:organizations::000000000000:policy/' of two --region eu-west-1 --endpoint-url "$AWS_ENDPOINT_URL" sqs list-queues
$aws --endpoint-url "$AWS_ENDPOINT_URL" --region eu-west-1 sqs list-queues > /dev/null

# What happened is explained, and what was used is enough.
"$HANEUL_BIN" least-privilege $account:role/admin | grep iam:ListUsers > /dev/null
id=$({ of two --debug --region eu-west-1 --endpoint-url "$AWS_ENDPOINT_URL" sqs list-queues 2>&1 || true; } | grep -o "x-amzn-[Rr]equest[Ii]d': '[^']*" | sed -n 1p | cut -d"'" -f3)
"$HANEUL_BIN" explain "$id" | grep -F 'Deny by service control policy' > /dev/null
