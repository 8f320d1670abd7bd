lft {
  project            = "words"
  required_providers = {}
  projct             = "x"
}

retries = 3

flwo "x" {}

notify "x" {}

module "m" { source = "./x" }

variable "v" {
  type     = string
  defautl  = "x"
  ephemeral = false
}

locals {
  a = 1
  b {
    c = 1
  }
}

flow "a" "b" {}

flow {}

flow "f" {
  descripton = "x"
  param      = 1
  deadline {}

  concurrency {
    max  = 1
    maxx = 2
  }
  concurrency { max = 2 }

  defaults {
    timout = "1m"
    retry { attemps = 3 }
    run_as = "x"
  }

  job "shel" "typo" {
    command = ["a"]
  }

  job "shell" "a" {
    comand  = ["a"]
    run_as  = "root"
    workdir = "x"
    retry   = { attempts = 3 }
    command = ["a"]
    env {
      A = 1
    }
    output "x" {}
    files {}
    output "y" { type = sting }
    output "y" { type = "string" }
  }

  job "shell" "a" { command = ["b"] }
  job "shell" { command = ["b"] }
  job "wait" "w" {}
}

schedule "s" { flow = flow.f }

pool "p" {}
pool "q" { slots = "many" }
