flow "f" {
  param "go" { type = bool }
  job "shell" "a" {
    command = ["x"]
    output "n" { type = number }
  }
  job "shell" "off" {
    enabled = false
    command = ["x"]
    output "n" { type = number }
  }
  job "shell" "each" {
    for_each = toset(["x", "y"])
    command  = ["x"]
    when     = param.go
    output "n" { type = number }
  }
  job "shell" "unguarded" {
    trigger = "all_done"
    command = ["${job.a.output.n}", try(job.a.output.n, job.a.output.n), job.each[job.a.status].output.n]
  }
  job "shell" "loop" {
    trigger = "none_failed"
    command = [for k, v in job.each : v.output.n]
  }
  job "shell" "disabled" {
    command = ["${job.off.output.n}", job.off.status]
  }
}
