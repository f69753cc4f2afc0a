# One balancer stands before the regional servers, voters and elastic ones alike. It passes
# connections on as they are, so that DNS has one address for both of its transports and
# TLS ends where the tokens are checked.

resource "aws_lb" "entry" {
  region                           = var.aws_region
  name_prefix                      = "gaz-"
  load_balancer_type               = "network"
  internal                         = false
  subnets                          = local.subnets
  security_groups                  = [aws_security_group.entry.id]
  enable_cross_zone_load_balancing = true
  tags                             = merge(local.tags, { Name = "gazetteer-${var.name}" })
}

locals {
  listeners = {
    rest = { port = 80, target = local.rest, protocol = "TCP" }
    peer = { port = local.peer, target = local.peer, protocol = "TCP" }
    dns  = { port = 53, target = local.dns, protocol = "TCP_UDP" }
  }
}

resource "aws_lb_target_group" "entry" {
  region      = var.aws_region
  for_each    = local.listeners
  name_prefix = "gaz-"
  port        = each.value.target
  protocol    = each.value.protocol
  vpc_id      = local.vpc
  target_type = "instance"
  # The server itself goes on for a while after it has said that it is not ready.
  deregistration_delay = 30
  tags                 = merge(local.tags, { Name = "gazetteer-${var.name}-${each.key}" })

  health_check {
    protocol            = "HTTP"
    port                = local.rest
    path                = "/readyz"
    matcher             = "200"
    interval            = var.health.interval
    timeout             = var.health.timeout
    healthy_threshold   = var.health.healthy
    unhealthy_threshold = var.health.unhealthy
  }

  lifecycle { create_before_destroy = true }
}

resource "aws_lb_listener" "entry" {
  region            = var.aws_region
  for_each          = local.listeners
  load_balancer_arn = aws_lb.entry.arn
  port              = each.value.port
  protocol          = each.value.protocol
  tags              = local.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.entry[each.key].arn
  }
}
