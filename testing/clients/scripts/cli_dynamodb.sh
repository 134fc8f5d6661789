# DynamoDB by the AWS CLI: JSON in and out, waiters, its own paging.
aws=$1
$aws dynamodb create-table --table-name notes --billing-mode PAY_PER_REQUEST \
    --attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH > /dev/null
$aws dynamodb wait table-exists --table-name notes
for i in 1 2 3 4 5; do
    $aws dynamodb put-item --table-name notes --item "{\"id\": {\"S\": \"n$i\"}, \"v\": {\"N\": \"$i\"}}"
done
test "$($aws dynamodb get-item --table-name notes --key '{"id": {"S": "n3"}}' --query Item.v.N --output text)" = 3
test "$($aws dynamodb scan --table-name notes --page-size 2 --query 'length(Items)')" = 5
test "$($aws dynamodb update-item --table-name notes --key '{"id": {"S": "n3"}}' --update-expression 'ADD v :n' \
    --expression-attribute-values '{":n": {"N": "-0.5"}}' --return-values ALL_NEW --query Attributes.v.N --output text)" = 2.5
$aws dynamodb delete-table --table-name notes > /dev/null
$aws dynamodb wait table-not-exists --table-name notes
test "$($aws dynamodb list-tables --query 'length(TableNames)')" = 0
