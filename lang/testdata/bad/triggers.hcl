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
  # Skipped with what it waits for.
  job "shell" "behind" {
    command = ["x"]
    after   = [job.maybe]
    output "n" { type = number }
  }
  # Skipped when all goes well.
  job "shell" "rescue" {
    command = ["x"]
    after   = [job.sure]
    trigger = "one_failed"
    output "n" { type = number }
  }

  job "shell" "setup" {
    command = ["x"]
    trigger = "all_done_setup_success"
  }
  job "shell" "old" {
    command = ["x"]
    trigger = "none_failed_or_skipped"
  }
  job "shell" "typo" {
    command = ["x"]
    trigger = "non_failed"
  }

  job "shell" "all_failed" {
    command = [job.sure.output.n]
    trigger = "all_failed"
  }
  job "shell" "all_done" {
    command = [job.sure.output.n]
    trigger = "all_done"
  }
  job "shell" "all_skipped" {
    command = [job.maybe.output.n]
    trigger = "all_skipped"
  }
  job "shell" "one_success" {
    command = [job.sure.output.n, job.maybe.output.n]
    trigger = "one_success"
  }
  job "shell" "one_failed" {
    command = [job.sure.output.n]
    trigger = "one_failed"
  }
  job "shell" "one_done" {
    command = [job.sure.output.n]
    trigger = "one_done"
  }
  job "shell" "none_failed" {
    command = [job.sure.output.n, job.maybe.output.n, job.behind.output.n, job.rescue.output.n]
    trigger = "none_failed"
  }
  job "shell" "min_one_success" {
    command = [job.sure.output.n, job.maybe.output.n]
    trigger = "none_failed_min_one_success"
  }
  job "shell" "none_skipped" {
    command = [job.sure.output.n]
    trigger = "none_skipped"
  }
  job "shell" "always" {
    command = [job.sure.output.n]
    trigger = "always"
  }
}
