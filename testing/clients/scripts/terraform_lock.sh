# Terraform's state in S3, its lock in DynamoDB: who finds it locked waits in vain, and who does not leaves it unlocked.
aws=$1 mirror=$2
cat > terraform.rc <<RC
provider_installation {
  filesystem_mirror {
    path    = "$mirror"
    include = ["*/*"]
  }
}
RC
export TF_CLI_CONFIG_FILE=$PWD/terraform.rc TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
$aws s3 mb s3://state > /dev/null
$aws dynamodb create-table --table-name locks --billing-mode PAY_PER_REQUEST \
    --attribute-definitions AttributeName=LockID,AttributeType=S --key-schema AttributeName=LockID,KeyType=HASH > /dev/null
$aws dynamodb wait table-exists --table-name locks
cat > main.tf <<TF
terraform {
  backend "s3" {
    bucket         = "state"
    key            = "env/terraform.tfstate"
    region         = "us-east-1"
    dynamodb_table = "locks"
    use_path_style = true
    endpoints = {
      s3       = "$AWS_ENDPOINT_URL"
      dynamodb = "$AWS_ENDPOINT_URL"
      sts      = "$AWS_ENDPOINT_URL"
      iam      = "$AWS_ENDPOINT_URL"
    }
  }
}
output "answer" { value = 42 }
TF
terraform init -no-color -input=false > init.log || { cat init.log; exit 1; }
terraform apply -no-color -input=false -auto-approve
test "$($aws dynamodb scan --table-name locks --query 'Items[].LockID.S' --output text)" = state/env/terraform.tfstate-md5
lock='{"LockID": {"S": "state/env/terraform.tfstate"}}'
$aws dynamodb put-item --table-name locks --item "${lock%\}}, \"Info\": {\"S\": \"{\\\"ID\\\":\\\"x\\\",\\\"Who\\\":\\\"somebody\\\"}\"}}"
if terraform apply -no-color -input=false -auto-approve > locked.log 2>&1; then
    echo "the lock was not seen"
    exit 1
fi
grep -q 'Error acquiring the state lock' locked.log || { cat locked.log; exit 1; }
grep -q ConditionalCheckFailedException locked.log || { cat locked.log; exit 1; }
$aws dynamodb delete-item --table-name locks --key "$lock"
terraform plan -no-color -input=false -detailed-exitcode
terraform destroy -no-color -input=false -auto-approve
