resource "aws_iam_account_alias" "alias" {
  account_alias = "terraform-sky"
}

resource "aws_iam_account_password_policy" "strict" {
  minimum_password_length        = var.length
  require_lowercase_characters   = true
  require_numbers                = true
  require_uppercase_characters   = true
  require_symbols                = true
  allow_users_to_change_password = true
  max_password_age               = 90
  password_reuse_prevention      = 5
}

resource "aws_iam_security_token_service_preferences" "tokens" {
  global_endpoint_token_version = "v2Token"
}
