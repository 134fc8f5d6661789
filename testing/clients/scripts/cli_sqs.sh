# Send, receive, delete; a dead-letter queue; the errors.
aws=$1
url=$($aws sqs create-queue --queue-name jobs --attributes VisibilityTimeout=1 --query QueueUrl --output text)
test "$url" = "$AWS_ENDPOINT_URL/000000000000/jobs"
sent=$($aws sqs send-message --queue-url "$url" --message-body 'hello 하늘' --query MD5OfMessageBody --output text)
test "$sent" = "$(printf 'hello 하늘' | md5sum | cut -d' ' -f1)"
handle=$($aws sqs receive-message --queue-url "$url" --wait-time-seconds 5 --query 'Messages[0].ReceiptHandle' --output text)
$aws sqs delete-message --queue-url "$url" --receipt-handle "$handle"
sleep 1.2
test -z "$($aws sqs receive-message --queue-url "$url")"
test "$($aws sqs get-queue-attributes --queue-url "$url" --attribute-names All --query Attributes.ApproximateNumberOfMessages --output text)" = 0

dead=$($aws sqs create-queue --queue-name dead --query QueueUrl --output text)
arn=$($aws sqs get-queue-attributes --queue-url "$dead" --attribute-names QueueArn --query Attributes.QueueArn --output text)
policy="{\"deadLetterTargetArn\":\"$arn\",\"maxReceiveCount\":\"1\"}"
$aws sqs set-queue-attributes --queue-url "$url" --attributes "{\"RedrivePolicy\":$(printf '%s' "$policy" | sed 's/"/\\"/g; s/^/"/; s/$/"/')}"
test "$($aws sqs get-queue-attributes --queue-url "$url" --attribute-names RedrivePolicy --query Attributes.RedrivePolicy --output text)" = "$policy"
$aws sqs send-message --queue-url "$url" --message-body poison > /dev/null
$aws sqs receive-message --queue-url "$url" > /dev/null
sleep 1.2
test -z "$($aws sqs receive-message --queue-url "$url")"
test "$($aws sqs receive-message --queue-url "$dead" --wait-time-seconds 5 --query 'Messages[0].Body' --output text)" = poison

if $aws sqs get-queue-url --queue-name nothing 2> error; then exit 1; fi
grep -q 'AWS.SimpleQueueService.NonExistentQueue\|QueueDoesNotExist' error
grep -q 'The specified queue does not exist' error
$aws sqs delete-queue --queue-url "$url"
