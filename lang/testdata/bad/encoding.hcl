# What follows ‮is not what it looks like.
flow "f" {}
