variable "stage" {
  default = "tset"

  validation {
    condition     = contains(["dev", "prod"], var.stage)
    error_message = "There is no stage ${var.stage}."
  }
  validation {
    condition     = length("x") == 1
    error_message = "Says nothing of stage."
  }
  validation {
    condition     = var.stage
    error_message = "Not a condition."
  }
}

variable "pin" {
  default   = "1234"
  sensitive = true
  validation {
    condition     = length(var.pin) > 4
    error_message = "The pin ${var.pin} is too short."
  }
}

variable "default" {
  default  = null
  nullable = false
}

flow "f" {
  precondition {
    condition     = var.stage == "prod"
    error_message = "Only in production."
  }
  precondition {
    condition     = run.attempt > 1
    error_message = "Too early."
  }
  precondition {
    error_message = "No condition."
  }
  precondition {
    condition     = false
    error_message = ""
  }

  job "noop" "a" {
    for_each = toset(["x", "y"])
    precondition {
      condition     = each.key == "x"
      error_message = "${each.key} is not x."
    }
  }
}

output "o" {
  value = 1
  precondition {
    condition     = null
    error_message = "Null."
  }
}

check "empty" {}

check "fault" {
  assert {
    condition     = var.stge == "x"
    error_message = "x"
  }
}
