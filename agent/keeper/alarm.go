package keeper

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/agent/launch"
)

// alarms calls functions at instants of the boot-time clock. Go's own timers
// stand still in suspend, which would let a job live beyond its deadline.
type alarms struct {
	timer *os.File // a timerfd, armed for the first of due

	mu  sync.Mutex
	due alarmHeap
}

type alarm struct {
	at    int64 // boot-time µs
	fire  func()
	index int // in the heap; negative = not in it
}

func newAlarms() (*alarms, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("make timer: %w", err)
	}
	return &alarms{timer: os.NewFile(uintptr(fd), "timer")}, nil
}

// run serves until the alarms are closed.
func (s *alarms) run() {
	var ticks [8]byte
	for {
		if _, err := s.timer.Read(ticks[:]); err != nil {
			return
		}
		_ = binary.NativeEndian.Uint64(ticks[:])
		for _, fire := range s.take(launch.BootTime()) {
			fire()
		}
	}
}

func (s *alarms) take(now int64) []func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var fires []func()
	for len(s.due) > 0 && s.due[0].at <= now {
		fires = append(fires, heap.Pop(&s.due).(*alarm).fire)
	}
	s.arm()
	return fires
}

// set makes fire be called once at or after at. It must not block.
func (s *alarms) set(at int64, fire func()) *alarm {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &alarm{at: at, fire: fire}
	heap.Push(&s.due, a)
	if a.index == 0 {
		s.arm()
	}
	return a
}

// stop forgets an alarm; nil and one that fired are fine.
func (s *alarms) stop(a *alarm) {
	if a == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.index >= 0 {
		heap.Remove(&s.due, a.index)
	}
}

func (s *alarms) arm() {
	var spec unix.ItimerSpec // zero disarms
	if len(s.due) > 0 {
		at := max(s.due[0].at, 1)
		spec.Value = unix.NsecToTimespec(at * 1000)
	}
	// It can only fail for a bad descriptor, that is after close.
	_ = unix.TimerfdSettime(int(s.timer.Fd()), unix.TFD_TIMER_ABSTIME, &spec, nil)
}

func (s *alarms) close() { s.timer.Close() }

type alarmHeap []*alarm

func (h alarmHeap) Len() int           { return len(h) }
func (h alarmHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h alarmHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *alarmHeap) Push(x any) {
	a := x.(*alarm)
	a.index = len(*h)
	*h = append(*h, a)
}

func (h *alarmHeap) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	a.index = -1
	return a
}
