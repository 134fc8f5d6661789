# index.py, deflated: a handler that answers as a URL's function does, and fails on poison.
locals {
  package = "UEsDBBQAAAAIAAAAIVyFQ2acfQAAAJ8AAAAIAAAAaW5kZXgucHkti0EKwjAQRfc5xTCrFooUl92KV3AfzZRG0pkwmRRFvLux+naP/35cs6jBvQg7F2iGxXNIpB1txDbATdjoYf3koBFnwCyxxQiR99ch1DWXX/6vvqiPheDiU6WzqmiHLNjvs5JVZXhhMW+1nCQQTnAcxwHwKuHZBBdKSfDtPlBLAQIUAxQAAAAIAAAAIVyFQ2acfQAAAJ8AAAAIAAAAAAAAAAAAAACkAQAAAABpbmRleC5weVBLBQYAAAAAAQABADYAAACjAAAAAAA="
}

resource "aws_s3_bucket" "code" {
  bucket        = "code-of-functions"
  force_destroy = true
}

resource "aws_s3_object" "package" {
  bucket         = aws_s3_bucket.code.id
  key            = "package.zip"
  content_base64 = local.package
}

resource "aws_iam_role" "runner" {
  name = "runner"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_iam_role_policy" "runner" {
  role = aws_iam_role.runner.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["logs:*", "sqs:*", "dynamodb:*", "kinesis:*"], Resource = "*" }]
  })
}

resource "aws_lambda_function" "worker" {
  function_name    = "worker"
  role             = aws_iam_role.runner.arn
  runtime          = var.runtime
  handler          = "index.handler"
  s3_bucket        = aws_s3_object.package.bucket
  s3_key           = aws_s3_object.package.key
  memory_size      = var.memory
  timeout          = 10
  publish          = true
  environment {
    variables = { STAGE = var.stage }
  }
  dead_letter_config {
    target_arn = aws_sqs_queue.dead.arn
  }
  tags       = { made_by = "terraform" }
  depends_on = [aws_iam_role_policy.runner]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.worker.function_name
  function_version = aws_lambda_function.worker.version
}

resource "aws_lambda_layer_version" "shared" {
  layer_name          = "shared"
  s3_bucket           = aws_s3_object.package.bucket
  s3_key              = aws_s3_object.package.key
  compatible_runtimes = [var.runtime]
}

resource "aws_lambda_function_event_invoke_config" "worker" {
  function_name                = aws_lambda_function.worker.function_name
  maximum_retry_attempts       = 1
  maximum_event_age_in_seconds = 120
  destination_config {
    on_failure { destination = aws_sqs_queue.dead.arn }
  }
}

resource "aws_lambda_function_url" "worker" {
  function_name      = aws_lambda_function.worker.function_name
  authorization_type = "NONE"
  cors {
    allow_origins = ["https://app.example.com"]
    allow_methods = ["GET"]
    max_age       = 60
  }
}
