package keeper

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// childInfo is the kernel's siginfo as waitid fills it: three words, padding on
// 64 bits, then the number of the child.
type childInfo struct {
	_    [3]int32
	_    [unsafe.Sizeof(uintptr(0)) - 4]byte
	pid  int32
	rest [112]byte
}

// peekChild waits until a child is dead and leaves it a zombie, so that its
// number is not used again before somebody has looked it up.
func peekChild() (int, error) {
	var info childInfo
	_, _, errno := unix.Syscall6(unix.SYS_WAITID, unix.P_ALL, 0,
		uintptr(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(info.pid), nil
}
