mock_provider "aws" {}

variables {
  parent_zone_id = "Z1"
  zone           = "where.example.org"
  regions = {
    eu-west-1 = { dns_name = "a.example", zone_id = "ZA", aws_region = "eu-west-1" }
    us-east-1 = { dns_name = "b.example", zone_id = "ZB", aws_region = "us-east-1" }
  }
}

run "delegates_to_every_region" {
  assert {
    condition     = tolist(aws_route53_record.delegation.records) == tolist(["eu-west-1-ns.example.org.", "us-east-1-ns.example.org."])
    error_message = "the zone's name servers are the regions', named beside it"
  }
  assert {
    condition     = aws_route53_record.entry["us-east-1"].alias[0].name == "b.example"
    error_message = "the entry leads to the region's balancer"
  }
}

run "refuses_a_zone_that_is_none" {
  command = plan
  variables {
    zone    = "example"
    regions = {}
  }
  expect_failures = [var.zone, var.regions]
}
