# What Terraform knows of the analysis of buckets, in a folder of its own. Its client of S3 Control puts the account's number before the
# endpoint's name, which it cannot look up here.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "prefix" { default = "documents/" }

provider "aws" {
  region            = "us-west-2"
  s3_use_path_style = true
  endpoints {
    iam = var.endpoint
    s3  = var.endpoint
    sts = var.endpoint
  }
}

data "aws_caller_identity" "own" {}

resource "aws_s3_bucket" "own" { bucket = "terraform-observed" }

resource "aws_s3_bucket" "told" { bucket = "terraform-told" }

resource "aws_s3_bucket_analytics_configuration" "all" {
  bucket = aws_s3_bucket.own.id
  name   = "EntireBucket"
  storage_class_analysis {
    data_export {
      destination {
        s3_bucket_destination {
          bucket_arn        = aws_s3_bucket.told.arn
          bucket_account_id = data.aws_caller_identity.own.account_id
          prefix            = "analysis"
        }
      }
    }
  }
}

resource "aws_s3_bucket_analytics_configuration" "some" {
  bucket = aws_s3_bucket.own.id
  name   = "Some.of_it"
  filter {
    prefix = var.prefix
    tags   = { priority = "high", class = "blue" }
  }
}
