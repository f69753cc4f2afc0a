mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "eu-west-1" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_iam_instance_profile" {
    defaults = { arn = "arn:aws:iam::000000000000:instance-profile/x" }
  }
}

variables {
  region    = "eu-west-1"
  run       = "paper-1"
  endpoints = { eu-west-1 = "http://a.example", us-east-1 = "http://b.example" }
  network   = { vpc_id = "vpc-1", subnet_ids = ["subnet-1"] }
  bucket    = "bucket"
  image     = "ami-1"
  package   = { url = "https://example.org/gazetteer.deb", sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
}

run "clients_of_a_region" {
  variables {
    clients = { count = 3 }
  }
  assert {
    condition     = aws_autoscaling_group.client.desired_capacity == 3
    error_message = "three clients"
  }
  assert {
    condition     = strcontains(base64decode(aws_launch_template.client.user_data), "GAZETTEER_ENDPOINTS=eu-west-1=http://a.example,us-east-1=http://b.example\n")
    error_message = "clients know where to go when their region is gone"
  }
  assert {
    condition     = strcontains(base64decode(aws_launch_template.client.user_data), "GAZETTEER_BUCKET_REGION=eu-west-1\n")
    error_message = "the bucket is where the clients are, unless it is said"
  }
  assert {
    condition     = aws_launch_template.client.instance_initiated_shutdown_behavior == "terminate"
    error_message = "a client that is done costs nothing more"
  }
}

run "refuses_what_cannot_be" {
  command = plan
  variables {
    run     = "Paper 1"
    clients = { count = 0 }
  }
  expect_failures = [var.run, var.clients]
}
