terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "shards" { default = 2 }
variable "retention" { default = 24 }
variable "encrypted" { default = false }
variable "metrics" { default = "" }
variable "team" { default = "sky" }

provider "aws" {
  region = "us-east-1"
  endpoints {
    iam     = var.endpoint
    kinesis = var.endpoint
    kms     = var.endpoint
    sts     = var.endpoint
  }
  default_tags {
    tags = { made_by = "terraform" }
  }
}

resource "aws_kms_key" "records" {
  description = "records"
}

resource "aws_kinesis_stream" "clicks" {
  name                      = "clicks"
  shard_count               = var.shards
  retention_period          = var.retention
  shard_level_metrics       = var.metrics == "" ? [] : [var.metrics, "OutgoingBytes"]
  encryption_type           = var.encrypted ? "KMS" : "NONE"
  kms_key_id                = var.encrypted ? aws_kms_key.records.key_id : null
  enforce_consumer_deletion = true
  stream_mode_details {
    stream_mode = "PROVISIONED"
  }
  tags = { team = var.team }
}

resource "aws_kinesis_stream" "demand" {
  name = "demand"
  stream_mode_details {
    stream_mode = "ON_DEMAND"
  }
}

resource "aws_kinesis_stream_consumer" "app" {
  name       = "app"
  stream_arn = aws_kinesis_stream.clicks.arn
}

resource "aws_kinesis_resource_policy" "clicks" {
  resource_arn = aws_kinesis_stream.clicks.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = var.team
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::111122223333:root" }
      Action    = ["kinesis:DescribeStreamSummary", "kinesis:ListShards", "kinesis:PutRecord", "kinesis:PutRecords"]
      Resource  = aws_kinesis_stream.clicks.arn
    }]
  })
}

data "aws_kinesis_stream" "clicks" {
  name = aws_kinesis_stream.clicks.name
}

data "aws_kinesis_stream_consumer" "app" {
  name       = aws_kinesis_stream_consumer.app.name
  stream_arn = aws_kinesis_stream.clicks.arn
}

output "open_shards" {
  value = length(data.aws_kinesis_stream.clicks.open_shards)
}
