# What Terraform knows of CloudWatch Logs, in a folder of its own.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "pattern" { default = "ERROR" }
variable "days" { default = 14 }

provider "aws" {
  region            = "us-east-1"
  s3_use_path_style = true
  endpoints {
    cloudwatchlogs = var.endpoint
    iam            = var.endpoint
    kms            = var.endpoint
    lambda         = var.endpoint
    s3             = var.endpoint
    sts            = var.endpoint
  }
  default_tags {
    tags = { made_by = "terraform" }
  }
}

data "aws_caller_identity" "own" {}

resource "aws_kms_key" "logs" {
  deletion_window_in_days = 7
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.own.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Effect    = "Allow"
        Principal = { Service = "logs.us-east-1.amazonaws.com" }
        Action    = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
        Resource  = "*"
        Condition = {
          ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:us-east-1:${data.aws_caller_identity.own.account_id}:*" }
        }
      }
    ]
  })
}

resource "aws_cloudwatch_log_group" "app" {
  name              = "/app/web"
  retention_in_days = var.days
  kms_key_id        = aws_kms_key.logs.arn
  tags              = { team = "web" }
}

resource "aws_cloudwatch_log_stream" "one" {
  name           = "one"
  log_group_name = aws_cloudwatch_log_group.app.name
}

resource "aws_cloudwatch_log_metric_filter" "errors" {
  name           = "errors"
  log_group_name = aws_cloudwatch_log_group.app.name
  pattern        = var.pattern
  metric_transformation {
    name          = "Errors"
    namespace     = "Web"
    value         = "1"
    default_value = "0"
    unit          = "Count"
  }
}

resource "aws_cloudwatch_log_metric_filter" "latency" {
  name           = "latency"
  log_group_name = aws_cloudwatch_log_group.app.name
  pattern        = "{ $.latency = * }"
  metric_transformation {
    name       = "Latency"
    namespace  = "Web"
    value      = "$.latency"
    dimensions = { Path = "$.path" }
  }
}

resource "aws_iam_role" "function" {
  name = "logs-function"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

# A package with one file: nobody calls the function here.
resource "aws_s3_bucket" "code" {
  bucket        = "code-of-a-subscriber"
  force_destroy = true
}

resource "aws_s3_object" "package" {
  bucket         = aws_s3_bucket.code.id
  key            = "package.zip"
  content_base64 = "UEsDBBQAAAAAAAAAIVyuVry6LQAAAC0AAAAIAAAAaW5kZXgucHlkZWYgaGFuZGxlcihldmVudCwgY29udGV4dCk6CiAgICByZXR1cm4gTm9uZQpQSwECFAMUAAAAAAAAACFcrla8ui0AAAAtAAAACAAAAAAAAAAAAAAAgAEAAAAAaW5kZXgucHlQSwUGAAAAAAEAAQA2AAAAUwAAAAAA"
}

resource "aws_lambda_function" "sink" {
  function_name = "sink"
  role          = aws_iam_role.function.arn
  runtime       = "provided.al2023"
  handler       = "index.handler"
  s3_bucket     = aws_s3_object.package.bucket
  s3_key        = aws_s3_object.package.key
}

resource "aws_lambda_permission" "logs" {
  statement_id  = "logs"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.sink.function_name
  principal     = "logs.us-east-1.amazonaws.com"
  source_arn    = "${aws_cloudwatch_log_group.app.arn}:*"
}

resource "aws_cloudwatch_log_subscription_filter" "sink" {
  name            = "sink"
  log_group_name  = aws_cloudwatch_log_group.app.name
  filter_pattern  = var.pattern
  destination_arn = aws_lambda_function.sink.arn
  depends_on      = [aws_lambda_permission.logs]
}

resource "aws_cloudwatch_log_data_protection_policy" "pii" {
  log_group_name = aws_cloudwatch_log_group.app.name
  policy_document = jsonencode({
    Name    = "pii"
    Version = "2021-06-01"
    Statement = [
      {
        Sid            = "audit"
        DataIdentifier = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"]
        Operation      = { Audit = { FindingsDestination = {} } }
      },
      {
        Sid            = "mask"
        DataIdentifier = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"]
        Operation      = { Deidentify = { MaskConfig = {} } }
      }
    ]
  })
}

resource "aws_cloudwatch_log_resource_policy" "dns" {
  policy_name = "dns"
  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "route53.amazonaws.com" }
      Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource  = "arn:aws:logs:us-east-1:*:log-group:/aws/route53/*"
    }]
  })
}

resource "aws_cloudwatch_query_definition" "slow" {
  name            = "app/slow"
  log_group_names = [aws_cloudwatch_log_group.app.name]
  query_string    = "fields @timestamp, @message | filter @message like /${var.pattern}/ | sort @timestamp desc"
}

resource "aws_cloudwatch_log_account_policy" "pii" {
  policy_name = "everywhere"
  policy_type = "DATA_PROTECTION_POLICY"
  policy_document = jsonencode({
    Name    = "everywhere"
    Version = "2021-06-01"
    Statement = [
      {
        Sid            = "audit"
        DataIdentifier = ["arn:aws:dataprotection::aws:data-identifier/CreditCardNumber"]
        Operation      = { Audit = { FindingsDestination = {} } }
      },
      {
        Sid            = "mask"
        DataIdentifier = ["arn:aws:dataprotection::aws:data-identifier/CreditCardNumber"]
        Operation      = { Deidentify = { MaskConfig = {} } }
      }
    ]
  })
}

resource "aws_cloudwatch_log_index_policy" "app" {
  log_group_name  = aws_cloudwatch_log_group.app.name
  policy_document = jsonencode({ Fields = ["requestId", "level${var.days}"] })
}

resource "aws_cloudwatch_log_anomaly_detector" "watch" {
  detector_name           = "terraform-watch"
  log_group_arn_list      = [aws_cloudwatch_log_group.app.arn]
  anomaly_visibility_time = 11
  evaluation_frequency    = "TEN_MIN"
  enabled                 = true
}
