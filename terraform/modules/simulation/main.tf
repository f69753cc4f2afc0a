# Test clients of one region: instances that run their share of a scenario's clients, and
# put what they counted into a bucket. They know nothing but the region's endpoint.

variable "aws_region" {
  description = "Where AWS has it. Null: where the provider is."
  type        = string
  default     = null
}

variable "region" {
  description = "Name of the region whose clients these are."
  type        = string
}

variable "run" {
  description = "Name of the run; all that it leaves stands under it in the bucket."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,62}$", var.run))
    error_message = "run is lower case letters, digits and hyphens, at most 63."
  }
}

variable "endpoints" {
  description = "URLs of the regions' REST faces, by region: its own, and where clients go when that is gone."
  type        = map(string)
}

variable "network" {
  description = "Where the instances stand."
  type        = object({ vpc_id = string, subnet_ids = list(string) })
}

variable "clients" {
  description = "How many instances, of which type."
  type        = object({ count = optional(number, 1), type = optional(string, "c5.large") })
  default     = {}

  validation {
    condition     = var.clients.count >= 1 && var.clients.count <= 20
    error_message = "clients.count is 1 to 20."
  }
}

variable "bucket" {
  description = "Bucket with the scenario (RUN/scenario.yaml), its start (RUN/start), and for what the run leaves (RUN/clients/...)."
  type        = string
}

variable "bucket_region" {
  description = "Where AWS has the bucket. Null: where the clients are."
  type        = string
  default     = null
}

variable "image" {
  description = "AMI: Debian 13."
  type        = string
}

variable "package" {
  description = "Where the .deb is fetched from (https), and what its bytes hash to."
  type        = object({ url = string, sha256 = string })
}

variable "tags" {
  description = "Tags of everything that is made."
  type        = map(string)
  default     = {}
}

locals {
  tags = merge(var.tags, { "gazetteer:run" = var.run, "gazetteer:region" = var.region })
}

data "aws_partition" "here" {}

data "aws_region" "here" {
  region = var.aws_region
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "client" {
  statement {
    sid       = "ReadTheScenario"
    actions   = ["s3:GetObject"]
    resources = ["arn:${data.aws_partition.here.partition}:s3:::${var.bucket}/${var.run}/*"]
  }

  statement {
    sid       = "LeaveWhatWasCounted"
    actions   = ["s3:PutObject"]
    resources = ["arn:${data.aws_partition.here.partition}:s3:::${var.bucket}/${var.run}/clients/${var.region}/*"]
  }
}

resource "aws_iam_role" "client" {
  name_prefix        = "gazetteer-client-"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = local.tags
}

resource "aws_iam_role_policy" "client" {
  name   = "gazetteer"
  role   = aws_iam_role.client.id
  policy = data.aws_iam_policy_document.client.json
}

resource "aws_iam_instance_profile" "client" {
  name_prefix = "gazetteer-client-"
  role        = aws_iam_role.client.name
  tags        = local.tags
}

resource "aws_security_group" "client" {
  region      = var.aws_region
  name_prefix = "gazetteer-client-"
  description = "Test clients: nobody reaches them"
  vpc_id      = var.network.vpc_id
  tags        = local.tags
}

resource "aws_vpc_security_group_egress_rule" "world" {
  region            = var.aws_region
  security_group_id = aws_security_group.client.id
  description       = "endpoints of all regions, the bucket"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_launch_template" "client" {
  region                               = var.aws_region
  name_prefix                          = "gazetteer-client-${var.region}-"
  image_id                             = var.image
  instance_type                        = var.clients.type
  instance_initiated_shutdown_behavior = "terminate"
  tags                                 = local.tags

  user_data = base64encode(templatefile("${path.module}/cloud-init.yaml.tftpl", {
    aws       = data.aws_region.here.region
    region    = var.region
    run       = var.run
    bucket    = var.bucket
    home      = var.bucket_region == null ? data.aws_region.here.region : var.bucket_region
    endpoints = join(",", [for name, url in var.endpoints : "${name}=${url}"])
    shards    = var.clients.count
    package   = var.package
  }))

  iam_instance_profile { arn = aws_iam_instance_profile.client.arn }

  metadata_options { http_tokens = "required" }

  network_interfaces {
    associate_public_ip_address = true
    security_groups             = [aws_security_group.client.id]
  }

  tag_specifications {
    resource_type = "instance"
    tags          = merge(local.tags, { Name = "gazetteer-client-${var.region}" })
  }
}

resource "aws_autoscaling_group" "client" {
  region              = var.aws_region
  name                = "gazetteer-client-${var.run}-${var.region}"
  min_size            = 0
  max_size            = var.clients.count
  desired_capacity    = var.clients.count
  vpc_zone_identifier = var.network.subnet_ids
  # A client that is done shuts its instance down; it must not come again.
  suspended_processes = ["ReplaceUnhealthy", "AZRebalance"]
  depends_on          = [aws_iam_role_policy.client]

  launch_template {
    id      = aws_launch_template.client.id
    version = aws_launch_template.client.latest_version
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

output "group" {
  description = "Scaling group of the clients."
  value       = aws_autoscaling_group.client.name
}

output "results" {
  description = "Where in the bucket they put what they counted."
  value       = "s3://${var.bucket}/${var.run}/clients/${var.region}/"
}
