# A node may read the secrets by which it joins, and attach the volumes of its region to
# itself. Only voters write the join token.

resource "aws_ssm_parameter" "join" {
  region      = var.aws_region
  name        = local.join_parameter
  description = "Join token of region ${var.name}; its voters put a fresh one here every half hour."
  type        = "SecureString"
  # The token itself is never in the state: it is written by the voters.
  value_wo         = "none"
  value_wo_version = 1
  tags             = local.tags
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

locals {
  arn = "arn:${data.aws_partition.here.partition}"
  ssm = "${local.arn}:ssm:${data.aws_region.here.region}:${data.aws_caller_identity.here.account_id}:parameter"
  ec2 = "${local.arn}:ec2:${data.aws_region.here.region}:${data.aws_caller_identity.here.account_id}"
}

data "aws_iam_policy_document" "node" {
  for_each = { keeper = true, elastic = false }

  statement {
    sid       = "ReadWhatItJoinsBy"
    actions   = ["ssm:GetParameter"]
    resources = compact(["${local.ssm}${local.join_parameter}", each.value && var.admission_parameter != "" ? "${local.ssm}${var.admission_parameter}" : ""])
  }

  dynamic "statement" {
    for_each = each.value ? [1] : []

    content {
      sid       = "AttachVolumesOfTheRegion"
      actions   = ["ec2:AttachVolume"]
      resources = ["${local.ec2}:volume/*", "${local.ec2}:instance/*"]

      condition {
        test     = "StringEquals"
        variable = "aws:ResourceTag/gazetteer:region"
        values   = [var.name]
      }
    }
  }

  dynamic "statement" {
    for_each = each.value ? [1] : []

    content {
      sid       = "WriteTheJoinToken"
      actions   = ["ssm:PutParameter"]
      resources = ["${local.ssm}${local.join_parameter}"]
    }
  }
}

resource "aws_iam_role" "node" {
  for_each           = data.aws_iam_policy_document.node
  name_prefix        = "gazetteer-${each.key}-"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = local.tags
}

resource "aws_iam_role_policy" "node" {
  for_each = data.aws_iam_policy_document.node
  name     = "gazetteer"
  role     = aws_iam_role.node[each.key].id
  policy   = each.value.json
}

resource "aws_iam_instance_profile" "node" {
  for_each    = aws_iam_role.node
  name_prefix = "gazetteer-${each.key}-"
  role        = each.value.name
  tags        = local.tags
}
