data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "worker" {
  name                 = "terraform-worker"
  path                 = "/terraform/"
  description          = var.description
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 7200
}

resource "aws_iam_policy" "jobs" {
  name        = "terraform-jobs"
  description = "takes jobs"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sqs:*", Resource = aws_sqs_queue.jobs.arn }]
  })
}

resource "aws_iam_role_policy_attachment" "jobs" {
  role       = aws_iam_role.worker.name
  policy_arn = aws_iam_policy.jobs.arn
}

resource "aws_iam_role_policy" "inline" {
  name = "inline"
  role = aws_iam_role.worker.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:ListAllMyBuckets", Resource = "*" }]
  })
}

resource "aws_iam_instance_profile" "worker" {
  name = "terraform-worker"
  role = aws_iam_role.worker.name
}

resource "aws_iam_user" "person" {
  name          = "terraform-person"
  force_destroy = true
  tags          = { team = "sky" }
}

resource "aws_iam_access_key" "person" {
  user = aws_iam_user.person.name
}

resource "aws_iam_group" "people" {
  name = "terraform-people"
}

resource "aws_iam_user_group_membership" "person" {
  user   = aws_iam_user.person.name
  groups = [aws_iam_group.people.name]
}

resource "aws_iam_group_policy_attachment" "people" {
  group      = aws_iam_group.people.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_user_policy" "person" {
  name = "own"
  user = aws_iam_user.person.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Deny", Action = "iam:DeleteUser", Resource = "*" }]
  })
}
