resource "aws_iam_user" "ann" {
  name                 = "ann"
  path                 = var.path
  permissions_boundary = aws_iam_policy.list.arn
  force_destroy        = true
}

resource "aws_iam_user" "bea" {
  name = "bea"
}

resource "aws_iam_group" "ops" {
  name = "ops"
  path = var.path
}

resource "aws_iam_group_membership" "ops" {
  name  = "ops"
  group = aws_iam_group.ops.name
  users = [aws_iam_user.ann.name, aws_iam_user.bea.name]
}

resource "aws_iam_group_policy" "ops" {
  name   = "own"
  group  = aws_iam_group.ops.name
  policy = data.aws_iam_policy_document.list.json
}

resource "aws_iam_policy" "list" {
  name        = "list"
  path        = "/terraform/"
  description = "lists"
  policy      = data.aws_iam_policy_document.list.json
}

resource "aws_iam_user_policy_attachment" "bea" {
  user       = aws_iam_user.bea.name
  policy_arn = aws_iam_policy.list.arn
}

resource "aws_iam_user_policy" "bea" {
  name   = "own"
  user   = aws_iam_user.bea.name
  policy = data.aws_iam_policy_document.list.json
}

resource "aws_iam_role" "worker" {
  name                  = "worker"
  description           = var.description
  assume_role_policy    = data.aws_iam_policy_document.ec2.json
  permissions_boundary  = aws_iam_policy.list.arn
  force_detach_policies = true
}

resource "aws_iam_role_policy_attachment" "worker" {
  role       = aws_iam_role.worker.name
  policy_arn = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"
}

resource "aws_iam_instance_profile" "worker" {
  name = "worker"
  path = "/terraform/"
  role = aws_iam_role.worker.name
}

resource "aws_iam_service_linked_role" "autoscaling" {
  aws_service_name = "autoscaling.amazonaws.com"
  custom_suffix    = "terraform"
  description      = var.description
}

resource "aws_iam_openid_connect_provider" "github" {
  url             = "https://token.actions.githubusercontent.com"
  client_id_list  = ["sts.amazonaws.com", var.description]
  thumbprint_list = ["6938fd4d98bab03faadb97b34396831e3780aea1"]
}

resource "aws_iam_saml_provider" "idp" {
  name                   = "idp"
  saml_metadata_document = file("${path.module}/metadata.xml")
}

data "aws_iam_policy_document" "federated" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.github.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
  statement {
    actions = ["sts:AssumeRoleWithSAML"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_saml_provider.idp.arn]
    }
  }
}

resource "aws_iam_role" "federated" {
  name               = "federated"
  assume_role_policy = data.aws_iam_policy_document.federated.json
}
