# What people write who come from other tools.
terraform {
  required_version = ">= 1.0"
}

resource "flow" "x" {}

data "x" "y" {}

dag "x" {}

flow "f" {
  count    = 2
  schedule = "@daily"
  lifecycle { prevent_destroy = true }

  job "shell" "a" {
    retries      = 3
    depends_on   = [job.b]
    trigger_rule = "all_done"
    bash_command = "true"
    script       = "for i in 1 2; do echo ${i}; done"
  }
}

schedule "s" {
  flow       = flow.f
  cron       = "0 1 * * *"
  start_date = "2026-01-01"
  catchup    = false
}

pool "p" {
  size       = 3
  depends_on = [flow.f]
}

calendar "c" {
  count = 1
}

provider "x" {}

import {
  to = flow.f
}

lft {
  backend "s3" {}
}

module "m" {
  source = "./m"
}

locals {
  where = terraform.workspace
  which = count.index
  what  = data.x.y
  mine  = self.name
  whose = nobody.home
}

flow "g" {
  job "shell" "a" {
    command = ["true"]
    lifecycle {
      ignore_changes = all
    }
    postcondition {
      condition     = true
      error_message = ""
    }
  }
}
