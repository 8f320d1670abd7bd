flow "f" {}

schedule "none" { flow = flow.f }

schedule "both" {
  flow  = flow.f
  cron  = "0 2 * * *"
  every = "1h"
}

schedule "field" {
  flow = flow.f
  cron = "0 25 * * *"
}

schedule "list" {
  flow     = flow.f
  cron     = ["0 2 * * *", "x 2 * * *", "* * *"]
  timezone = "Asia/Shangai"
}

schedule "number" {
  flow = flow.f
  cron = 5
}

schedule "spans" {
  flow   = flow.f
  every  = "0s"
  offset = "1m"
}

schedule "offset" {
  flow    = flow.f
  every   = "1m"
  offset  = "2m"
  misfire = "now"
  overlap = "stop"
  start   = "tomorrow"
  end     = "2020-01-01"
}
