resource "aws_secretsmanager_secret" "db" {
  name                    = "app/db"
  description             = var.description
  kms_key_id              = aws_kms_key.app.arn
  recovery_window_in_days = 0
  replica {
    region = "eu-west-1"
  }
}

resource "aws_secretsmanager_secret_version" "db" {
  secret_id     = aws_secretsmanager_secret.db.id
  secret_string = jsonencode({ password = var.description })
}

resource "aws_secretsmanager_secret_policy" "db" {
  secret_arn = aws_secretsmanager_secret.db.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = aws_iam_role.worker.arn }
      Action    = "secretsmanager:GetSecretValue"
      Resource  = "*"
    }]
  })
}

data "aws_secretsmanager_secret_version" "db" {
  secret_id  = aws_secretsmanager_secret.db.id
  depends_on = [aws_secretsmanager_secret_version.db]
}

resource "aws_ssm_parameter" "plain" {
  name        = "/app/plain"
  type        = "String"
  value       = "value"
  description = var.description
}

resource "aws_ssm_parameter" "list" {
  name  = "/app/list"
  type  = "StringList"
  value = "a,b,${var.visibility}"
}

resource "aws_ssm_parameter" "secret" {
  name   = "/app/secret"
  type   = "SecureString"
  key_id = aws_kms_key.app.key_id
  value  = "secret ${var.description}"
  tier   = "Advanced"
}

data "aws_ssm_parameter" "region" {
  name = "/aws/service/global-infrastructure/regions/eu-west-1/longName"
}
