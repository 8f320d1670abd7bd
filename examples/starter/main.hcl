# A project of lft. Everything in the *.hcl files of this folder belongs together, in any order.
#
#     lft plan              what would be deployed
#     lft apply             deploy it (into .lft/ here; -state=mysql://… for a shared one)
#     lft run flow.daily    run the flow once, here and now
#     lft dev               master, agent and schedules in one process

lft {
  project = "starter" # unique in the state it is applied to
}

# A value from outside: -var greeting=…, -var-file=FILE, LFT_VAR_greeting, or lft.vars in this folder.
variable "greeting" {
  type        = string
  default     = "Good morning"
  description = "What the report starts with"
}

locals {
  shops = {
    north = 12
    south = 30
  }
}

# At most this many jobs that name the pool run at a time, whatever flows they are of.
pool "reading" { slots = 2 }

# A flow is a set of jobs and what they wait for.
flow "daily" {
  description = "Reads each shop's orders of a day, adds them up, writes a report"

  # One at a time; the next one waits.
  concurrency { max = 1 }

  # An input: lft run flow.daily -param day=2026-01-31. A schedule gives it the day it is fired for.
  param "day" {
    type    = string
    default = formatdate("YYYY-MM-DD", run.scheduled_for)
  }

  # For all jobs below that do not say otherwise.
  defaults {
    timeout = "5m"
    retry {
      attempts = 2
      delay    = "1s"
    }
  }

  # One job for each shop: job.read["north"] and job.read["south"].
  job "shell" "read" {
    for_each = local.shops
    pool     = pool.reading
    command  = ["/bin/sh", "-eu", "-c", "echo orders=$ORDERS >> $LFT_OUTPUT"]
    env      = { ORDERS = "${each.value}" }
    output "orders" { type = number } # what later jobs may use, typed
  }

  # The reference to an output makes it wait for that job.
  job "shell" "sum" {
    script = file("scripts/sum.sh")
    env = {
      NORTH = "${job.read["north"].output.orders}"
      SOUTH = "${job.read["south"].output.orders}"
    }
    output "total" { type = number }
  }

  # Runs only when there is something to report.
  job "shell" "report" {
    when   = job.sum.output.total > 0
    script = file("scripts/report.sh")
    env = {
      GREETING = var.greeting
      DAY      = param.day
      TOTAL    = "${job.sum.output.total}"
    }
  }
}

# Fires while lft dev or a server with an agent is up.
schedule "morning" {
  flow     = flow.daily
  cron     = "30 6 * * *"
  timezone = "UTC"
}
