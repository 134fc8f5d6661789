resource "aws_s3_account_public_access_block" "own" {
  block_public_acls       = false
  block_public_policy     = false
  ignore_public_acls      = var.changed
  restrict_public_buckets = false
}

resource "aws_s3_access_point" "point" {
  bucket = aws_s3_bucket.source.id
  name   = "terraform-point"
  public_access_block_configuration {
    block_public_acls       = true
    block_public_policy     = true
    ignore_public_acls      = true
    restrict_public_buckets = true
  }
  lifecycle { ignore_changes = [policy] }
}

resource "aws_s3control_access_point_policy" "point" {
  access_point_arn = aws_s3_access_point.point.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = var.changed ? "Changed" : "Read"
      Effect    = "Allow"
      Action    = "s3:GetObject"
      Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.own.account_id}:root" }
      Resource  = "${aws_s3_access_point.point.arn}/object/*"
    }]
  })
}

# The provider replaces an instance whose tags change.
resource "aws_s3control_access_grants_instance" "own" {
  tags = { purpose = "grants" }
}

resource "aws_iam_role" "grants" {
  name = "terraform-grants"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:SetSourceIdentity"]
      Principal = { Service = "access-grants.s3.amazonaws.com" }
    }]
  })
}

resource "aws_iam_user" "reader" { name = "terraform-reader" }

resource "aws_s3control_access_grants_location" "source" {
  iam_role_arn   = aws_iam_role.grants.arn
  location_scope = "s3://${aws_s3_bucket.source.id}/documents*"
  depends_on     = [aws_s3control_access_grants_instance.own]
}

resource "aws_s3control_access_grant" "reader" {
  access_grants_location_id = aws_s3control_access_grants_location.source.access_grants_location_id
  permission                = "READ"
  access_grants_location_configuration { s3_sub_prefix = "/papers/*" }
  grantee {
    grantee_type       = "IAM"
    grantee_identifier = aws_iam_user.reader.arn
  }
}

resource "aws_s3control_access_grants_instance_resource_policy" "own" {
  policy = jsonencode({
    Version = "2012-10-17"
    Id      = "grants"
    Statement = [{
      Sid       = var.changed ? "Changed" : "Share"
      Effect    = "Allow"
      Principal = { AWS = data.aws_caller_identity.own.account_id }
      Action    = ["s3:ListAccessGrants", "s3:ListAccessGrantsLocations", "s3:GetDataAccess"]
      Resource  = aws_s3control_access_grants_instance.own.access_grants_instance_arn
    }]
  })
}

resource "aws_s3control_multi_region_access_point" "everywhere" {
  details {
    name = "terraform-everywhere"
    region { bucket = aws_s3_bucket.source.id }
  }
}

resource "aws_s3control_multi_region_access_point_policy" "everywhere" {
  details {
    name = element(split(":", aws_s3control_multi_region_access_point.everywhere.id), 1)
    policy = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = var.changed ? "Changed" : "Read"
        Effect    = "Allow"
        Action    = ["s3:GetObject", "s3:PutObject"]
        Principal = { AWS = data.aws_caller_identity.own.account_id }
        Resource  = "${aws_s3control_multi_region_access_point.everywhere.arn}/object/*"
      }]
    })
  }
}
