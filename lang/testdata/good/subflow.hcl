flow "child" {
  param "day" { type = string }
  param "n" {
    type    = number
    default = 1
  }

  job "shell" "load" {
    command = ["load", param.day]
    output "rows" { type = number }
  }

  job "shell" "maybe" {
    command = ["x"]
    when    = param.n > 1
    output "text" { type = string }
  }

  output "rows" {
    type        = number
    value       = job.load.output.rows + param.n
    description = "How many there were."
  }

  output "text" {
    type  = string
    value = try(job.maybe.output.text, "none")
  }

  output "status" {
    type  = string
    value = job.maybe.status
  }
}

flow "parent" {
  param "day" { type = string }

  job "flow" "child" {
    flow   = flow.child
    params = { day = param.day }
    retry { attempts = 3 }
  }

  job "flow" "each" {
    for_each = toset(["x", "y"])
    flow     = flow.many[each.key]
    after    = [job.child]
  }

  job "shell" "report" {
    command = concat(["report", tostring(job.child.output.rows + 1), job.child.output.text], [for k, c in job.each : c.output.key])
    trigger = "all_success"
  }
}

flow "many" {
  for_each = toset(["x", "y"])

  output "key" {
    type  = string
    value = "${each.key}-${run.id}"
  }
}

# Declared before what it starts, and starting what starts others.
flow "grandparent" {
  job "flow" "parent" {
    flow   = flow.parent
    params = { day = run.scheduled_for }
    when   = run.schedule != ""
  }
  job "noop" "after" { after = [job.parent] }
}
