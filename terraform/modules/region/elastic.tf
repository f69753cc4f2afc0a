# Servers whose number follows the load. They keep nothing: a new one joins by the token
# that the voters keep fresh, one that is taken away is forgotten by the region.

resource "aws_launch_template" "elastic" {
  region                 = var.aws_region
  for_each               = local.elastic
  name_prefix            = "gazetteer-${var.name}-${each.key}-"
  image_id               = local.image
  instance_type          = each.value.type
  update_default_version = true
  tags                   = local.tags

  user_data = base64encode(templatefile("${path.module}/cloud-init.yaml.tftpl", merge(local.common, {
    node   = ""
    roles  = each.value.roles
    founds = ""
    volume = ""
    voter  = false
  })))

  iam_instance_profile { arn = aws_iam_instance_profile.node["elastic"].arn }

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  monitoring { enabled = true } # metrics of 60 s

  network_interfaces {
    associate_public_ip_address = var.address == "public"
    security_groups             = [aws_security_group.node.id]
  }

  tag_specifications {
    resource_type = "instance"
    tags          = merge(local.tags, { Name = "gazetteer-${var.name}-${each.key}" })
  }
}

resource "aws_autoscaling_group" "elastic" {
  region                    = var.aws_region
  for_each                  = local.elastic
  name                      = "gazetteer-${var.name}-${each.key}"
  min_size                  = each.value.min
  max_size                  = each.value.max
  default_cooldown          = var.scaling.cooldown
  vpc_zone_identifier       = local.subnets
  target_group_arns         = each.key == "server" ? [for t in aws_lb_target_group.entry : t.arn] : []
  health_check_type         = each.key == "server" ? "ELB" : "EC2"
  health_check_grace_period = 300
  depends_on                = [aws_iam_role_policy.node, aws_ssm_parameter.join, aws_lb_listener.entry]

  launch_template {
    id      = aws_launch_template.elastic[each.key].id
    version = aws_launch_template.elastic[each.key].latest_version
  }

  dynamic "tag" {
    for_each = local.tags

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  lifecycle { ignore_changes = [desired_capacity] } # the alarms' business
}

resource "aws_autoscaling_policy" "step" {
  region = var.aws_region
  for_each = merge([for g in keys(local.elastic) : {
    "${g} up"   = { group = g, by = 1 }
    "${g} down" = { group = g, by = -1 }
  }]...)
  name                   = replace(each.key, " ", "-")
  autoscaling_group_name = aws_autoscaling_group.elastic[each.value.group].name
  policy_type            = "SimpleScaling"
  adjustment_type        = "ChangeInCapacity"
  scaling_adjustment     = each.value.by
  cooldown               = var.scaling.cooldown
}

resource "aws_cloudwatch_metric_alarm" "cpu" {
  region              = var.aws_region
  for_each            = aws_autoscaling_policy.step
  alarm_name          = "gazetteer-${var.name}-${each.value.name}"
  alarm_description   = "Mean CPU of the group, which changes the number of its servers"
  namespace           = "AWS/EC2"
  metric_name         = "CPUUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = var.scaling.periods
  comparison_operator = endswith(each.key, "up") ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = endswith(each.key, "up") ? var.scaling.up : var.scaling.down
  dimensions          = { AutoScalingGroupName = each.value.autoscaling_group_name }
  alarm_actions       = [each.value.arn]
  tags                = local.tags
}
