package lease

import (
	"time"

	"golang.org/x/sys/unix"
)

// BootTime counts since the machine was started, including the time it slept.
// Go's own monotonic clock stops in a suspend.
func BootTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		// Linux has had this clock since 2.6.39; without it no lease is safe.
		panic("no boot-time clock: " + err.Error())
	}
	return time.Duration(ts.Nano())
}
