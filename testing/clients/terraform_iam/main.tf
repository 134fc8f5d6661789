# Everything of IAM that Terraform knows, in a folder of its own.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "description" { default = "first" }
variable "length" { default = 12 }
variable "status" { default = "Active" }
variable "path" { default = "/terraform/" }

provider "aws" {
  region = "us-east-1"
  endpoints {
    iam = var.endpoint
    sts = var.endpoint
  }
  default_tags {
    tags = { made_by = "terraform" }
  }
}

data "aws_caller_identity" "me" {}

data "aws_iam_policy_document" "ec2" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "list" {
  statement {
    sid       = "List"
    actions   = ["s3:ListAllMyBuckets"]
    resources = ["*"]
  }
}
