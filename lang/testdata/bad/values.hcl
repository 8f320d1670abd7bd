flow "f" {
  on_failure = "explode"

  concurrency {
    max       = 0
    when_full = "skip"
    queue_max = 5
  }

  job "shell" "a" {
    command    = "a b"
    timeout    = "5 minutes"
    kill_grace = 10
    priority   = 1001
    trigger    = all_done
    pool_slots = 2
    on_lost    = "retry"
    retry {
      attempts  = 2.5
      delay     = "2h"
      max_delay = "1h"
      backoff   = "linear"
    }
    placement { strategy = "pinned" }
  }

  job "shell" "b" {
    command = ["x", { a = 1 }]
    trigger = "all_doen"
    timeout = ""
    placement { agent = "a1" }
    env = ["A=1"]
  }

  job "noop" "c" {
    timeout = "1m"
    env     = { A = "x" }
    output "x" { type = string }
  }

  job "wait" "d" { duration = null }

  job "shell" "e" {
    command    = ["x"]
    pool       = pool.small
    pool_slots = 3
  }

  job "noop" "g" { for_each = ["a", "b"] }
  job "noop" "h" { for_each = null }
  job "noop" "i" { enabled = "maybe" }
}

pool "small" { slots = 2 }
pool "neg" { slots = -1 }

flow "texts" {
  job "shell" "a" {
    command = "echo ${run.attempt}"
  }
  job "shell" "b" {
    script      = "true"
    interpreter = "bash -e"
  }
  job "shell" "c" {
    command = <<-EOT
      echo a
      echo b
    EOT
  }
}

flow "iterators" {
  param "n" { type = number }

  job "shell" "a" {
    command = ["x"]
    dynamic "retry" {
      for_each = [1]
      iterator = run
      content {
        attempts = run.value + param.n
      }
    }
  }
}
