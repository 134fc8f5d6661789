# Send, receive, delete; a dead-letter queue; the errors.
# The CLI v1 leaves AWS_ENDPOINT_URL out of account for SQS, so it is told by the flag.
aws=$1
url=$($aws --endpoint-url "$AWS_ENDPOINT_URL" sqs create-queue --queue-name jobs --attributes VisibilityTimeout=1 --query QueueUrl --output text)
test "$url" = "$AWS_ENDPOINT_URL/000000000000/jobs"
sent=$($aws --endpoint-url "$AWS_ENDPOINT_URL" sqs send-message --queue-url "$url" --message-body 'hello 하늘' --query MD5OfMessageBody --output text)
test "$sent" = "$(printf 'hello 하늘' | md5sum | cut -d' ' -f1)"
handle=$($aws --endpoint-url "$AWS_ENDPOINT_URL" sqs receive-message --queue-url "$url" --wait-time-seconds 5 --query 'Messages[0].ReceiptHandle' --output text)
$aws --endpoint-url "$AWS_ENDPOINT_URL" sqs delete-message --queue-url "$url" --receipt-handle "$handle"
sleep 1.2
test -z "$($aws --endpoint-url "$AWS_ENDPOINT_URL" sqs receive-message --queue-url "$url")"
test "$($aws --endpoint-url "$AWS_ENDPOINT_URL" sqs get-queue-attributes --queue-url "$url" --attribute-names All --query Attributes.ApproximateNumberOfMessages --output text)" = 0

dead=$($aws --endpoint-url "$AWS_ENDPOINT_URL" sqs create-queue --queue-name dead --query QueueUrl --output text)
arn=$($aws --endpoint-url "$AWS_ENDPOINT_URL" sqs get-queue-attributes --queue-url "$dead" --attribute-names QueueArn --query Attributes.QueueArn --output text)
policy="{\"deadLetterTargetArn\":\"$arn\",\"maxReceiveCount\":\"1\"}"
$aws --endpoint-url "$AWS_ENDPOINT_URL" sqs set-queue-attributes --queue-url "$url" --attributes "{\"RedrivePolicy\":$(printf '%s' "$policy" | sed 's/"/\\"/g; s/^/"/; s/$/"/')}"
test "$($aws --endpoint-url "$AWS_ENDPOINT_URL" sqs get-queue-attributes --queue-url "$url" --attribute-names RedrivePolicy --query Attributes.RedrivePolicy --output text)" = "$policy"
$aws --endpoint-url "$AWS_ENDPOINT_URL" sqs send-message --queue-url "$url" --message-body poison > /dev/null
$aws --endpoint-url "$AWS_ENDPOINT_URL" sqs receive-message --queue-url "$url" > /dev/null
sleep 1.2
test -z "$($aws --endpoint-url "$AWS_ENDPOINT_URL" sqs receive-message --queue-url "$url")"
test "$($aws --endpoint-url "$AWS_ENDPOINT_URL" sqs receive-message --queue-url "$dead" --wait-time-seconds 5 --query 'Messages[0].Body' --output text)" = poison

if $aws --endpoint-url "$AWS_ENDPOINT_URL" sqs get-queue-url --queue-name nothing 2> error; then exit 1; fi
grep -q 'AWS.SimpleQueueService.NonExistentQueue\|QueueDoesNotExist' error
grep -q 'The specified queue does not exist' error
$aws --endpoint-url "$AWS_ENDPOINT_URL" sqs delete-queue --queue-url "$url"
