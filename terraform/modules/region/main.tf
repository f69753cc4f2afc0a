locals {
  tags = merge(var.tags, { "gazetteer:region" = var.name })

  rest = 8080
  peer = 7070
  dns  = 5353

  # What the instances of this region may read and write of secrets.
  join_parameter = "/gazetteer/${var.name}/join"

  # The nodes that keep data. A name stands for a volume and a zone for good: a later
  # change of their number touches no other node.
  voters = { for i in range(var.voters.count) : "${var.name}-v${i + 1}" => {
    zone    = i % length(local.subnets)
    roles   = "region,cluster"
    type    = var.voters.type
    gib     = var.voters.volume_gib
    iops    = 3000
    founds  = i == 0
    replica = false
  } }
  replicas = { for r in setproduct(range(var.replicas.rings), range(var.replicas.each)) : "${var.name}-r${r[0] + 1}-${r[1] + 1}" => {
    zone    = r[1] % length(local.subnets)
    roles   = "replica"
    type    = var.replicas.type
    gib     = var.replicas.volume_gib
    iops    = var.replicas.iops
    founds  = false
    replica = true
  } }
  keepers = merge(local.voters, local.replicas)

  elastic = {
    server  = { roles = "router,region", type = var.servers.type, min = var.servers.min, max = var.servers.max }
    cluster = { roles = "cluster", type = var.cluster_servers.type, min = var.cluster_servers.min, max = var.cluster_servers.max }
  }

  common = {
    region    = var.name
    aws       = data.aws_region.here.region
    place     = "${var.place.lat},${var.place.lon}"
    entry     = "${aws_lb.entry.dns_name}:${local.peer}"
    planet    = join(",", var.planet)
    join      = local.join_parameter
    admission = var.admission_parameter
    address   = var.address
    extra     = join(" ", var.flags)
    package   = var.package
  }
}

data "aws_region" "here" {
  region = var.aws_region
}

data "aws_caller_identity" "here" {}

data "aws_partition" "here" {}

data "aws_ami" "debian" {
  region      = var.aws_region
  count       = var.image == null ? 1 : 0
  most_recent = true
  owners      = ["136693071363"] # Debian

  filter {
    name   = "name"
    values = ["debian-13-amd64-*"]
  }
}

locals {
  image = var.image == null ? data.aws_ami.debian[0].id : var.image
}
