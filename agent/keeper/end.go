package keeper

import (
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/agent/launch"
)

// sweepEvery is the pause between two looks at a tree that is being killed; the
// death of one of its processes makes for an earlier one.
const sweepEvery = 20 * time.Millisecond

// attend returns when the whole tree of an attempt is gone, by itself or by
// force, with the cause in end.
func (k *keeper) attend(a *attempt, end *Ended) {
	select {
	case <-a.exited:
		if k.gone(a) {
			return // nearly all jobs end here
		}
	case w := <-a.wish:
		end.Cause, end.Why = w.cause, w.why
	}
	k.attending(a, true)
	defer k.attending(a, false)
	if end.Cause == CauseNone {
		left := k.tree(a)
		end.Leftover = len(left)
		k.logger.Info("processes outlive their job", "token", a.start.Token, "count", len(left))
		if k.await(a, a.grace(), end) {
			return
		}
	}
	k.signal(a, unix.SIGTERM)
	if k.await(a, a.grace(), end) {
		return
	}
	for {
		k.signal(a, unix.SIGKILL)
		if k.await(a, sweepEvery, end) {
			return
		}
	}
}

// await looks whenever something died, until the tree is gone or the time is
// over. A wish that comes while leftovers have their grace cuts it short.
func (k *keeper) await(a *attempt, within time.Duration, end *Ended) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	wishes, exited := a.wish, a.exited
	if end.Cause != CauseNone {
		wishes = nil
	}
	for !k.gone(a) {
		select {
		case <-a.stir:
		case <-exited:
			exited = nil // it stays ready
		case w := <-wishes:
			end.Cause, end.Why = w.cause, w.why
			return false
		case <-timer.C:
			return k.gone(a)
		}
	}
	return true
}

// gone reports whether nothing of an attempt lives: its main process was waited
// for, and no process that lost its parent belongs to it. Deeper descendants
// have a parent that is one of these.
func (k *keeper) gone(a *attempt) bool {
	select {
	case <-a.exited:
	default:
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.look(); err != nil {
		k.logger.Error("strangers", "error", err)
		return false
	}
	for _, owners := range k.strays {
		if slices.Contains(owners, a) {
			return false
		}
	}
	return true
}

// look finds owners for the processes that the kernel has given to the keeper
// since the last look. The caller holds mu.
func (k *keeper) look() error {
	pids, err := k.strangers.List()
	if err != nil {
		return err
	}
	for _, pid := range pids {
		if _, known := k.strays[pid]; known || k.mains[pid] != nil {
			continue
		}
		// A zombie is dead; the reaper is on its way.
		if p, err := launch.FindProcess(pid); err == nil && !p.Zombie {
			k.strays[pid] = k.owners(p)
		}
	}
	return nil
}

// owners says whose descendant a stranger is: by the cgroup it was born in, by
// the token in its environment, by its session. One that hides all of these is
// held to belong to every attempt that lives: none of them counts as gone before
// it is.
func (k *keeper) owners(p launch.Process) []*attempt {
	cgroup := ""
	if k.cgroup != "" {
		cgroup, _ = launch.CgroupOf(p.PID)
	}
	token := launch.Getenv(launch.ProcessEnviron(p.PID), "LFT_TOKEN")
	var all, bySession []*attempt
	for _, a := range k.attempts {
		if a.started == nil || a.ended != nil {
			continue
		}
		switch {
		case cgroup != "" && a.slot != nil && within(cgroup, a.slot.Cgroup), token == a.start.Token:
			return []*attempt{a}
		case p.Session == a.pid:
			bySession = append(bySession, a)
		}
		all = append(all, a)
	}
	if len(bySession) > 0 {
		return bySession
	}
	return all
}

func within(dir, parent string) bool {
	return parent != "" && (dir == parent || len(dir) > len(parent) && dir[:len(parent)+1] == parent+"/")
}

// tree lists what lives of an attempt: all below its main process and below the
// strangers that belong to it. All of them descend from the keeper, so that a
// process of anybody else is never among them.
func (k *keeper) tree(a *attempt) []launch.Process {
	all, err := launch.Processes()
	if err != nil {
		k.logger.Error("list processes", "error", err)
		return nil
	}
	self := os.Getpid()
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.look(); err != nil {
		k.logger.Error("strangers", "error", err)
	}
	return launch.Below(all, func(p launch.Process) bool {
		if p.Parent != self {
			return false
		}
		return k.mains[p.PID] == a || slices.Contains(k.strays[p.PID], a)
	})
}

// signal sends sig to everything that lives of an attempt.
func (k *keeper) signal(a *attempt, sig unix.Signal) {
	if sig == unix.SIGKILL {
		if err := a.slot.Kill(); err != nil {
			k.logger.Warn("kill cgroup", "token", a.start.Token, "error", err)
		}
	}
	// The number of a group may be used again only after the main process has
	// been waited for, and that takes mu.
	k.mu.Lock()
	grouped := k.mains[a.pid] == a
	if grouped {
		if err := unix.Kill(-a.pid, sig); err != nil && !errors.Is(err, unix.ESRCH) {
			k.logger.Warn("signal group", "token", a.start.Token, "error", err)
		}
	}
	k.mu.Unlock()
	for _, p := range k.tree(a) {
		if grouped && p.Group == a.pid {
			continue // it has had it
		}
		if err := p.Signal(sig); err != nil && !errors.Is(err, launch.ErrGone) {
			k.logger.Warn("signal", "token", a.start.Token, "pid", p.PID, "error", err)
		}
	}
}

// attending marks an attempt whose goroutine wants to know what dies.
func (k *keeper) attending(a *attempt, on bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if on {
		k.slow[a] = true
	} else {
		delete(k.slow, a)
	}
}

// reap waits for every child of the keeper, its jobs and the strangers, until
// the keeper stops.
func (k *keeper) reap(stop <-chan struct{}) {
	for {
		pid, err := peekChild()
		switch {
		case err == nil:
			k.bury(pid)
		case errors.Is(err, unix.ECHILD):
			select {
			case <-k.bred:
			case <-stop:
				return
			}
		case !errors.Is(err, unix.EINTR):
			k.logger.Error("wait for children", "error", err)
			return
		}
	}
}

// bury waits for one dead child. Until it is done its number names nobody else.
func (k *keeper) bury(pid int) {
	k.mu.Lock()
	if k.mains[pid] == nil {
		k.mu.Unlock()
		k.forker.Settle() // it may be a job that died before it was registered
		k.mu.Lock()
	}
	defer k.mu.Unlock()
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, unix.WNOHANG, nil); err != nil {
		k.logger.Error("wait for child", "pid", pid, "error", err)
	}
	if a := k.mains[pid]; a != nil {
		delete(k.mains, pid)
		a.status = status
		close(a.exited)
	}
	delete(k.strays, pid)
	for a := range k.slow {
		select {
		case a.stir <- struct{}{}:
		default:
		}
	}
}
