variable "password" {
  default   = "s3cret"
  sensitive = true
}

variable "settings" {
  type      = map(string)
  default   = { USER = "me", TOKEN = "t0ken" }
  sensitive = true
}

variable "hosts" {
  type    = map(object({ name = string, key = string }))
  default = { a = { name = "ha", key = "ka" } }
}

variable "many" {
  type      = number
  default   = 3
  sensitive = true
}

locals {
  url    = "db://me:${var.password}@host"
  public = nonsensitive(length(var.password))
}

flow "f" {
  description = "With ${var.password}"

  param "day" {
    type    = string
    default = "${var.password}-${run.id}"
  }

  defaults {
    env     = { DEFAULT = var.password }
    timeout = "${var.many}m"
    retry { attempts = var.many }
  }

  job "shell" "a" {
    command = ["x", local.url]
    stdin   = "${local.url} ${param.day}"
    files   = { plain = "p", "a/b~c" = var.password }
    env = {
      OPEN   = "o"
      SECRET = var.password
      LATE   = "${param.day}${var.password}"
      LENGTH = local.public
      SHOWN  = nonsensitive(var.password)
    }
    output "n" { type = number }
  }

  job "shell" "b" {
    for_each = { for k, h in var.hosts : k => merge(h, { key = sensitive(h.key) }) }
    command  = [each.value.name]
    env      = { KEY = each.value.key, NAME = each.value.name }
    when     = var.password != "" && job.a.output.n > 0
    placement { labels = { zone = var.password } }
  }

  job "shell" "all" {
    command = ["x"]
    env     = var.settings
    stdin   = sensitive(param.day)
    hidden  = "by the job's type"
  }
}

pool "p" { slots = var.many }

schedule "s" {
  flow   = flow.f
  cron   = "0 2 * * *"
  params = { day = var.password }
}
