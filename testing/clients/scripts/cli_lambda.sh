# A function as people make and call it.
aws="$1 --endpoint-url $AWS_ENDPOINT_URL"
python3 - <<'PY'
import zipfile
with zipfile.ZipFile("code.zip", "w") as archive:
    archive.writestr("index.py", "def handler(event, context):\n    print('hello from the log')\n    return {'got': event}\n")
PY
runtime=python3.$(python3 -c 'import sys; print(sys.version_info[1])')
role=$($aws iam create-role --role-name runner --query Role.Arn --output text \
    --assume-role-policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}')
$aws lambda create-function --function-name hello --runtime "$runtime" --role "$role" --handler index.handler --zip-file fileb://code.zip > /dev/null
$aws lambda wait function-active-v2 --function-name hello
printf '{"n":1}' > event.json
$aws lambda invoke --function-name hello --payload fileb://event.json out.json > answer.json
grep -q '"StatusCode": 200' answer.json
test "$(cat out.json)" = '{"got": {"n": 1}}'
grep -q 'hello from the log' <<< "$($aws lambda invoke --function-name hello --payload fileb://event.json --log-type Tail --query LogResult --output text out.json | base64 -d)"
grep -q 202 <<< "$($aws lambda invoke --function-name hello --invocation-type Event --payload fileb://event.json out.json)"
test "$($aws lambda publish-version --function-name hello --query Version --output text)" = 1
$aws lambda create-alias --function-name hello --name live --function-version 1 > /dev/null
grep -q '"ExecutedVersion": "1"' <<< "$($aws lambda invoke --function-name hello:live --payload fileb://event.json out.json)"
if $aws lambda invoke --function-name none out.json 2> error; then exit 1; fi
grep -q ResourceNotFoundException error
$aws lambda delete-function --function-name hello
