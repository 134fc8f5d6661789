# A bucket that tells a function, a queue whose poison message ends in its dead-letter queue, a stream, and a URL.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "runtime" { type = string }
variable "memory" { default = 128 }
variable "stage" { default = "first" }
variable "batch" { default = 5 }

provider "aws" {
  region            = "us-east-1"
  s3_use_path_style = true
  endpoints {
    cloudwatchlogs = var.endpoint
    dynamodb       = var.endpoint
    iam            = var.endpoint
    kinesis        = var.endpoint
    lambda         = var.endpoint
    s3             = var.endpoint
    sqs            = var.endpoint
    sts            = var.endpoint
  }
}
