mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-west-1a", "eu-west-1b", "eu-west-1c"] }
  }
  mock_data "aws_region" {
    defaults = { region = "eu-west-1" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:loadbalancer/net/x/1", dns_name = "entry.example" }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/x/1" }
  }
  mock_resource "aws_iam_instance_profile" {
    defaults = { arn = "arn:aws:iam::000000000000:instance-profile/x" }
  }
  mock_resource "aws_autoscaling_policy" {
    defaults = { arn = "arn:aws:autoscaling:eu-west-1:000000000000:scalingPolicy:x" }
  }
}

variables {
  name    = "eu-west-1"
  place   = { lat = 53.35, lon = -6.26 }
  package = { url = "https://example.org/gazetteer.deb", sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
}

run "a_region_of_its_own" {
  assert {
    condition     = output.nodes.voters == tolist(["eu-west-1-v1", "eu-west-1-v2", "eu-west-1-v3"])
    error_message = "three voters keep the plan"
  }
  assert {
    condition     = output.nodes.replicas == tolist(["eu-west-1-r1-1", "eu-west-1-r1-2", "eu-west-1-r1-3"])
    error_message = "one ring of three replicas"
  }
  assert {
    condition     = length(distinct([for i in range(3) : aws_ebs_volume.keeper["eu-west-1-r1-${i + 1}"].availability_zone])) == 3
    error_message = "the replicas of a ring stand in three zones"
  }
  assert {
    condition     = alltrue([for v in aws_ebs_volume.keeper : v.encrypted])
    error_message = "volumes are encrypted"
  }
  assert {
    condition     = length([for k, t in aws_launch_template.keeper : k if strcontains(base64decode(t.user_data), "GAZETTEER_FOUNDS=1\n")]) == 1
    error_message = "exactly one node founds the region"
  }
  assert {
    condition     = alltrue([for t in concat(values(aws_launch_template.keeper), values(aws_launch_template.elastic)) : !strcontains(base64decode(t.user_data), "TOKEN")])
    error_message = "no token stands in user data"
  }
  assert {
    condition     = alltrue([for t in concat(values(aws_launch_template.keeper), values(aws_launch_template.elastic)) : t.metadata_options[0].http_tokens == "required"])
    error_message = "the metadata service asks for a session"
  }
  assert {
    condition     = alltrue([for d in values(aws_vpc_security_group_ingress_rule.clients) : contains([80, 53], d.from_port)])
    error_message = "clients reach REST and DNS, nothing else"
  }
  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.peers) == 0
    error_message = "without peers nobody outside reaches the peer port"
  }
  assert {
    condition     = aws_lb_target_group.entry["rest"].health_check[0].path == "/readyz"
    error_message = "the balancer asks for readiness"
  }
}

run "joins_a_planet" {
  variables {
    planet              = ["entry.example.org:7070"]
    admission_parameter = "/gazetteer/admission"
    peers               = ["198.51.100.0/24"]
    replicas            = { rings = 2, each = 2 }
    servers             = { min = 1, max = 4 }
  }
  assert {
    condition     = strcontains(base64decode(aws_launch_template.keeper["eu-west-1-v1"].user_data), "GAZETTEER_PLANET=entry.example.org:7070\n")
    error_message = "the founder knows the planet"
  }
  assert {
    condition     = length(output.nodes.replicas) == 4
    error_message = "two rings of two"
  }
  assert {
    condition     = aws_autoscaling_group.elastic["server"].min_size == 1 && aws_autoscaling_group.elastic["server"].max_size == 4
    error_message = "elastic servers within their bounds"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.peers["198.51.100.0/24"].from_port == 7070
    error_message = "other regions reach the peer port"
  }
}

run "in_a_network_that_is_there" {
  variables {
    network = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"] }
  }
  assert {
    condition     = length(aws_vpc.own) == 0 && output.vpc_id == "vpc-1"
    error_message = "no network is made beside the given one"
  }
}

run "refuses_what_cannot_be" {
  command = plan
  variables {
    name     = "EU_west"
    place    = { lat = 91, lon = 0 }
    voters   = { count = 2 }
    peers    = ["0.0.0.0/0"]
    health   = { interval = 5, timeout = 5 }
    scaling  = { up = 20, down = 60 }
    replicas = { rings = 0 }
    cidr     = "10.0.0.0/28"
    package  = { url = "http://example.org/gazetteer.deb", sha256 = "" }
    planet   = ["entry.example.org"]
  }
  expect_failures = [var.name, var.place, var.voters, var.peers, var.health, var.scaling, var.replicas, var.cidr, var.package, var.planet]
}

run "refuses_to_join_without_a_token" {
  command = plan
  variables {
    planet = ["entry.example.org:7070"]
  }
  expect_failures = [var.admission_parameter]
}
