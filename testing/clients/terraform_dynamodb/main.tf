terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "changed" { default = false }

provider "aws" {
  region = "us-east-1"
  endpoints {
    dynamodb = var.endpoint
    iam      = var.endpoint
    kms      = var.endpoint
    s3       = var.endpoint
    sts      = var.endpoint
  }
  s3_use_path_style = true
  default_tags {
    tags = { made_by = "terraform" }
  }
}

data "aws_caller_identity" "me" {}

resource "aws_dynamodb_table" "orders" {
  name         = "orders"
  billing_mode = var.changed ? "PAY_PER_REQUEST" : "PROVISIONED"
  hash_key     = "customer"
  range_key    = "number"

  read_capacity  = var.changed ? null : 5
  write_capacity = var.changed ? null : 5

  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "customer"
    type = "S"
  }
  attribute {
    name = "number"
    type = "N"
  }
  attribute {
    name = "state"
    type = "S"
  }

  local_secondary_index {
    name            = "local"
    range_key       = "state"
    projection_type = "KEYS_ONLY"
  }

  dynamic "global_secondary_index" {
    for_each = var.changed ? ["by-state", "by-number"] : ["by-state"]
    content {
      name               = global_secondary_index.value
      hash_key           = global_secondary_index.value == "by-state" ? "state" : "number"
      projection_type    = "INCLUDE"
      non_key_attributes = ["price"]
      read_capacity      = var.changed ? null : 5
      write_capacity     = var.changed ? null : 5
    }
  }

  ttl {
    attribute_name = "expires"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = var.changed
  }

  tags = { state = var.changed ? "changed" : "first" }
}

resource "aws_dynamodb_table_item" "first" {
  table_name = aws_dynamodb_table.orders.name
  hash_key   = aws_dynamodb_table.orders.hash_key
  range_key  = aws_dynamodb_table.orders.range_key
  item = jsonencode({
    customer = { S = "ann" }
    number   = { N = "1" }
    price    = { N = var.changed ? "12.5" : "10" }
  })
}

resource "aws_dynamodb_resource_policy" "orders" {
  resource_arn = aws_dynamodb_table.orders.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = data.aws_caller_identity.me.account_id }
      Action    = "dynamodb:GetItem"
      Resource  = aws_dynamodb_table.orders.arn
    }]
  })
}

resource "aws_kms_key" "history" {
  deletion_window_in_days = 7
}

resource "aws_dynamodb_table" "history" {
  name                        = "history"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "id"
  table_class                 = "STANDARD_INFREQUENT_ACCESS"
  deletion_protection_enabled = false

  attribute {
    name = "id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.changed ? aws_kms_key.history.arn : null
  }
}

resource "aws_s3_bucket" "exports" {
  bucket        = "exports"
  force_destroy = true
}

resource "aws_dynamodb_table_export" "history" {
  table_arn     = aws_dynamodb_table.history.arn
  s3_bucket     = aws_s3_bucket.exports.id
  export_format = "DYNAMODB_JSON"
}

data "aws_dynamodb_table" "orders" {
  name       = aws_dynamodb_table.orders.name
  depends_on = [aws_dynamodb_table_item.first]
}

output "stream" { value = data.aws_dynamodb_table.orders.stream_arn }

resource "aws_dynamodb_contributor_insights" "orders" {
  table_name = aws_dynamodb_table.orders.name
}

resource "aws_dynamodb_contributor_insights" "by_state" {
  table_name = aws_dynamodb_table.orders.name
  index_name = "by-state"
}
