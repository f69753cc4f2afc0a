# One more region for a planet that runs, here as a process of this machine. On AWS the
# module region stands in the place of terraform_data.server.

terraform {
  required_version = ">= 1.11"
  required_providers {
    gazetteer = { source = "gazetteer/gazetteer" }
  }
}

variable "addr" {
  description = "URL of a regional server of the planet, of another region than the new one."
  type        = string
}

variable "name" {
  description = "Name of the new region."
  type        = string
  default     = "syd"
}

variable "place" {
  description = "Where it is: LAT,LON."
  type        = string
  default     = "-33.9,151.2"
}

variable "peer" {
  description = "HOST:PORT at which other servers reach it."
  type        = string
  default     = "127.0.0.1:7171"
}

variable "data" {
  description = "Directory for what it keeps."
  type        = string
}

provider "gazetteer" {
  addr = var.addr
}

# The planet expects the region.
resource "gazetteer_region" "new" {
  name = var.name
}

# What lets it in, once. Neither plan nor state holds it.
ephemeral "gazetteer_join_token" "new" {
  region = gazetteer_region.new.id
}

# Its server. A destroy stops it after the region has left.
resource "terraform_data" "server" {
  input = { data = var.data }

  provisioner "local-exec" {
    command = "${path.module}/server start"
    environment = {
      GAZETTEER_TOKEN = ephemeral.gazetteer_join_token.new.token
      PLANET          = join(",", coalesce(ephemeral.gazetteer_join_token.new.contacts, []))
      REGION          = var.name
      PLACE           = var.place
      PEER            = var.peer
      DATA            = var.data
    }
  }

  provisioner "local-exec" {
    when        = destroy
    command     = "${path.module}/server stop"
    environment = { DATA = self.input.data }
  }

  depends_on = [gazetteer_region.new]
}

# It is in the tree. A destroy begins here: the region is drained and removed while its
# server still runs.
resource "gazetteer_region_arrival" "new" {
  region     = gazetteer_region.new.id
  depends_on = [terraform_data.server]
}

output "seconds_to_tree" {
  description = "From the server's start until the tree leads to it."
  value       = gazetteer_region_arrival.new.waited_seconds
}
