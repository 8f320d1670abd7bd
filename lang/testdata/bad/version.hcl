lft {
  project          = var.x
  required_version = ">= 2.0, < 3, =>1"
}

lft {}

variable "x" {}

variable "y" {
  type    = list(number)
  default = ["a"]
}

variable "z" {
  type    = "string"
  default = local.q
}
