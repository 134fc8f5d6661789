# What Terraform knows of CloudWatch, in a folder of its own.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "threshold" { default = 80 }
variable "description" { default = "first" }

provider "aws" {
  region = "us-east-1"
  endpoints {
    cloudwatch = var.endpoint
    iam        = var.endpoint
    sts        = var.endpoint
  }
  default_tags {
    tags = { made_by = "terraform" }
  }
}

resource "aws_cloudwatch_contributor_insight_rule" "talkers" {
  rule_name  = "talkers"
  rule_state = "ENABLED"
  rule_definition = jsonencode({
    Schema        = { Name = "CloudWatchLogRule", Version = 1 }
    LogGroupNames = ["/shop/*"]
    LogFormat     = "JSON"
    Contribution  = { Keys = ["$.ip"], Filters = [{ Match = "$.status", GreaterThan = var.threshold }] }
    AggregateOn   = "Count"
  })
  tags = { team = "web" }
}

resource "aws_cloudwatch_metric_alarm" "cpu" {
  alarm_name                = "cpu"
  alarm_description         = var.description
  comparison_operator       = "GreaterThanOrEqualToThreshold"
  evaluation_periods        = 3
  datapoints_to_alarm       = 2
  metric_name               = "CPUUtilization"
  namespace                 = "AWS/EC2"
  period                    = 120
  statistic                 = "Average"
  threshold                 = var.threshold
  treat_missing_data        = "notBreaching"
  alarm_actions             = ["arn:aws:sns:us-east-1:000000000000:alarms"]
  insufficient_data_actions = []
  dimensions                = { InstanceId = "i-0123456789abcdef0" }
  tags                      = { team = "web" }
}

resource "aws_cloudwatch_metric_alarm" "percentile" {
  alarm_name                            = "percentile"
  comparison_operator                   = "GreaterThanThreshold"
  evaluation_periods                    = 1
  metric_name                           = "Latency"
  namespace                             = "Shop"
  period                                = 60
  extended_statistic                    = "p99"
  evaluate_low_sample_count_percentiles = "ignore"
  threshold                             = 1.5
  unit                                  = "Milliseconds"
}

resource "aws_cloudwatch_metric_alarm" "rate" {
  alarm_name          = "error-rate"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 2
  threshold           = var.threshold
  metric_query {
    id          = "e1"
    expression  = "m2/m1*100"
    label       = "Error rate"
    return_data = true
  }
  metric_query {
    id = "m1"
    metric {
      metric_name = "Requests"
      namespace   = "Shop"
      period      = 120
      stat        = "Sum"
      unit        = "Count"
      dimensions  = { Store = "one" }
    }
  }
  metric_query {
    id = "m2"
    metric {
      metric_name = "Errors"
      namespace   = "Shop"
      period      = 120
      stat        = "Sum"
      unit        = "Count"
      dimensions  = { Store = "one" }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "fleet" {
  alarm_name          = "fleet"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 2
  threshold           = var.threshold
  metric_query {
    id          = "q1"
    expression  = "SELECT MAX(CPUUtilization) FROM SCHEMA(\"AWS/EC2\", InstanceId) GROUP BY InstanceId ORDER BY MAX() DESC"
    period      = 60
    return_data = true
  }
}

resource "aws_cloudwatch_metric_alarm" "anomaly" {
  alarm_name          = "anomaly"
  comparison_operator = "GreaterThanUpperThreshold"
  evaluation_periods  = 2
  threshold_metric_id = "e1"
  metric_query {
    id          = "e1"
    expression  = "ANOMALY_DETECTION_BAND(m1)"
    label       = "Requests (expected)"
    return_data = true
  }
  metric_query {
    id          = "m1"
    return_data = true
    metric {
      metric_name = "Requests"
      namespace   = "Shop"
      period      = 120
      stat        = "Average"
      unit        = "Count"
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "any" {
  alarm_name        = "any"
  alarm_description = var.description
  alarm_actions     = ["arn:aws:sns:us-east-1:000000000000:alarms"]
  alarm_rule        = "ALARM(${aws_cloudwatch_metric_alarm.cpu.alarm_name}) OR ALARM(${aws_cloudwatch_metric_alarm.rate.alarm_name})"
  actions_suppressor {
    alarm            = aws_cloudwatch_metric_alarm.percentile.alarm_name
    wait_period      = 20
    extension_period = 10
  }
  tags = { team = "web" }
}

resource "aws_cloudwatch_dashboard" "main" {
  dashboard_name = "main"
  dashboard_body = jsonencode({
    widgets = [
      {
        type   = "metric"
        x      = 0
        y      = 0
        width  = 12
        height = 6
        properties = {
          metrics = [["AWS/EC2", "CPUUtilization", "InstanceId", "i-012345"]]
          period  = 300
          stat    = "Average"
          region  = "us-east-1"
          title   = var.description
        }
      },
      { type = "text", x = 0, y = 7, width = 3, height = 3, properties = { markdown = "Hello world" } }
    ]
  })
}

resource "aws_cloudwatch_metric_stream" "all" {
  name          = "all"
  role_arn      = "arn:aws:iam::000000000000:role/streamer"
  firehose_arn  = "arn:aws:firehose:us-east-1:000000000000:deliverystream/flow"
  output_format = "opentelemetry1.0"
  include_filter {
    namespace    = "Shop"
    metric_names = ["Latency", "Requests"]
  }
  statistics_configuration {
    additional_statistics = ["p50", "p${var.threshold}"]
    include_metric {
      metric_name = "Latency"
      namespace   = "Shop"
    }
  }
}

resource "aws_cloudwatch_metric_stream" "old" {
  name          = "old"
  role_arn      = "arn:aws:iam::000000000000:role/streamer"
  firehose_arn  = "arn:aws:firehose:us-east-1:000000000000:deliverystream/flow"
  output_format = var.description == "first" ? "opentelemetry0.7" : "json"
}
