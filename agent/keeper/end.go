package keeper

import (
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/agent/launch"
)

// sweepEvery is the pause between two looks at a tree that is being killed.
const sweepEvery = 10 * time.Millisecond

// tidyEvery is how long a dead stranger may stay a zombie.
const tidyEvery = time.Second

// stage is how far the end of an attempt has come.
type stage string

const (
	running stage = ""        // until the main process ends, or somebody wants that
	leaving stage = "leaving" // the main process has ended; what it left has its grace
	asked   stage = "asked"   // all were sent TERM and have their grace
	killed  stage = "killed"  // all were sent KILL, and will be again
	gone    stage = "gone"    // nothing lives
)

// attend returns when the whole tree of an attempt is gone, by itself or by
// force.
func (k *keeper) attend(a *attempt) {
	for a.stage != gone {
		over := k.await(a)
		k.gate.enter()
		a.takeWish()
		if over {
			a.stage = gone
		} else {
			k.press(a)
		}
		k.gate.leave()
	}
}

// press begins the next stage.
func (k *keeper) press(a *attempt) {
	lasts := a.grace()
	switch {
	case a.stage == running && a.end.Cause == CauseNone:
		a.stage, a.end.Leftover = leaving, len(k.tree(a))
		k.logger.Info("processes outlive their job", "token", a.start.Token, "count", a.end.Leftover)
	case a.stage == running, a.stage == leaving:
		a.stage = asked
		k.signal(a, unix.SIGTERM)
	default:
		a.stage, lasts = killed, sweepEvery
		k.signal(a, unix.SIGKILL)
	}
	a.until = launch.BootTime() + lasts.Microseconds()
}

// await returns when the tree is gone, which it reports, or the stage is over. A
// wish that comes while leftovers have their grace cuts it short.
func (k *keeper) await(a *attempt) bool {
	for {
		left := time.Duration(a.until-launch.BootTime()) * time.Microsecond
		var deadline time.Time // none while it runs
		if a.stage != running {
			deadline = time.Now().Add(left)
		}
		dead := k.waitMain(a, deadline)
		if dead && k.gone(a) {
			return true
		}
		switch unwanted := a.end.Cause == CauseNone && a.wish.Load() != nil; {
		case unwanted, a.stage == running && dead:
			return false
		case a.stage != running && left <= 0:
			return false
		case dead:
			time.Sleep(min(left, sweepEvery)) // nothing tells of the others' end
		}
	}
}

// waitMain waits until the main process has ended and was waited for, until the
// deadline, if there is one, or until there is a wish. It reports the first.
func (k *keeper) waitMain(a *attempt, deadline time.Time) bool {
	main := a.main.Load()
	if main == nil {
		return true // an earlier program has waited for it
	}
	if err := main.SetReadDeadline(deadline); err != nil {
		k.logger.Error("process descriptor", "token", a.start.Token, "error", err)
	}
	if deadline.IsZero() && a.wish.Load() != nil {
		return k.bury(a) // it came before the deadline was taken away
	}
	raw, err := main.SyscallConn()
	if err != nil {
		k.logger.Error("process descriptor", "token", a.start.Token, "error", err)
		return k.bury(a)
	}
	err = raw.Read(func(uintptr) bool { return k.bury(a) })
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		k.logger.Error("process descriptor", "token", a.start.Token, "error", err)
	}
	return k.bury(a)
}

// bury waits for the main process if it is dead, and reports whether it was
// waited for. Until then its number names no other process and no other group.
func (k *keeper) bury(a *attempt) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.mains[a.pid] != a {
		return true
	}
	pid, err := unix.Wait4(a.pid, &a.status, unix.WNOHANG, nil)
	if err != nil && !errors.Is(err, unix.EINTR) {
		k.logger.Error("wait for job", "token", a.start.Token, "pid", a.pid, "error", err)
	}
	if pid != a.pid {
		return false
	}
	delete(k.mains, a.pid)
	return true
}

// gone reports whether nothing of an attempt lives: its main process was waited
// for, and no process that lost its parent belongs to it. Deeper descendants
// have a parent that is one of these.
func (k *keeper) gone(a *attempt) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.mains[a.pid] == a {
		return false
	}
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

// look waits for strangers that are dead, and finds owners for those that the
// kernel has given to the keeper since the last look. The caller holds mu, which
// is given up meanwhile when one may be a job that is just being made.
func (k *keeper) look() error {
	forks := k.forks
	pids, err := k.strangers.List()
	if err != nil {
		return err
	}
	pids = slices.DeleteFunc(pids, func(pid int) bool { return k.mains[pid] != nil })
	if len(pids) == 0 {
		return nil
	}
	for forks%2 == 1 && k.forks == forks {
		k.forked.Wait()
	}
	for _, pid := range pids {
		if k.mains[pid] != nil {
			continue
		}
		if got, _ := unix.Wait4(pid, nil, unix.WNOHANG, nil); got == pid {
			delete(k.strays, pid)
			continue
		}
		if _, known := k.strays[pid]; known {
			continue
		}
		if p, err := launch.FindProcess(pid); err == nil {
			k.strays[pid] = k.owners(p)
		}
	}
	return nil
}

// tidy waits for strangers while no attempt ends that would: a job may make many
// in its life.
func (k *keeper) tidy(stop <-chan struct{}) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-k.bred:
		case <-stop:
			return
		}
		for busy := true; busy; {
			select {
			case <-tick.C:
			case <-stop:
				return
			}
			k.mu.Lock()
			if err := k.look(); err != nil {
				k.logger.Error("strangers", "error", err)
			}
			busy = len(k.mains) > 0
			k.mu.Unlock()
		}
	}
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
