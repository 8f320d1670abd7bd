calendar "holidays" {
  include = ["2026-01-01..2026-12-31"]
  exclude = ["2026-12-25", "2026-10-04..2026-10-07", "2026-10-01..2026-10-05", "2026-10-08"]
}

calendar "by_country" {
  for_each  = { de = ["2026-10-03"], cn = ["2026-10-01..2026-10-07"] }
  exclude   = each.value
  protected = true
}

calendar "off" {
  enabled = false
  exclude = ["2026-10-03"]
}

flow "f" {
  protected = true

  precondition {
    condition     = length("x") == 1
    error_message = "Not seen."
  }

  job "noop" "a" {
    for_each = toset(["x"])
    precondition {
      condition     = each.key == "x"
      error_message = "Not seen."
    }
  }
}

pool "p" {
  slots       = 2
  protected   = true
  description = "Two at a time."
}

schedule "s" {
  for_each  = { de = "0 2 * * *", cn = "30 2 * * *" }
  flow      = flow.f
  cron      = [each.value, "0 0 12 ? * MON"]
  timezone  = "Europe/Berlin"
  calendar  = calendar.by_country[each.key]
  misfire   = "all"
  overlap   = "skip"
  paused    = true
  protected = each.key == "de"
}

schedule "interval" {
  flow     = flow.f
  every    = "15m"
  offset   = "5m"
  start    = "2026-01-01T00:00:00Z"
  end      = "2026-12-31"
  calendar = calendar.holidays
}

output "flow" {
  value       = flow.f
  description = "A reference is published as an address."
}

output "list" { value = [flow.f, pool.p] }

output "answer" {
  value = { n = 42 }
  precondition {
    condition     = true
    error_message = "Not seen."
  }
}

output "secret" {
  value     = sensitive("s")
  sensitive = true
}

output "nothing" { value = null }

check "passes" {
  assert {
    condition     = 1 < 2
    error_message = "Not seen."
  }
}

check "fails" {
  assert {
    condition     = 1 > 2
    error_message = "One is not more than ${1 + 1}."
  }
  assert {
    condition     = true
    error_message = "Not seen."
  }
}

moved {
  from = flow.old
  to   = flow.f
}

moved {
  from = flow.older
  to   = flow.old
}

moved {
  from = schedule.s
  to   = schedule.s["de"]
}

moved {
  from = flow.f.job.b
  to   = flow.f.job.a["x"]
}

moved {
  from = module.m["k"].pool.p
  to   = pool.p
}

removed {
  from = flow.gone
}

removed {
  from = module.gone
  lifecycle { destroy = true }
}
