variable "stage" { default = "x" }

locals {
  known = var.stag
  more  = "${local.knwon}-${var.stage}"
}

flow "f" {
  param "day" { type = string }
  param "later" {
    type    = string
    default = "${param.day}-${run.attempt}"
  }
  param "n" { type = number }

  job "shell" "a" {
    command = ["x"]
    output "rows" { type = number }
  }

  job "shell" "keyed" {
    for_each = { one = 1, two = 2 }
    command  = ["x", each.key, each.vlaue]
    output "n" { type = number }
  }

  job "shell" "b" {
    after   = [job.aa, job.keyed["three"], job.a["x"], "a", job.keyed]
    when    = job.a.output.rosw > 0
    command = [param.dya, job.keyed.output.n, job.keyed["one"].ouput, job.a.status.x, "${param.n-1}"]
    stdin   = job.a.output.rows + "x"
  }

  job "shell" "c" {
    command = ["${HOME}/x", hello, flow.f, each.key]
    script  = "day ${param.day}"
    pool    = "small"
    env     = { A = run.scheduled, B = job.b.status == 3 ? 1 : [], C = file("x.hcl") + param.n, D = upperr(param.day), E = regex("a", param.day) }
  }

  job "shell" "d" {
    after   = job.a
    command = ["x"]
    pool    = pool.none
    when    = param.day
  }
}

schedule "s" {
  flow   = flow.g
  every  = "1m"
}

schedule "t" {
  flow   = flow.f
  every  = "1m"
  params = { day = job.a.status, dday = "x", n = "x", later = run.attempt }
}

schedule "u" {
  flow   = flow.f["k"]
  every  = "1m"
}
