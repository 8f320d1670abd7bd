package spec

// Address names a declared object: flow.g, flow.g["k"], schedule.s, pool.p,
// module.m["k"].flow.g. A job is FLOW.job.NAME. The text form is canonical.
type Address string

// Duration is a span in microseconds; in JSON it is Go's text ("1h30m0s").
type Duration int64

// Second is the unit most defaults are given in.
const Second Duration = 1_000_000
