# The AWS CLI's own validation of a trail's files: what we delivered is valid, and what was tampered with is found.
aws=$1
account=$($aws sts get-caller-identity --query Account --output text)
arn=arn:aws:cloudtrail:us-east-1:$account:trail/main
advance() { curl -sS -X POST "$AWS_ENDPOINT_URL/_haneul/clock" -d "{\"advance_seconds\": $1}" > /dev/null; }
now() { curl -sS "$AWS_ENDPOINT_URL/_haneul/clock" | sed 's/.*"now":"\([^"]*\)".*/\1/'; }
digests() { $aws s3api list-objects-v2 --bucket trail-files --query "length(Contents[?contains(Key, 'CloudTrail-Digest')])" --output text 2> /dev/null || echo 0; }
wait_for() { for _ in $(seq 100); do [ "$(digests)" -ge "$1" ] 2> /dev/null && return; sleep 0.2; done; echo "no $1 digests"; exit 1; }

begin=$(now)
$aws s3api create-bucket --bucket trail-files > /dev/null
$aws s3api put-bucket-policy --bucket trail-files --policy '{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::trail-files"},
  {"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::trail-files/AWSLogs/'"$account"'/*",
   "Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}]}'
$aws cloudtrail create-trail --name main --s3-bucket-name trail-files --enable-log-file-validation > /dev/null
$aws cloudtrail start-logging --name main
for hour in 1 2; do
  $aws iam create-user --user-name "user$hour" > /dev/null
  advance 1801
  $aws kms create-key > /dev/null
  advance 1800
  wait_for "$hour"
done
end=$(now)
validate() { $aws cloudtrail validate-logs --trail-arn "$arn" --start-time "$begin" --end-time "$end" --verbose "$@"; }
validate > valid.txt || { cat valid.txt; exit 1; }
grep -q "2/2 digest files valid" valid.txt || { cat valid.txt; exit 1; }
grep -Eq "([0-9]+)/\1 log files valid" valid.txt || { cat valid.txt; exit 1; }
tail -n 4 valid.txt

# Tampering: a changed log file, a missing one, a changed digest.
key=$(grep "^Log file" valid.txt | sed -n 1p | sed 's/.*s3:\/\/trail-files\/\([^\t]*\)\t.*/\1/')
$aws s3 cp --quiet "s3://trail-files/$key" log.json.gz
gunzip -c log.json.gz | sed 's/user1/user9/g; s/us-east-1/us-east-9/' | gzip > changed.json.gz
$aws s3 cp --quiet changed.json.gz "s3://trail-files/$key"
validate > invalid.txt 2>&1 && { echo "a changed file was not found"; exit 1; }
grep -q "INVALID: hash value doesn't match" invalid.txt || { cat invalid.txt; exit 1; }
$aws s3 rm --quiet "s3://trail-files/$key"
validate > missing.txt 2>&1 && { echo "a missing file was not found"; exit 1; }
grep -q "INVALID: not found" missing.txt || { cat missing.txt; exit 1; }
$aws s3 cp --quiet log.json.gz "s3://trail-files/$key"
validate > again.txt || { cat again.txt; exit 1; }
digest=$(grep "^Digest file" valid.txt | tail -n 1 | sed 's/.*s3:\/\/trail-files\/\([^\t]*\)\t.*/\1/')
$aws s3api head-object --bucket trail-files --key "$digest" --query Metadata --output json > metadata.json
$aws s3 cp --quiet "s3://trail-files/$digest" digest.json.gz
gunzip -c digest.json.gz | sed 's/"hashValue":"./"hashValue":"0/; s/"newestEventTime":"2/"newestEventTime":"3/' | gzip > forged.json.gz
$aws s3api put-object --bucket trail-files --key "$digest" --body forged.json.gz --metadata file://metadata.json > /dev/null
validate > forged.txt 2>&1 && { echo "a changed digest was not found"; exit 1; }
grep -q "INVALID: signature verification failed" forged.txt || { cat forged.txt; exit 1; }
grep -q CreateUser <<< "$($aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=user2 --query 'Events[].EventName' --output text)"
