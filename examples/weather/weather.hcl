# Four years of daily weather in Seattle: what one day was like beside its season and its neighbours in other years.
# Each script is plain sh and awk; data goes from job to job as typed outputs.

lft { project = "weather" }

variable "timezone" {
  type        = string
  default     = "America/Los_Angeles"
  description = "Where the schedule's half past six is"
}

# Files that jobs share: uploaded once, by content. A job that mentions one has it at deps/NAME, as the bytes were when its run began.
dependency "scripts" { source = "scripts" }
dependency "observations" { source = "seattle-weather.csv" }

locals {
  seasons = {
    winter = "12 01 02"
    spring = "03 04 05"
    summer = "06 07 08"
    autumn = "09 10 11"
  }
}

pool "statistics" { slots = 3 }

flow "weather" {
  description = "One day's weather beside its year, its season and the same days of other years"

  concurrency {
    max       = 2
    when_full = "queue"
  }

  param "day" {
    type    = string
    default = "2014-03-01"
  }

  param "span" { # days to each side that count as "the same days"
    type    = number
    default = 7
  }

  defaults {
    timeout = "1m"
    retry {
      attempts  = 3
      delay     = "1s"
      backoff   = "exponential"
      max_delay = "10s"
    }
  }

  job "shell" "extract" {
    command = ["/bin/sh", "-eu", "${dependency.scripts.path}/extract.sh"]
    uses    = [dependency.observations]
    env     = { DAY = param.day }

    output "year" { type = number }
    output "rows" { type = number }
    output "days" { type = string }
  }

  # One job a season. The reference to an output makes the edge.
  job "shell" "season" {
    for_each = local.seasons
    when     = job.extract.output.rows > 0
    pool     = pool.statistics
    command  = ["/bin/sh", "-eu", "${dependency.scripts.path}/season.sh"]
    stdin    = job.extract.output.days
    env = {
      NAME   = each.key
      MONTHS = each.value
    }

    output "mean_max" { type = number }
    output "rain" { type = number }
    output "wet_days" { type = number }
    output "line" { type = string }
  }

  job "shell" "extremes" {
    when    = job.extract.output.rows > 0
    pool    = pool.statistics
    command = ["/bin/sh", "-eu", "${dependency.scripts.path}/extremes.sh"]
    stdin   = job.extract.output.days

    output "hottest" { type = string }
    output "coldest" { type = string }
    output "wettest" { type = string }
    output "windiest" { type = string }
  }

  job "shell" "kinds" {
    when    = job.extract.output.rows > 0
    pool    = pool.statistics
    command = ["/bin/sh", "-eu", "${dependency.scripts.path}/kinds.sh"]
    stdin   = job.extract.output.days

    output "snow" { type = number }
    output "most" { type = string }
  }

  # Seattle has years without snow, 2014 and 2015 among them: then this job is skipped.
  job "shell" "snow" {
    when    = job.kinds.output.snow > 0
    command = ["/bin/sh", "-eu", "${dependency.scripts.path}/snow.sh"]
    stdin   = job.extract.output.days

    output "first" { type = string }
    output "last" { type = string }
  }

  # A day that the series does not have ends this job with an error that no retry mends, and the report goes on without.
  job "shell" "compare" {
    when          = job.extract.output.rows > 0
    priority      = 10
    allow_failure = true
    command       = ["/bin/sh", "-eu", "${dependency.scripts.path}/compare.sh"]
    uses          = [dependency.observations]
    env = {
      DAY  = param.day
      SPAN = "${param.span}"
    }
    retry { attempts = 1 }

    output "high" { type = number }
    output "usual" { type = number }
    output "difference" { type = number }
  }

  # Waits for all, however they end; so each output it reads may be missing.
  job "shell" "report" {
    trigger = "all_done"
    command = ["/bin/sh", "-eu", "${dependency.scripts.path}/report.sh"]
    env = {
      DAY         = param.day
      ROWS        = try("${job.extract.output.rows}", "0")
      WINTER      = try(job.season["winter"].output.line, "")
      SPRING      = try(job.season["spring"].output.line, "")
      SUMMER      = try(job.season["summer"].output.line, "")
      AUTUMN      = try(job.season["autumn"].output.line, "")
      HOTTEST     = try(job.extremes.output.hottest, "")
      COLDEST     = try(job.extremes.output.coldest, "")
      WETTEST     = try(job.extremes.output.wettest, "")
      WINDIEST    = try(job.extremes.output.windiest, "")
      MOST        = try(job.kinds.output.most, "")
      SNOW        = try("${job.kinds.output.snow}", "")
      SNOW_FIRST  = try(job.snow.output.first, "")
      SNOW_LAST   = try(job.snow.output.last, "")
      SNOW_STATUS = job.snow.status
      HIGH        = try("${job.compare.output.high}", "")
      USUAL       = try("${job.compare.output.usual}", "")
      DIFFERENCE  = try("${job.compare.output.difference}", "")
    }

    output "rows" { type = number }
    output "verdict" { type = string }
  }
}

schedule "morning" {
  flow     = flow.weather
  cron     = "30 6 * * *"
  timezone = var.timezone
}
