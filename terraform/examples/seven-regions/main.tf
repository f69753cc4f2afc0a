# The seven regions that AWS had in 2012, as one planet.
#
# A region is one entry of the map. Taking one more in changes nothing of the others: they
# hear of it through the feed, and build the next tree themselves.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

provider "aws" {
  region = local.first
}

variable "package" {
  description = "The .deb to run."
  type        = object({ url = string, sha256 = string })
}

variable "admission_parameter" {
  description = "Name of the SSM parameter, in each AWS region, with the token by which the planet lets a region in."
  type        = string
  default     = "/gazetteer/admission"
}

variable "more" {
  description = "Further regions, as in the map below."
  type        = map(object({ lat = number, lon = number, cidr = string }))
  default     = {}
}

locals {
  # The founder: others join by it. It may go later; they know one another by then.
  first = "us-east-1"

  regions = merge({
    us-east-1      = { lat = 39.05, lon = -77.49, cidr = "10.70.0.0/16" }
    us-west-1      = { lat = 37.77, lon = -122.42, cidr = "10.71.0.0/16" }
    us-west-2      = { lat = 45.52, lon = -122.68, cidr = "10.72.0.0/16" }
    eu-west-1      = { lat = 53.35, lon = -6.26, cidr = "10.73.0.0/16" }
    ap-southeast-1 = { lat = 1.35, lon = 103.82, cidr = "10.74.0.0/16" }
    ap-northeast-1 = { lat = 35.68, lon = 139.65, cidr = "10.75.0.0/16" }
    sa-east-1      = { lat = -23.56, lon = -46.64, cidr = "10.76.0.0/16" }
  }, var.more)
}

module "first" {
  source     = "../../modules/region"
  aws_region = local.first
  name       = local.first
  place      = { lat = local.regions[local.first].lat, lon = local.regions[local.first].lon }
  cidr       = local.regions[local.first].cidr
  package    = var.package
}

module "region" {
  source   = "../../modules/region"
  for_each = { for name, r in local.regions : name => r if name != local.first }

  aws_region          = each.key
  name                = each.key
  place               = { lat = each.value.lat, lon = each.value.lon }
  cidr                = each.value.cidr
  planet              = [module.first.peer_entry]
  admission_parameter = var.admission_parameter
  package             = var.package
}

output "endpoints" {
  description = "URLs of the regions' REST faces."
  value       = merge({ (local.first) = module.first.endpoint }, { for name, m in module.region : name => m.endpoint })
}

output "name_servers" {
  description = "Hosts that answer DNS queries, for modules/edge-dns."
  value       = merge({ (local.first) = module.first.balancer }, { for name, m in module.region : name => m.balancer })
}
