terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "visibility" { default = 45 }
variable "status" { default = "Enabled" }
variable "description" { default = "first" }

provider "aws" {
  region            = "us-east-1"
  s3_use_path_style = true
  endpoints {
    iam = var.endpoint
    s3  = var.endpoint
    sqs = var.endpoint
    sts = var.endpoint
  }
  default_tags {
    tags = { made_by = "terraform" }
  }
}

data "aws_caller_identity" "me" {}
