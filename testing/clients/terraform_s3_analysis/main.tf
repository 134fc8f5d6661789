# What Terraform knows of the analysis of buckets, in a folder of its own. Its client of S3 Control puts the account's number before the
# endpoint's name, which it cannot look up here: it comes to the cloud as to a proxy. Loopback addresses go without one.

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
  http_proxy        = var.endpoint
  https_proxy       = ""
  endpoints {
    iam       = var.endpoint
    s3        = var.endpoint
    s3control = "http://s3-control.us-west-2.amazonaws.com"
    sts       = var.endpoint
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

resource "aws_s3_bucket_inventory" "all" {
  bucket                   = aws_s3_bucket.own.id
  name                     = "all"
  included_object_versions = "All"
  optional_fields          = ["Size", "ETag", "EncryptionStatus", "ObjectLockMode"]
  schedule { frequency = "Weekly" }
  filter { prefix = var.prefix }
  destination {
    bucket {
      format     = "Parquet"
      bucket_arn = aws_s3_bucket.told.arn
      account_id = data.aws_caller_identity.own.account_id
      prefix     = "inventory"
      encryption {
        sse_s3 {}
      }
    }
  }
}

resource "aws_s3control_storage_lens_configuration" "free" {
  config_id = "free"
  storage_lens_configuration {
    enabled = true
    account_level {
      bucket_level {}
    }
  }
}

resource "aws_s3control_storage_lens_configuration" "advanced" {
  config_id = "advanced"
  storage_lens_configuration {
    enabled = true
    account_level {
      activity_metrics { enabled = true }
      advanced_cost_optimization_metrics { enabled = true }
      advanced_data_protection_metrics { enabled = true }
      detailed_status_code_metrics { enabled = true }
      bucket_level {
        activity_metrics { enabled = true }
        advanced_cost_optimization_metrics { enabled = true }
        advanced_data_protection_metrics { enabled = true }
        detailed_status_code_metrics { enabled = true }
        prefix_level {
          storage_metrics {
            enabled = true
            selection_criteria {
              delimiter                    = "/"
              max_depth                    = 3
              min_storage_bytes_percentage = 49.5
            }
          }
        }
      }
    }
    data_export {
      cloud_watch_metrics { enabled = true }
      s3_bucket_destination {
        account_id            = data.aws_caller_identity.own.account_id
        arn                   = aws_s3_bucket.told.arn
        format                = "Parquet"
        output_schema_version = "V_1"
        prefix                = var.prefix
        encryption {
          sse_s3 {}
        }
      }
    }
    exclude {
      buckets = [aws_s3_bucket.told.arn]
      regions = ["eu-west-1"]
    }
  }
  tags = { team = "sky" }
}
