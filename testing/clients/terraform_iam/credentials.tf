resource "aws_iam_access_key" "ann" {
  user   = aws_iam_user.ann.name
  status = var.status
}

resource "aws_iam_user_login_profile" "ann" {
  user                    = aws_iam_user.ann.name
  password_length         = 20
  password_reset_required = true
}

resource "aws_iam_user_ssh_key" "ann" {
  username   = aws_iam_user.ann.name
  encoding   = "SSH"
  public_key = file("${path.module}/ssh.pub")
  status     = var.status
}

resource "aws_iam_service_specific_credential" "logs" {
  service_name = "logs.amazonaws.com"
  user_name    = aws_iam_user.ann.name
  status       = var.status
}

resource "aws_iam_signing_certificate" "ann" {
  user_name        = aws_iam_user.ann.name
  certificate_body = file("${path.module}/certificate.pem")
  status           = var.status
}

resource "aws_iam_server_certificate" "web" {
  name             = "web"
  path             = var.path
  certificate_body = file("${path.module}/certificate.pem")
  private_key      = file("${path.module}/private_key.pem")
}

resource "aws_iam_virtual_mfa_device" "phone" {
  virtual_mfa_device_name = "phone"
  path                    = "/terraform/"
}
