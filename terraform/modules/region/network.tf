data "aws_availability_zones" "here" {
  region = var.aws_region
  state  = "available"
}

locals {
  own     = var.network == null
  zones   = local.own ? slice(data.aws_availability_zones.here.names, 0, min(var.zones, length(data.aws_availability_zones.here.names))) : []
  vpc     = local.own ? aws_vpc.own[0].id : var.network.vpc_id
  subnets = local.own ? aws_subnet.own[*].id : var.network.subnet_ids

  # A volume lies in one zone, and so does the node that keeps its data on it.
  subnet_zones = local.own ? aws_subnet.own[*].availability_zone : data.aws_subnet.given[*].availability_zone
}

data "aws_subnet" "given" {
  region = var.aws_region
  count  = local.own ? 0 : length(var.network.subnet_ids)
  id     = var.network.subnet_ids[count.index]
}

resource "aws_vpc" "own" {
  region               = var.aws_region
  count                = local.own ? 1 : 0
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = merge(local.tags, { Name = "gazetteer-${var.name}" })
}

resource "aws_internet_gateway" "own" {
  region = var.aws_region
  count  = local.own ? 1 : 0
  vpc_id = aws_vpc.own[0].id
  tags   = local.tags
}

resource "aws_route_table" "own" {
  region = var.aws_region
  count  = local.own ? 1 : 0
  vpc_id = aws_vpc.own[0].id
  tags   = local.tags

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.own[0].id
  }
}

resource "aws_subnet" "own" {
  region                  = var.aws_region
  count                   = length(local.zones)
  vpc_id                  = aws_vpc.own[0].id
  availability_zone       = local.zones[count.index]
  cidr_block              = cidrsubnet(var.cidr, 3, count.index)
  map_public_ip_on_launch = true
  tags                    = merge(local.tags, { Name = "gazetteer-${var.name}-${local.zones[count.index]}" })
}

resource "aws_route_table_association" "own" {
  region         = var.aws_region
  count          = length(local.zones)
  subnet_id      = aws_subnet.own[count.index].id
  route_table_id = aws_route_table.own[0].id
}
