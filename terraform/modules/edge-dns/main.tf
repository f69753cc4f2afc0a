# Delegates the service's zone to its regions. Each region's balancer answers DNS itself and
# knows which regions live; this is only about how a resolver finds one of them.

variable "parent_zone_id" {
  description = "Route 53 zone in which the service's zone is delegated."
  type        = string
}

variable "zone" {
  description = "The service's zone, as `gazetteer server --zone` has it, such as where.example.org; it lies in the parent zone."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.zone))
    error_message = "zone is a domain name without a dot at its end, such as where.example.org."
  }
}

variable "regions" {
  description = "By name, what the region module says of its balancer (output balancer) and where AWS has it."
  type        = map(object({ dns_name = string, zone_id = string, aws_region = string }))

  validation {
    condition     = length(var.regions) > 0
    error_message = "A zone is delegated to at least one region."
  }
}

variable "ttl" {
  description = "Seconds that the delegation may be kept."
  type        = number
  default     = 300
}

variable "tags" {
  description = "Tags of everything that is made."
  type        = map(string)
  default     = {}
}

locals {
  # Names of the name servers stand beside the zone, not in it: glue would have to be
  # kept equal with balancers whose addresses change.
  servers = { for name, r in var.regions : name => "${name}-ns.${local.beside}" }
  beside  = join(".", slice(split(".", var.zone), 1, length(split(".", var.zone))))
  entry   = "entry-${var.zone}"
}

resource "aws_route53_health_check" "region" {
  for_each          = var.regions
  fqdn              = each.value.dns_name
  port              = 80
  type              = "HTTP"
  resource_path     = "/readyz"
  request_interval  = 10
  failure_threshold = 3
  tags              = merge(var.tags, { Name = "gazetteer-${each.key}" })
}

resource "aws_route53_record" "server" {
  for_each = var.regions
  zone_id  = var.parent_zone_id
  name     = local.servers[each.key]
  type     = "A"

  alias {
    name                   = each.value.dns_name
    zone_id                = each.value.zone_id
    evaluate_target_health = false
  }
}

resource "aws_route53_record" "delegation" {
  zone_id = var.parent_zone_id
  name    = var.zone
  type    = "NS"
  ttl     = var.ttl
  records = [for s in values(local.servers) : "${s}."]
}

# For clients whose resolver cannot be delegated to: one name, the region of least latency
# that is healthy.
resource "aws_route53_record" "entry" {
  for_each        = var.regions
  zone_id         = var.parent_zone_id
  name            = local.entry
  type            = "A"
  set_identifier  = each.key
  health_check_id = aws_route53_health_check.region[each.key].id

  latency_routing_policy { region = each.value.aws_region }

  alias {
    name                   = each.value.dns_name
    zone_id                = each.value.zone_id
    evaluate_target_health = true
  }
}

output "name_servers" {
  description = "Hosts to which the zone is delegated."
  value       = values(local.servers)
}

output "entry" {
  description = "Name that leads to the healthy region of least latency by itself."
  value       = local.entry
}
