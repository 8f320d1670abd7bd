flow "Upper" {}

flow "1st" {}

flow "f" {
  param "a-b" { type = string }
  param "a_b" { type = string }
  param "a-b" { type = number }

  job "noop" "häh" {}
  job "noop" "this-name-is-far-too-long-this-name-is-far-too-long-this-name-is-far" {}

  job "noop" "each" {
    for_each = toset(["ok", "", "line\nbreak", "mark\u202e"])
  }

  job "shell" "env" {
    command = ["true"]
    env     = { "A B" = "x", LFT_TOKEN = "x", A = "1", A = "2" }
  }
}

flow "f" {}

locals {
  Bad = 1
  x   = 1
}

locals { x = 2 }
