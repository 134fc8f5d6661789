# A user with a narrow policy is refused everything else, with AWS's message; a session policy narrows a role further.
aws=$1
root_endpoint=$AWS_ENDPOINT_URL
$aws sts get-caller-identity --query Arn --output text | grep -x > /dev/null 'arn:aws:iam::000000000000:root'

$aws s3 mb s3://allowed > /dev/null
$aws s3 mb s3://other > /dev/null
echo x > x && $aws s3 cp --quiet x s3://allowed/x && $aws s3 cp --quiet x s3://other/x
$aws iam create-user --user-name narrow > /dev/null
$aws iam put-user-policy --user-name narrow --policy-name p --policy-document '{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::allowed","arn:aws:s3:::allowed/*"]},
  {"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::000000000000:role/reader"}]}'
read -r key secret < <($aws iam create-access-key --user-name narrow --query 'AccessKey.[AccessKeyId,SecretAccessKey]' --output text)
as_user() { AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret "$@"; }
refused() { # what must be in the message, then the command
    local wanted=$1; shift
    if "$@" > out 2> error; then echo "was allowed: $*"; exit 1; fi
    grep -qF "$wanted" error || { echo "wanted: $wanted"; cat error; exit 1; }
}

as_user $aws sts get-caller-identity --query Arn --output text | grep -x > /dev/null 'arn:aws:iam::000000000000:user/narrow'
as_user $aws s3 cp --quiet s3://allowed/x -
refused 'AccessDenied' as_user $aws s3 ls s3://other
refused 'because no identity-based policy allows the s3:PutObject action' as_user $aws s3 cp x s3://allowed/y
refused 'User: arn:aws:iam::000000000000:user/narrow is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::000000000000:user/ because no identity-based policy allows the iam:ListUsers action' \
    as_user $aws iam list-users
refused 'is not authorized to perform: sqs:createqueue' as_user $aws --endpoint-url "$AWS_ENDPOINT_URL" sqs create-queue --queue-name q
refused 'SignatureDoesNotMatch' env AWS_ACCESS_KEY_ID="$key" AWS_SECRET_ACCESS_KEY=wrong $aws sts get-caller-identity
refused 'InvalidClientTokenId' env AWS_ACCESS_KEY_ID=AKIAUNKNOWNUNKNOWN00 AWS_SECRET_ACCESS_KEY=x $aws sts get-caller-identity

$aws iam create-role --role-name reader --assume-role-policy-document '{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"sts:AssumeRole"}]}' > /dev/null
$aws iam attach-role-policy --role-name reader --policy-arn arn:aws:iam::aws:policy/AmazonS3FullAccess
assume() { as_user $aws sts assume-role --role-arn arn:aws:iam::000000000000:role/reader --role-session-name task "$@" \
    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text; }
read -r a b c < <(assume)
as_role() { AWS_ACCESS_KEY_ID=$a AWS_SECRET_ACCESS_KEY=$b AWS_SESSION_TOKEN=$c "$@"; }
as_role $aws sts get-caller-identity --query Arn --output text | grep -x > /dev/null 'arn:aws:sts::000000000000:assumed-role/reader/task'
as_role $aws s3 cp --quiet x s3://other/by-role
read -r a b c < <(assume --policy '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::allowed/*"}]}')
as_role $aws s3 cp --quiet s3://allowed/x -
refused 'because no session policy allows the s3:PutObject action' as_role $aws s3 cp x s3://other/again
refused 'because no session policy allows' as_role $aws s3 ls s3://allowed

$aws iam update-access-key --user-name narrow --access-key-id "$key" --status Inactive
refused 'InvalidClientTokenId' as_user $aws sts get-caller-identity
refused 'DeleteConflict' $aws iam delete-user --user-name narrow
echo "$root_endpoint: identity holds"
