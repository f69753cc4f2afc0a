# Clients reach the balancer, the balancer and peers reach servers, servers reach the world:
# they check locations, and fetch their package.

resource "aws_security_group" "entry" {
  region      = var.aws_region
  name_prefix = "gazetteer-${var.name}-entry-"
  description = "The balancers of region ${var.name}"
  vpc_id      = local.vpc
  tags        = local.tags

  lifecycle { create_before_destroy = true }
}

resource "aws_security_group" "node" {
  region      = var.aws_region
  name_prefix = "gazetteer-${var.name}-node-"
  description = "The servers of region ${var.name}"
  vpc_id      = local.vpc
  tags        = local.tags

  lifecycle { create_before_destroy = true }
}

locals {
  doors = { for d in flatten([
    for n in var.clients : [
      { key = "rest ${n}", from = n, port = 80, protocol = "tcp" },
      { key = "dns-udp ${n}", from = n, port = 53, protocol = "udp" },
      { key = "dns-tcp ${n}", from = n, port = 53, protocol = "tcp" },
    ]
  ]) : d.key => d }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  region            = var.aws_region
  for_each          = local.doors
  security_group_id = aws_security_group.entry.id
  description       = each.key
  cidr_ipv4         = each.value.from
  from_port         = each.value.port
  to_port           = each.value.port
  ip_protocol       = each.value.protocol
}

resource "aws_vpc_security_group_ingress_rule" "joining" {
  region            = var.aws_region
  for_each          = toset(var.peers)
  security_group_id = aws_security_group.entry.id
  description       = "regions of the planet"
  cidr_ipv4         = each.key
  from_port         = local.peer
  to_port           = local.peer
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_ingress_rule" "own_joining" {
  region                       = var.aws_region
  security_group_id            = aws_security_group.entry.id
  description                  = "servers of this region"
  referenced_security_group_id = aws_security_group.node.id
  from_port                    = local.peer
  to_port                      = local.peer
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "to_nodes" {
  region                       = var.aws_region
  for_each                     = { rest = [local.rest, "tcp"], peer = [local.peer, "tcp"], dns-udp = [local.dns, "udp"], dns-tcp = [local.dns, "tcp"] }
  security_group_id            = aws_security_group.entry.id
  description                  = each.key
  referenced_security_group_id = aws_security_group.node.id
  from_port                    = each.value[0]
  to_port                      = each.value[0]
  ip_protocol                  = each.value[1]
}

resource "aws_vpc_security_group_ingress_rule" "from_entry" {
  region                       = var.aws_region
  for_each                     = { rest = [local.rest, "tcp"], peer = [local.peer, "tcp"], dns-udp = [local.dns, "udp"], dns-tcp = [local.dns, "tcp"] }
  security_group_id            = aws_security_group.node.id
  description                  = "${each.key} by the balancer"
  referenced_security_group_id = aws_security_group.entry.id
  from_port                    = each.value[0]
  to_port                      = each.value[0]
  ip_protocol                  = each.value[1]
}

resource "aws_vpc_security_group_ingress_rule" "mates" {
  region                       = var.aws_region
  security_group_id            = aws_security_group.node.id
  description                  = "peer port, inside the region"
  referenced_security_group_id = aws_security_group.node.id
  from_port                    = local.peer
  to_port                      = local.peer
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_ingress_rule" "peers" {
  region            = var.aws_region
  for_each          = toset(var.peers)
  security_group_id = aws_security_group.node.id
  description       = "peer port, other regions"
  cidr_ipv4         = each.key
  from_port         = local.peer
  to_port           = local.peer
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "world" {
  region            = var.aws_region
  security_group_id = aws_security_group.node.id
  description       = "health checks of locations, packages, other regions"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
