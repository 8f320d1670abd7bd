// Package launch makes the process of a job: its session, its descriptors, its
// environment, its work directory and the cgroup it is born in.
//
// A job gets descriptors 0 to 2, the environment it was promised and nothing
// else of its parent. It never outlives the process that started it unseen: the
// kernel kills it with the one thread that forked it. What is made per attempt
// is kept to a fork, a pipe and a handful of cheap calls; directories and
// cgroups belong to slots and are used again.
//
// The package starts and finds processes; it keeps no record of them.
package launch

import "golang.org/x/sys/unix"

// BootTime is now on the boot-time clock, in microseconds. It runs on in
// suspend and is the same for all processes of a host.
func BootTime() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic(err) // the clock exists since Linux 2.6.39
	}
	return ts.Sec*1_000_000 + ts.Nsec/1000
}
