# Delivery streams and metric streams, in a folder of their own.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "interval" { default = 60 }

provider "aws" {
  region            = "us-west-2"
  s3_use_path_style = true
  endpoints {
    cloudwatch = var.endpoint
    firehose   = var.endpoint
    iam        = var.endpoint
    kinesis    = var.endpoint
    kms        = var.endpoint
    s3         = var.endpoint
    sts        = var.endpoint
  }
}

resource "aws_s3_bucket" "lake" { bucket = "terraform-lake" }

data "aws_iam_policy_document" "trust" {
  for_each = toset(["firehose", "streams.metrics.cloudwatch"])
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "deliverer" {
  name               = "deliverer"
  assume_role_policy = data.aws_iam_policy_document.trust["firehose"].json
}

resource "aws_iam_role" "streamer" {
  name               = "streamer"
  assume_role_policy = data.aws_iam_policy_document.trust["streams.metrics.cloudwatch"].json
}

resource "aws_kinesis_firehose_delivery_stream" "flow" {
  name        = "flow"
  destination = "extended_s3"
  tags        = { team = "sky" }
  server_side_encryption { enabled = true }

  extended_s3_configuration {
    role_arn            = aws_iam_role.deliverer.arn
    bucket_arn          = aws_s3_bucket.lake.arn
    prefix              = "events/!{timestamp:yyyy/MM}/"
    error_output_prefix = "errors/!{firehose:error-output-type}/"
    buffering_size      = 2
    buffering_interval  = var.interval
    compression_format  = "GZIP"
    custom_time_zone    = "Asia/Seoul"
    file_extension      = ".json.gz"
    s3_backup_mode      = "Enabled"
    s3_backup_configuration {
      role_arn   = aws_iam_role.deliverer.arn
      bucket_arn = aws_s3_bucket.lake.arn
      prefix     = "source/"
    }
    processing_configuration {
      enabled = true
      processors { type = "AppendDelimiterToRecord" }
    }
    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = "fire"
      log_stream_name = "s3"
    }
  }
}

resource "aws_kinesis_stream" "source" {
  name        = "source"
  shard_count = 1
}

resource "aws_iam_role_policy" "reader" {
  name = "reader"
  role = aws_iam_role.deliverer.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "kinesis:*", Resource = aws_kinesis_stream.source.arn }]
  })
}

resource "aws_kinesis_firehose_delivery_stream" "read" {
  name        = "read"
  destination = "extended_s3"
  kinesis_source_configuration {
    kinesis_stream_arn = aws_kinesis_stream.source.arn
    role_arn           = aws_iam_role.deliverer.arn
  }
  extended_s3_configuration {
    role_arn   = aws_iam_role.deliverer.arn
    bucket_arn = aws_s3_bucket.lake.arn
    prefix     = "read/"
  }
  depends_on = [aws_iam_role_policy.reader]
}

resource "aws_kms_key" "waiting" {
  description             = "for what waits"
  deletion_window_in_days = 7
}

resource "aws_kinesis_firehose_delivery_stream" "sealed" {
  name        = "sealed"
  destination = "extended_s3"
  server_side_encryption {
    enabled  = true
    key_type = "CUSTOMER_MANAGED_CMK"
    key_arn  = aws_kms_key.waiting.arn
  }
  extended_s3_configuration {
    role_arn   = aws_iam_role.deliverer.arn
    bucket_arn = aws_s3_bucket.lake.arn
  }
}

resource "aws_cloudwatch_metric_stream" "all" {
  name          = "all"
  role_arn      = aws_iam_role.streamer.arn
  firehose_arn  = aws_kinesis_firehose_delivery_stream.flow.arn
  output_format = "json"
  tags          = { team = "sky" }
  exclude_filter { namespace = "AWS/S3" }
  statistics_configuration {
    additional_statistics = ["p99"]
    include_metric {
      metric_name = "latency"
      namespace   = "App"
    }
  }
}
