flow "f" {
  defaults {
    timeout       = "1m"
    allow_failure = true
    priority      = 5
    pool          = pool.p
    pool_slots    = 2
    env           = { A = "flow", B = "flow", C = "flow" }
    retry {
      attempts  = 3
      delay     = "5s"
      backoff   = "exponential"
      max_delay = "1m"
    }
    placement {
      strategy = "least_loaded"
      labels   = { zone = "a", disk = "ssd" }
    }
  }

  job "shell" "all" { command = ["x"] }

  job "shell" "merged" {
    command    = ["x"]
    timeout    = null
    priority   = 0
    pool_slots = null
    env        = { B = "job", C = null }
    retry {
      delay   = "10s"
      backoff = null
    }
    placement { labels = { zone = "b", disk = null } }
  }

  job "shell" "none" {
    command       = ["x"]
    allow_failure = false
    pool          = null
    pool_slots    = null
    env           = null
    retry { attempts = 1 }
    placement {
      strategy = null
      labels   = null
    }
  }

  job "noop" "instant" {}
}

pool "p" { slots = 3 }
