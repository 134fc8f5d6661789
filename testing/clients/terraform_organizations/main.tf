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
  region = "us-east-1"
  endpoints {
    accessanalyzer = var.endpoint
    iam            = var.endpoint
    organizations  = var.endpoint
    sts            = var.endpoint
  }
}

resource "aws_organizations_organization" "all" {
  feature_set                   = "ALL"
  aws_service_access_principals = ["access-analyzer.amazonaws.com", "config.amazonaws.com"]
  enabled_policy_types          = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY", "TAG_POLICY"]
}

resource "aws_organizations_organizational_unit" "outer" {
  name      = "outer ${var.description}"
  parent_id = aws_organizations_organization.all.roots[0].id
  tags      = { level = "1" }
}

resource "aws_organizations_organizational_unit" "inner" {
  name      = "inner"
  parent_id = aws_organizations_organizational_unit.outer.id
}

# Removed, not closed, on destroy: a closed account would keep the organization from being deleted for 90 days.
resource "aws_organizations_account" "work" {
  name      = "work"
  email     = "work@example.org"
  parent_id = aws_organizations_organizational_unit.inner.id
  role_name = "Door"
  tags      = { purpose = var.description }
  lifecycle { ignore_changes = [role_name] }
}

resource "aws_organizations_policy" "region" {
  name        = "region"
  description = var.description
  type        = "SERVICE_CONTROL_POLICY"
  depends_on  = [aws_organizations_organization.all]
  content = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Deny", Action = "*", Resource = "*"
      Condition = { StringEquals = { "aws:RequestedRegion" = var.description == "first" ? "us-west-1" : "us-west-2" } }
    }]
  })
}

resource "aws_organizations_policy" "tags" {
  name       = "tags"
  type       = "TAG_POLICY"
  depends_on = [aws_organizations_organization.all]
  content    = jsonencode({ tags = { cost = { tag_key = { "@@assign" = "Cost" } } } })
}

resource "aws_organizations_policy_attachment" "region" {
  policy_id = aws_organizations_policy.region.id
  target_id = aws_organizations_organizational_unit.outer.id
}

resource "aws_organizations_policy_attachment" "tags" {
  policy_id = aws_organizations_policy.tags.id
  target_id = aws_organizations_account.work.id
}

resource "aws_organizations_delegated_administrator" "config" {
  account_id        = aws_organizations_account.work.id
  service_principal = "config.amazonaws.com"
  depends_on        = [aws_organizations_organization.all]
}

resource "aws_organizations_resource_policy" "delegation" {
  content = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${aws_organizations_account.work.id}:root" }
      Action    = ["organizations:ListPolicies", "organizations:DescribePolicy"]
      Resource  = "*"
    }]
  })
}

resource "aws_accessanalyzer_analyzer" "all" {
  analyzer_name = "all"
  type          = "ORGANIZATION"
  tags          = { purpose = var.description }
  depends_on    = [aws_organizations_organization.all]
}

resource "aws_accessanalyzer_archive_rule" "queues" {
  analyzer_name = aws_accessanalyzer_analyzer.all.analyzer_name
  rule_name     = "queues"
  filter {
    criteria = "resourceType"
    eq       = [var.description == "first" ? "AWS::SQS::Queue" : "AWS::S3::Bucket"]
  }
  filter {
    criteria = "isPublic"
    eq       = ["false"]
  }
}
