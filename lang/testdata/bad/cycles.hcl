locals {
  a = "${local.b}x"
  b = local.c
  c = [local.a]
  d = local.a
  e = local.e
}

flow "f" {
  job "noop" "a" { after = [job.c] }
  job "noop" "b" { after = [job.a] }
  job "shell" "c" {
    command = ["x"]
    when    = job.b.status == "succeeded"
  }
  job "noop" "self" { after = [job.self] }
  job "noop" "fine" { after = [job.a] }
}
