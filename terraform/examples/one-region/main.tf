# One region in one place: a whole service, and the beginning of a planet.

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
  region = "eu-west-1"
}

variable "package" {
  description = "The .deb to run."
  type        = object({ url = string, sha256 = string })
}

module "region" {
  source  = "../../modules/region"
  name    = "eu-west-1"
  place   = { lat = 53.34, lon = -6.27 }
  package = var.package
}

output "endpoint" {
  value = module.region.endpoint
}
