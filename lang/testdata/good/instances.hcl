variable "on" {
  type    = bool
  default = false
}

locals {
  # in any order
  shops = { for s in local.names : s => { size = length(s) } }
  names = ["b", "a"]
}

flow "per" {
  for_each    = local.shops
  description = "shop ${each.key} of ${each.value.size}"
  enabled     = each.key != "c"

  job "shell" "own" {
    command = ["x", each.key, "${each.value.size}"]
    output "n" { type = number }
  }

  job "shell" "inner" {
    for_each = toset(["u", "v"])
    command  = ["x", each.value]
    stdin    = "${job.own.output.n}-${each.key}-${local.shops.a.size}"
    output "n" { type = number }
  }

  job "shell" "off" {
    enabled = var.on
    command = ["x"]
    output "n" { type = number }
  }

  job "shell" "last" {
    after   = [job.inner["u"], job.off, job.own]
    command = [for k, v in job.inner : "${k}=${v.output.n}"]
    stdin   = try(job.off.output.n, job.inner["v"].status)
  }
}

flow "gone" {
  enabled = var.on
  job "noop" "a" {}
}

schedule "s" {
  for_each = local.shops
  flow     = flow.per[each.key]
  every    = "15m"
  offset   = "${each.value.size}m"
  enabled  = each.key == "a"
}
