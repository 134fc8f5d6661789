# What Terraform knows of the analysis of buckets and of other doors to them, in a folder of its own.

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
    iam       = var.endpoint
    lambda    = var.endpoint
    s3        = var.endpoint
    s3control = var.endpoint
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

resource "aws_s3_access_point" "door" {
  bucket = aws_s3_bucket.own.id
  name   = "terraform-door"
}

resource "aws_s3control_object_lambda_access_point" "own" {
  name = "terraform-loud"
  configuration {
    supporting_access_point = aws_s3_access_point.door.arn
    allowed_features        = ["GetObject-Range"]
    transformation_configuration {
      actions = ["GetObject"]
      content_transformation {
        aws_lambda {
          function_arn     = "arn:aws:lambda:us-west-2:${data.aws_caller_identity.own.account_id}:function:loud:1"
          function_payload = jsonencode({ prefix = var.prefix })
        }
      }
    }
  }
}

resource "aws_s3control_object_lambda_access_point_policy" "own" {
  name = aws_s3control_object_lambda_access_point.own.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "s3-object-lambda:GetObject"
      Principal = { AWS = data.aws_caller_identity.own.account_id }
      Resource  = aws_s3control_object_lambda_access_point.own.arn
    }]
  })
}

resource "aws_s3control_multi_region_access_point" "own" {
  details {
    name = "terraform-everywhere"
    region { bucket = aws_s3_bucket.own.id }
  }
}

resource "aws_s3control_multi_region_access_point_policy" "own" {
  details {
    name = "terraform-everywhere"
    policy = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = { AWS = data.aws_caller_identity.own.account_id }
        Action    = "s3:GetObject"
        Resource  = "${aws_s3control_multi_region_access_point.own.arn}/object/*"
      }]
    })
  }
}
