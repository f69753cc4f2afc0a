output "name" {
  description = "Name of the region."
  value       = var.name
}

output "endpoint" {
  description = "URL of the region's REST face."
  value       = "http://${aws_lb.entry.dns_name}"
}

output "dns_entry" {
  description = "Host that answers DNS queries; what a zone is delegated to."
  value       = aws_lb.entry.dns_name
}

output "peer_entry" {
  description = "HOST:PORT by which other regions join."
  value       = "${aws_lb.entry.dns_name}:${local.peer}"
}

output "balancer" {
  description = "Balancer in front of the regional servers: its name in CloudWatch, and the zone for alias records."
  value       = { arn_suffix = aws_lb.entry.arn_suffix, zone_id = aws_lb.entry.zone_id, dns_name = aws_lb.entry.dns_name }
}

output "vpc_id" {
  description = "Network of the region."
  value       = local.vpc
}

output "subnet_ids" {
  description = "Its public subnets, one for each zone."
  value       = local.subnets
}

output "groups" {
  description = "Scaling groups by what they hold: nodes that keep data by name, and the elastic ones."
  value = merge(
    { for k, g in aws_autoscaling_group.keeper : k => g.name },
    { for k, g in aws_autoscaling_group.elastic : k => g.name },
  )
}

output "nodes" {
  description = "Names of the nodes that keep data."
  value       = { voters = sort(keys(local.voters)), replicas = sort(keys(local.replicas)) }
}

output "targets" {
  description = "Target groups of the balancer, by listener: for whoever takes servers out of it, and their names in CloudWatch."
  value       = { for k, t in aws_lb_target_group.entry : k => { arn = t.arn, arn_suffix = t.arn_suffix, port = t.port } }
}

output "image" {
  description = "AMI of the instances."
  value       = local.image
}
