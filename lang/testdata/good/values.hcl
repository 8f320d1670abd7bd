lft {
  project          = "sales"
  required_version = ">= 1.2, ~> 1.0"
}

variable "stage" {
  type = object({ name = string, days = optional(number, 3) })
  default = { name = "dev" }
}

flow "f" {
  on_failure = "cancel"

  concurrency {
    max       = 2
    when_full = "queue"
    queue_max = 100
  }

  param "day" {
    type    = string
    default = formatdate("YYYY-MM-DD", run.scheduled_for)
  }
  param "days" {
    type    = number
    default = var.stage.days
  }
  param "list" { type = list(object({ a = string })) }
  param "required" { type = bool }

  job "shell" "a" {
    command = ["x", "-day=${param.day}", var.stage.name]
    when    = param.days   >0 # spaces and comments leave no trace
    files   = { "a.txt" = "plain", "b-${param.day}" = "${var.stage.name}" }
    env = {
      DAY   = param.day
      STAGE = var.stage.name
      N     = 5
      LATE  = timecmp(run.scheduled_for, run.window.start) > 0 ? "yes" : "no"
    }
    kill_grace  = "0s"
    rerun_after = "10m"
    on_lost     = "fail"
    on_cancel   = "run"
    output "rows" { type = number }
    output "list" { type = list(string) }
  }

  job "wait" "w" {
    duration = "5m"
    after    = [job.a]
    trigger  = "always"
  }

  job "shell" "z" {
    script      = <<-EOT
      echo $${HOME} $DAY
    EOT
    interpreter = ["/bin/bash", "-eu"]
    stdin       = <<-EOT
      %{for line in job.a.output.list~}
      ${line}
      %{endfor~}
    EOT
    trigger     = "all_success"
  }
}

schedule "s" {
  flow     = flow.f
  cron     = ["0 2 * * *", "0 0 12 ? * MON"]
  timezone = "UTC"
  misfire  = "latest"
  params   = { required = true, list = [{ a = "x" }] }
  start    = "2026-01-01T00:00:00Z"
}
