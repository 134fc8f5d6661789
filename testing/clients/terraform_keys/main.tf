terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "visibility" { default = 45 }
variable "status" { default = "Enabled" }
variable "description" { default = "first" }
variable "slow" { default = false }

provider "aws" {
  region = "us-east-1"
  endpoints {
    iam            = var.endpoint
    kms            = var.endpoint
    secretsmanager = var.endpoint
    ssm            = var.endpoint
    sqs            = var.endpoint
    sts            = var.endpoint
  }
  default_tags {
    tags = { made_by = "terraform" }
  }
}

provider "aws" {
  alias  = "ireland"
  region = "eu-west-1"
  endpoints {
    kms = var.endpoint
    sts = var.endpoint
  }
}

data "aws_caller_identity" "me" {}
