resource "aws_sqs_queue" "dead" {
  name = "dead"
}

resource "aws_sqs_queue" "work" {
  name                       = "work"
  visibility_timeout_seconds = 30
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 1 })
}

resource "aws_lambda_event_source_mapping" "queue" {
  event_source_arn        = aws_sqs_queue.work.arn
  function_name           = aws_lambda_function.worker.arn
  batch_size              = var.batch
  function_response_types = ["ReportBatchItemFailures"]
  scaling_config { maximum_concurrency = 2 }
  filter_criteria {
    filter { pattern = jsonencode({ body = { kind = ["work"] } }) }
  }
}

resource "aws_dynamodb_table" "items" {
  name             = "items"
  billing_mode     = "PAY_PER_REQUEST"
  hash_key         = "id"
  stream_enabled   = true
  stream_view_type = "NEW_IMAGE"
  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_lambda_event_source_mapping" "stream" {
  event_source_arn               = aws_dynamodb_table.items.stream_arn
  function_name                  = aws_lambda_alias.live.arn
  starting_position              = "LATEST"
  batch_size                     = var.batch
  bisect_batch_on_function_error = true
  maximum_retry_attempts         = 2
  maximum_record_age_in_seconds  = 3600
  parallelization_factor         = 2
  destination_config {
    on_failure { destination_arn = aws_sqs_queue.dead.arn }
  }
}

resource "aws_kinesis_stream" "flow" {
  name        = "flow-for-functions"
  shard_count = 1
}

resource "aws_kinesis_stream_consumer" "worker" {
  name       = "worker"
  stream_arn = aws_kinesis_stream.flow.arn
}

resource "aws_lambda_event_source_mapping" "flow" {
  event_source_arn           = aws_kinesis_stream.flow.arn
  function_name              = aws_lambda_function.worker.arn
  starting_position          = "LATEST"
  batch_size                 = var.batch
  tumbling_window_in_seconds = 30
  filter_criteria {
    filter { pattern = jsonencode({ data = { kind = ["work"] } }) }
  }
}

resource "aws_lambda_event_source_mapping" "pushed" {
  event_source_arn            = aws_kinesis_stream_consumer.worker.arn
  function_name               = aws_lambda_function.worker.arn
  starting_position           = "AT_TIMESTAMP"
  starting_position_timestamp = "2026-01-01T00:00:00Z"
  batch_size                  = var.batch
}

resource "aws_s3_bucket" "uploads" {
  bucket = "uploads-for-functions"
}

resource "aws_lambda_permission" "uploads" {
  statement_id  = "uploads"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.worker.function_name
  principal     = "s3.amazonaws.com"
  source_arn    = aws_s3_bucket.uploads.arn
}

resource "aws_s3_bucket_notification" "uploads" {
  bucket = aws_s3_bucket.uploads.id
  lambda_function {
    lambda_function_arn = aws_lambda_function.worker.arn
    events              = ["s3:ObjectCreated:*"]
  }
  depends_on = [aws_lambda_permission.uploads]
}
