flow "f" {
  param "go" { type = bool }

  job "shell" "sure" {
    command = ["x"]
    output "n" { type = number }
  }
  job "shell" "maybe" {
    command = ["x"]
    when    = param.go
    output "n" { type = number }
  }
  job "shell" "behind" {
    command = ["x"]
    after   = [job.sure]
    trigger = "none_failed"
    output "n" { type = number }
  }

  # Nothing before it can be skipped, and a failure keeps it from running.
  job "shell" "none_failed" {
    trigger = "none_failed"
    command = ["x", job.sure.output.n, job.behind.output.n, try(job.maybe.output.n, 0)]
  }
  job "shell" "only_one" {
    trigger = "one_success"
    command = ["x", job.maybe.output.n]
  }
  job "shell" "min_one" {
    trigger = "none_failed_min_one_success"
    command = ["x", job.maybe.output.n]
  }
  job "shell" "success" {
    command = ["x", job.maybe.output.n]
    when    = job.maybe.output.n > 0
  }
  job "shell" "statuses" {
    trigger = "always"
    command = ["x", job.sure.status, job.maybe.status]
  }

  output "sure" {
    type  = number
    value = job.sure.output.n + job.none_failed_reader.output.n
  }

  job "shell" "none_failed_reader" {
    command = ["x"]
    after   = [job.sure]
    output "n" { type = number }
  }
}
