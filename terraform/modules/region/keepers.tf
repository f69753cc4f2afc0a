# Nodes that keep data: voters and replicas. Each is a scaling group of one, so that a dead
# instance is replaced, and has a volume that outlives it.

resource "aws_ebs_volume" "keeper" {
  region            = var.aws_region
  for_each          = local.keepers
  availability_zone = local.subnet_zones[each.value.zone]
  size              = each.value.gib
  type              = "gp3"
  iops              = each.value.iops
  encrypted         = true
  tags              = merge(local.tags, { Name = each.key })
}

resource "aws_launch_template" "keeper" {
  region                 = var.aws_region
  for_each               = local.keepers
  name_prefix            = "${each.key}-"
  image_id               = local.image
  instance_type          = each.value.type
  update_default_version = true
  tags                   = local.tags

  user_data = base64encode(templatefile("${path.module}/cloud-init.yaml.tftpl", merge(local.common, {
    node   = each.key
    roles  = each.value.roles
    founds = each.value.founds ? "1" : ""
    volume = aws_ebs_volume.keeper[each.key].id
    voter  = !each.value.replica
  })))

  iam_instance_profile { arn = aws_iam_instance_profile.node["keeper"].arn }

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  network_interfaces {
    associate_public_ip_address = var.address == "public"
    security_groups             = [aws_security_group.node.id]
  }

  tag_specifications {
    resource_type = "instance"
    tags          = merge(local.tags, { Name = each.key })
  }
}

resource "aws_autoscaling_group" "keeper" {
  region                    = var.aws_region
  for_each                  = local.keepers
  name                      = "gazetteer-${each.key}"
  min_size                  = 1
  max_size                  = 1
  desired_capacity          = 1
  vpc_zone_identifier       = [local.subnets[each.value.zone]]
  target_group_arns         = each.value.replica ? [] : [for t in aws_lb_target_group.entry : t.arn]
  health_check_type         = "EC2"
  health_check_grace_period = 300
  depends_on                = [aws_iam_role_policy.node, aws_ssm_parameter.join, aws_lb_listener.entry]

  launch_template {
    id      = aws_launch_template.keeper[each.key].id
    version = aws_launch_template.keeper[each.key].latest_version
  }

  dynamic "tag" {
    for_each = local.tags

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }
}
