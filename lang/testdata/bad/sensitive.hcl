variable "secret" {
  default   = "s3cret"
  sensitive = true
}

variable "set" {
  type      = set(string)
  default   = ["s3cret"]
  sensitive = true
}

variable "number" {
  type      = list(number)
  default   = ["s3cret"]
  sensitive = true
}

flow "each" { for_each = var.set }

flow "on" { enabled = var.secret == "x" }

flow "f" {
  on_failure = var.secret

  job "shell" "a" {
    command  = [parseint(var.secret, 10)]
    timeout  = var.secret
    priority = 5000 + length(var.secret)
    after    = [job.b[var.secret]]
    env      = { (var.secret) = "x" }
  }

  job "shell" "b" {
    for_each = sensitive({ x = 1 })
    command  = ["x"]
  }

  job "shell" "c" {
    command = ["x"]
    dynamic "output" {
      for_each = var.set
      labels   = [output.value]
      content { type = string }
    }
  }
}

schedule "s" {
  flow = flow.f
  cron = var.secret == "x" ? "0 1 * * *" : "0 2 * * *"
}

calendar "c" { exclude = [var.secret] }

dependency "d" { source = var.secret }

output "o" { value = "x-${var.secret}" }

removed {
  from = flow.gone
  lifecycle { destroy = var.secret == "" }
}
