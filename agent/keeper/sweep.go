package keeper

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/agent/launch"
)

// Sweep kills every process that a dead keeper of dir left behind: those that
// carry an LFT_TOKEN and a work directory below dir in their environment, with
// their descendants, and what is in its cgroup. It returns when none is left.
// While a keeper of dir lives it is ErrOwned.
func Sweep(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	return sweep(ctx, dir)
}

// sweep does it under the lock.
func sweep(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, spawnWithin)
	defer cancel()
	pause := time.NewTicker(sweepEvery)
	defer pause.Stop()
	for {
		busy, err := sweepCgroup(dir)
		if err != nil {
			return err
		}
		left, err := abandoned(dir)
		if err != nil {
			return err
		}
		if len(left) == 0 && !busy {
			return nil
		}
		for _, p := range left {
			if err := p.Signal(unix.SIGKILL); err != nil && !errors.Is(err, launch.ErrGone) {
				return fmt.Errorf("kill %d: %w", p.PID, err)
			}
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return fmt.Errorf("%d processes do not die: %w", len(left), ctx.Err())
		}
	}
}

// sweepCgroup kills what lives in the last keeper's cgroup, and removes it when
// nothing does.
func sweepCgroup(dir string) (busy bool, err error) {
	note := filepath.Join(dir, cgroupName)
	text, err := os.ReadFile(note)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	cgroup := string(text)
	busy, err = launch.CgroupPopulated(cgroup)
	if err != nil { // it went with the host's last life
		return false, os.Remove(note)
	}
	if busy {
		return true, launch.KillCgroup(cgroup)
	}
	if err := launch.RemoveCgroup(cgroup); err != nil {
		return false, fmt.Errorf("remove the last keeper's cgroup: %w", err)
	}
	return false, os.Remove(note)
}

// abandoned lists the processes of jobs whose keeper is dead, with all below
// them.
func abandoned(dir string) ([]launch.Process, error) {
	all, err := launch.Processes()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	self, below := os.Getpid(), filepath.Join(dir, slotName)+"/"
	return launch.Below(all, func(p launch.Process) bool {
		if p.PID == self || p.Zombie {
			return false
		}
		env := launch.ProcessEnviron(p.PID)
		return launch.Getenv(env, "LFT_TOKEN") != "" && strings.HasPrefix(launch.Getenv(env, "LFT_WORKDIR"), below)
	}), nil
}
