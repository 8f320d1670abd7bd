flow "f" {
  job "shell" "a" {
    command = ["x"
  }
}
