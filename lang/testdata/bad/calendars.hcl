calendar "c" {
  include = []
  exclude = ["2026-02-30", "2026-10-07..2026-10-01", null, "christmas", "2026-10-01"]
  dates   = []
}

calendar "text" { exclude = "2026-10-01" }

flow "f" {}

schedule "s" {
  flow     = flow.f
  cron     = "0 2 * * *"
  calendar = calendar.d
}

schedule "t" {
  flow     = flow.f
  cron     = "0 2 * * *"
  calendar = "holidays"
}

schedule "u" {
  flow     = flow.f
  cron     = "0 2 * * *"
  calendar = flow.f
}
