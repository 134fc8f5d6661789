# Apply, a plan without changes, a change in place by the variables given, destroy that leaves nothing.
configuration=$1 mirror=$2
shift 2
changes=()
for change in "$@"; do changes+=(-var "$change"); done
cp "$configuration"/* .
cat > terraform.rc <<RC
provider_installation {
  filesystem_mirror {
    path    = "$mirror"
    include = ["*/*"]
  }
}
RC
export TF_CLI_CONFIG_FILE=$PWD/terraform.rc TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1 TF_VAR_endpoint=$AWS_ENDPOINT_URL
terraform init -no-color -input=false > init.log || { cat init.log; exit 1; }
terraform apply -no-color -input=false -auto-approve
terraform plan -no-color -input=false -detailed-exitcode
terraform apply -no-color -input=false -auto-approve "${changes[@]}"
terraform plan -no-color -input=false -detailed-exitcode "${changes[@]}"
terraform destroy -no-color -input=false -auto-approve
test -z "$(terraform state list)"
