flow "child" {
  param "day" { type = string }
  param "n" {
    type    = number
    default = 1
  }
  job "shell" "j" {
    command = ["x"]
    when    = param.n > 1
    output "rows" { type = number }
  }
  job "shell" "may_fail" {
    command       = ["x"]
    allow_failure = true
    output "rows" { type = number }
  }
  output "rows" {
    type  = number
    value = job.j.output.rows
  }
  output "failed" {
    type  = number
    value = job.may_fail.output.rows
  }
  output "rows" {
    type  = string
    value = "twice"
  }
  output "type" {
    type  = number
    value = job.j.status
  }
  output "null" {
    type  = string
    value = null
  }
  output "incomplete" {}
}

flow "off" { enabled = false }

flow "parent" {
  job "flow" "a" {
    flow   = flow.child
    params = { dya = "x", n = "many" }
    env    = { A = "x" }
    output "x" { type = string }
  }
  job "flow" "b" {}
  job "flow" "c" { flow = flow.chld }
  job "flow" "d" { flow = flow.off }
  job "flow" "e" { flow = "child" }
  job "flow" "f" {
    flow = flow.child["x"]
    args = {}
  }
  job "shell" "reads" {
    command = [job.a.output.row, job.c.output.any, job.a.output.failed]
    when    = job.a.output.rows
  }
}

flow "one" {
  job "flow" "x" { flow = flow.two }
}

flow "two" {
  job "flow" "x" { flow = flow.three }
}

flow "three" {
  job "flow" "x" { flow = flow.one }
  job "flow" "y" { flow = flow.three }
}

flow "d1" {
  job "flow" "x" { flow = flow.d2 }
}
flow "d2" {
  job "flow" "x" { flow = flow.d3 }
}
flow "d3" {
  job "flow" "x" { flow = flow.d4 }
}
flow "d4" {
  job "flow" "x" { flow = flow.d5 }
}
flow "d5" {
  job "flow" "x" { flow = flow.d6 }
}
flow "d6" {
  job "flow" "x" { flow = flow.d7 }
}
flow "d7" {
  job "flow" "x" { flow = flow.d8 }
}
flow "d8" {
  job "flow" "x" { flow = flow.d9 }
}
flow "d9" {}
