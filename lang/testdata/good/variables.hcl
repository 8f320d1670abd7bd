variable "plain" { default = "p" }

variable "typed" {
  type = object({
    name  = string
    slots = optional(number, 2)
    tags  = optional(map(string), {})
  })
  default     = { name = "n" }
  description = "With defaults of its own."
}

variable "never_null" {
  type     = string
  default  = "d"
  nullable = false
}

variable "null" {
  type    = string
  default = null
}

variable "any" {
  type    = any
  default = { a = [1, "x"] }
}

variable "ruled" {
  type    = number
  default = 4

  validation {
    condition     = var.ruled > local.least
    error_message = "More than ${local.least} is needed."
  }
  validation {
    condition     = var.ruled < 100 && var.typed.slots == 2
    error_message = "Not seen."
  }
}

locals { least = 3 }

flow "f" {
  description = join(",", [var.plain, var.typed.name, tostring(var.typed.slots), var.never_null, coalesce(var.null, "null"), var.any.a[1], tostring(length(var.typed.tags))])
}
