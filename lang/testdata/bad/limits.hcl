locals {
  a = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
  b = "${local.a}${local.a}${local.a}${local.a}${local.a}${local.a}${local.a}${local.a}${local.a}${local.a}"
  c = "${local.b}${local.b}${local.b}${local.b}${local.b}${local.b}${local.b}${local.b}${local.b}${local.b}"
  d = "${local.c}${local.c}${local.c}${local.c}${local.c}${local.c}${local.c}${local.c}${local.c}${local.c}"
  e = "${local.d}${local.d}${local.d}${local.d}${local.d}${local.d}${local.d}${local.d}${local.d}${local.d}"
  f = "${local.e}${local.e}${local.e}${local.e}${local.e}${local.e}${local.e}${local.e}${local.e}${local.e}"
  g = "${local.f}${local.f}${local.f}${local.f}${local.f}${local.f}${local.f}${local.f}${local.f}${local.f}"
}

flow "f" {
  param "p" { type = string }

  job "noop" "many" {
    for_each = { for x in setproduct(range(1000), range(20)) : "${x[0]}-${x[1]}" => 1 }
  }

  job "shell" "large" {
    command = [local.d, param.p]
  }

  job "shell" "deep" {
    command = [((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((param.p))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))]
  }
}
