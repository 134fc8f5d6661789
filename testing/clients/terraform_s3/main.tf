# The resources of buckets and objects that the first configuration does not have; control.tf has those of S3 Control. Its client puts
# the account's number before the endpoint's name, which it cannot look up here: it comes to the cloud as to a proxy.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "changed" { default = false }

provider "aws" {
  region            = "us-west-2"
  s3_use_path_style = true
  http_proxy        = var.endpoint
  https_proxy       = ""
  endpoints {
    iam       = var.endpoint
    kms       = var.endpoint
    lambda    = var.endpoint
    s3        = var.endpoint
    s3control = "http://s3-control.us-west-2.amazonaws.com"
    sqs       = var.endpoint
    sts       = var.endpoint
  }
}

data "aws_caller_identity" "own" {}
data "aws_canonical_user_id" "own" {}

resource "aws_s3_bucket" "site" {
  bucket        = "terraform-site"
  force_destroy = true
}

resource "aws_s3_bucket_website_configuration" "site" {
  bucket = aws_s3_bucket.site.id
  index_document { suffix = "index.html" }
  error_document { key = var.changed ? "lost.html" : "error.html" }
  routing_rule {
    condition { key_prefix_equals = "old/" }
    redirect {
      replace_key_prefix_with = "new/"
      http_redirect_code      = "302"
    }
  }
}

resource "aws_s3_bucket" "redirecting" { bucket = "terraform-redirecting" }

resource "aws_s3_bucket_website_configuration" "redirecting" {
  bucket = aws_s3_bucket.redirecting.id
  redirect_all_requests_to {
    host_name = "example.com"
    protocol  = "https"
  }
}

resource "aws_s3_bucket_ownership_controls" "site" {
  bucket = aws_s3_bucket.site.id
  rule { object_ownership = "BucketOwnerPreferred" }
}

resource "aws_s3_bucket_public_access_block" "site" {
  bucket                  = aws_s3_bucket.site.id
  block_public_acls       = false
  block_public_policy     = false
  ignore_public_acls      = false
  restrict_public_buckets = false
}

resource "aws_s3_bucket_acl" "site" {
  bucket     = aws_s3_bucket.site.id
  acl        = var.changed ? "public-read" : "private"
  depends_on = [aws_s3_bucket_ownership_controls.site, aws_s3_bucket_public_access_block.site]
}

resource "aws_s3_bucket_accelerate_configuration" "site" {
  bucket = aws_s3_bucket.site.id
  status = var.changed ? "Suspended" : "Enabled"
}

resource "aws_s3_bucket_request_payment_configuration" "site" {
  bucket = aws_s3_bucket.site.id
  payer  = var.changed ? "BucketOwner" : "Requester"
}

resource "aws_s3_bucket_intelligent_tiering_configuration" "site" {
  bucket = aws_s3_bucket.site.id
  name   = "whole"
  status = var.changed ? "Disabled" : "Enabled"
  filter {
    prefix = "documents/"
    tags   = { priority = "low", class = "blue" }
  }
  tiering {
    access_tier = "DEEP_ARCHIVE_ACCESS"
    days        = 180
  }
  tiering {
    access_tier = "ARCHIVE_ACCESS"
    days        = 125
  }
}

resource "aws_s3_bucket_metric" "site" {
  bucket = aws_s3_bucket.site.id
  name   = "documents"
  filter {
    prefix = var.changed ? "papers/" : "documents/"
    tags   = { priority = "high" }
  }
}

resource "aws_s3_bucket" "logs" {
  bucket        = "terraform-site-logs"
  force_destroy = true
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule { object_ownership = "BucketOwnerPreferred" }
}

resource "aws_s3_bucket_acl" "logs" {
  bucket = aws_s3_bucket.logs.id
  access_control_policy {
    owner { id = data.aws_canonical_user_id.own.id }
    grant {
      permission = "FULL_CONTROL"
      grantee {
        id   = data.aws_canonical_user_id.own.id
        type = "CanonicalUser"
      }
    }
    grant {
      permission = "WRITE"
      grantee {
        type = "Group"
        uri  = "http://acs.amazonaws.com/groups/s3/LogDelivery"
      }
    }
    grant {
      permission = "READ_ACP"
      grantee {
        type = "Group"
        uri  = "http://acs.amazonaws.com/groups/s3/LogDelivery"
      }
    }
  }
  depends_on = [aws_s3_bucket_ownership_controls.logs]
}

resource "aws_s3_bucket_logging" "site" {
  bucket        = aws_s3_bucket.site.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = var.changed ? "later/" : "access/"
  target_object_key_format {
    partitioned_prefix { partition_date_source = "EventTime" }
  }
  depends_on = [aws_s3_bucket_acl.logs]
}

resource "aws_s3_bucket" "locked" {
  bucket              = "terraform-locked"
  object_lock_enabled = true
  force_destroy       = true
}

resource "aws_s3_bucket_object_lock_configuration" "locked" {
  bucket = aws_s3_bucket.locked.id
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = var.changed ? 2 : 1
    }
  }
}

resource "aws_s3_bucket" "source" {
  bucket        = "terraform-source"
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "source" {
  bucket = aws_s3_bucket.source.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket" "replica" {
  bucket        = "terraform-replica"
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "replica" {
  bucket = aws_s3_bucket.replica.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_kms_key" "own" {
  description             = "of replicas"
  deletion_window_in_days = 7
}

resource "aws_s3_bucket_server_side_encryption_configuration" "replica" {
  bucket = aws_s3_bucket.replica.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.own.arn
    }
    bucket_key_enabled = true
  }
}

resource "aws_iam_role" "replication" {
  name = "terraform-replication"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "s3.amazonaws.com" } }]
  })
}

resource "aws_s3_bucket_replication_configuration" "source" {
  bucket = aws_s3_bucket.source.id
  role   = aws_iam_role.replication.arn
  rule {
    id       = "documents"
    priority = 1
    status   = "Enabled"
    filter {
      and {
        prefix = "documents/"
        tags   = { kind = "paper" }
      }
    }
    delete_marker_replication { status = "Disabled" }
    source_selection_criteria {
      sse_kms_encrypted_objects { status = "Enabled" }
      replica_modifications { status = "Enabled" }
    }
    destination {
      bucket        = aws_s3_bucket.replica.arn
      storage_class = var.changed ? "GLACIER" : "STANDARD_IA"
      encryption_configuration { replica_kms_key_id = aws_kms_key.own.arn }
      metrics {
        status = "Enabled"
        event_threshold { minutes = 15 }
      }
      replication_time {
        status = "Enabled"
        time { minutes = 15 }
      }
    }
  }
  rule {
    id       = "rest"
    priority = 2
    status   = "Disabled"
    filter { prefix = "rest/" }
    delete_marker_replication { status = "Enabled" }
    destination { bucket = aws_s3_bucket.replica.arn }
  }
  depends_on = [aws_s3_bucket_versioning.source, aws_s3_bucket_versioning.replica]
}

resource "aws_s3_bucket_lifecycle_configuration" "source" {
  bucket = aws_s3_bucket.source.id
  rule {
    id     = "classes"
    status = "Enabled"
    filter {
      and {
        prefix                   = "documents/"
        tags                     = { kind = "paper" }
        object_size_greater_than = 1024
        object_size_less_than    = 1048576
      }
    }
    transition {
      days          = 30
      storage_class = "STANDARD_IA"
    }
    transition {
      days          = var.changed ? 100 : 90
      storage_class = "GLACIER"
    }
    noncurrent_version_transition {
      noncurrent_days           = 30
      newer_noncurrent_versions = 2
      storage_class             = "GLACIER_IR"
    }
    noncurrent_version_expiration { noncurrent_days = 400 }
  }
  rule {
    id     = "once"
    status = "Enabled"
    filter {
      tag {
        key   = "kind"
        value = "note"
      }
    }
    expiration { date = "2030-01-01T00:00:00Z" }
  }
  rule {
    id     = "markers"
    status = "Enabled"
    filter {}
    expiration { expired_object_delete_marker = true }
    abort_incomplete_multipart_upload { days_after_initiation = 3 }
  }
  depends_on = [aws_s3_bucket_versioning.source]
}

resource "aws_s3_bucket_object" "older" {
  bucket  = aws_s3_bucket.site.id
  key     = "index.html"
  content = var.changed ? "<p>changed</p>" : "<p>hello</p>"
  # It sends an ACL, which a bucket whose owner owns everything refuses.
  depends_on = [aws_s3_bucket_acl.site]
}

resource "aws_s3_object" "document" {
  bucket             = aws_s3_bucket.source.id
  key                = "documents/ä b.txt"
  content            = var.changed ? "changed" : "hello"
  content_type       = "text/plain"
  checksum_algorithm = "SHA256"
  storage_class      = "STANDARD_IA"
  metadata           = { author = "someone" }
  cache_control      = "max-age=60"
  tags               = { kind = "paper" }
  depends_on         = [aws_s3_bucket_versioning.source]
}

resource "aws_s3_object_copy" "copy" {
  bucket            = aws_s3_bucket.site.id
  key               = "copy.html"
  source            = "${aws_s3_bucket.site.id}/${aws_s3_bucket_object.older.key}"
  tagging_directive = "REPLACE"
  tags              = { changed = var.changed }
  depends_on        = [aws_s3_bucket_acl.site]
}

data "aws_s3_object" "document" {
  bucket        = aws_s3_bucket.source.id
  key           = aws_s3_object.document.key
  checksum_mode = "ENABLED"
}

data "aws_s3_objects" "site" {
  bucket     = aws_s3_bucket.site.id
  depends_on = [aws_s3_object_copy.copy]
}

data "aws_s3_bucket" "site" { bucket = aws_s3_bucket.site.id }
