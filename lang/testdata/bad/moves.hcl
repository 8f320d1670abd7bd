flow "a" {
  job "noop" "j" {}
}

flow "b" { for_each = toset(["x"]) }

pool "p" { slots = 1 }

moved {
  from = flow.a
  to   = flow.z
}

moved {
  from = flow.b
  to   = flow.y
}

moved {
  from = flow.b["x"]
  to   = flow.b["y"]
}

moved {
  from = flow.c
  to   = flow.a
}

moved {
  from = flow.c
  to   = flow.d
}

moved {
  from = flow.e
  to   = flow.a
}

moved {
  from = flow.f
  to   = pool.p
}

moved {
  from = flow.same
  to   = flow.same
}

moved {
  from = flow.one
  to   = flow.two
}

moved {
  from = flow.two
  to   = flow.one
}

moved {
  from = flow.a.job.i
  to   = flow.b["x"].job.i
}

moved {
  from = flow.a.job.j
  to   = flow.a.job.k
}

moved {
  from = output.x
  to   = output.y
}

moved {
  from = "flow.a"
  to   = flow.q[0]
}

moved { from = var.x }

removed {
  from = flow.a
}

removed {
  from = module.gone["k"].flow.x
  lifecycle {
    destroy = false
  }
}

removed {
  from = flow.a.job.j
}

removed {
  from = flow
}
