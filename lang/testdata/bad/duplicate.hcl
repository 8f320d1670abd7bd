flow "f" {
  description = "a"
  description = "b"
}
