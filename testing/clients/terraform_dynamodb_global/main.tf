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
    appautoscaling = var.endpoint
    cloudwatch     = var.endpoint
    dynamodb       = var.endpoint
    iam            = var.endpoint
    kms            = var.endpoint
    sts            = var.endpoint
  }
}

resource "aws_dynamodb_table" "global" {
  name             = "global"
  billing_mode     = "PAY_PER_REQUEST"
  hash_key         = "id"
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "id"
    type = "S"
  }

  replica {
    region_name = "us-west-2"
  }

  dynamic "replica" {
    for_each = var.changed ? ["eu-west-1"] : []
    content {
      region_name            = replica.value
      point_in_time_recovery = true
    }
  }

  tags = { state = var.changed ? "changed" : "first" }
}

resource "aws_dynamodb_table_item" "first" {
  table_name = aws_dynamodb_table.global.name
  hash_key   = aws_dynamodb_table.global.hash_key
  item       = jsonencode({ id = { S = "ann" } })
}

resource "aws_dynamodb_table" "scaled" {
  name           = "scaled"
  hash_key       = "id"
  read_capacity  = 5
  write_capacity = 5

  attribute {
    name = "id"
    type = "S"
  }

  lifecycle {
    ignore_changes = [read_capacity, write_capacity]
  }
}

resource "aws_appautoscaling_target" "reads" {
  min_capacity       = var.changed ? 7 : 5
  max_capacity       = 50
  resource_id        = "table/${aws_dynamodb_table.scaled.name}"
  scalable_dimension = "dynamodb:table:ReadCapacityUnits"
  service_namespace  = "dynamodb"
  tags               = { state = var.changed ? "changed" : "first" }
}

resource "aws_appautoscaling_policy" "reads" {
  name               = "follow"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.reads.resource_id
  scalable_dimension = aws_appautoscaling_target.reads.scalable_dimension
  service_namespace  = aws_appautoscaling_target.reads.service_namespace

  target_tracking_scaling_policy_configuration {
    target_value       = var.changed ? 60 : 70
    scale_in_cooldown  = 60
    scale_out_cooldown = 30
    predefined_metric_specification {
      predefined_metric_type = "DynamoDBReadCapacityUtilization"
    }
  }
}

resource "aws_appautoscaling_scheduled_action" "morning" {
  name               = "morning"
  service_namespace  = aws_appautoscaling_target.reads.service_namespace
  resource_id        = aws_appautoscaling_target.reads.resource_id
  scalable_dimension = aws_appautoscaling_target.reads.scalable_dimension
  schedule           = "cron(0 8 ? * MON-FRI *)"

  scalable_target_action {
    min_capacity = var.changed ? 20 : 10
    max_capacity = 100
  }
}
