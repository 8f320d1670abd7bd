package keeper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An upgrade replaces the keeper's program and nothing else: the process keeps
// its number, and so it stays the parent of its jobs. It goes like this.
//
//  1. The agent's program is run beside, with the state as it is now, and has to
//     say that it understands it. A program that is broken, is none or speaks
//     another format is found out here.
//  2. All stand still: nothing is between a pipe and a spool file, no fork and no
//     signal is half done. What jobs do meanwhile, their ends too, waits in the
//     kernel.
//  3. The state is put into memory that has a descriptor, and the leading thread,
//     which has forked all jobs, executes the program. It inherits that one, the
//     lock, the socket and the pipes.
//
// Until the exec has succeeded the old program can go on, and does.

// handoverEnv tells a program that it takes over: "resume:FD", or only tries to:
// "rehearse:FD". FD is the descriptor of the state.
const handoverEnv = "LFT_KEEPER_HANDOVER"

const (
	rehearseWithin = 5 * time.Second
	stillWithin    = 2 * time.Second
)

// upgrade returns only when the keeper goes on as it is, which it tells.
func (k *keeper) upgrade(o upgradeOrder) {
	err := k.become(o.Argv)
	k.logger.Warn("no upgrade", "argv", o.Argv, "error", err)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tell(func(n *news) { n.Refused = err.Error() }, true)
}

func (k *keeper) become(argv []string) error {
	if len(argv) == 0 || !filepath.IsAbs(argv[0]) {
		return fmt.Errorf("%q is not a program's absolute path", argv)
	}
	var state *os.File
	if err := k.still(func(h *handover) (err error) {
		state, err = h.write()
		return err
	}); err != nil {
		return err
	}
	defer state.Close()
	if err := k.rehearse(argv, state); err != nil {
		return err
	}
	return k.still(func(h *handover) error {
		state, err := h.write()
		if err != nil {
			return err
		}
		defer state.Close()
		fd := int(state.Fd())
		k.logger.Info("keeper becomes another program", "argv", argv, "attempts", len(h.Attempts))
		return k.forker.Replace(argv[0], argv, environ("resume", fd), append(h.descriptors(), fd))
	})
}

// still does something with the state while nothing changes it.
func (k *keeper) still(do func(*handover) error) error {
	if !k.gate.close(stillWithin) {
		return fmt.Errorf("a step of some attempt takes longer than %v", stillWithin)
	}
	defer k.gate.open()
	k.mu.Lock() // whom nobody has waited for now must be left to the next program
	defer k.mu.Unlock()
	if k.stopping {
		return errors.New("the keeper is being stopped")
	}
	h, err := k.handover()
	if err != nil {
		return err
	}
	return do(h)
}

// rehearse has the program read the state and answer with the keeper's id.
func (k *keeper) rehearse(argv []string, state *os.File) error {
	ctx, cancel := context.WithTimeout(context.Background(), rehearseWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	const first = 3 // the number ExtraFiles begin with
	cmd.Env, cmd.ExtraFiles = environ("rehearse", first), []*os.File{state}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s does not take over: %w: %s", argv[0], err, lastLine(said.String()))
	}
	if string(out) != k.id {
		return fmt.Errorf("%s does not take over: it is no keeper that knows how", argv[0])
	}
	return nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

func environ(what string, fd int) []string {
	return append(os.Environ(), fmt.Sprintf("%s=%s:%d", handoverEnv, what, fd))
}

// takeover returns the state that this program was started with, nil when it was
// started without one; a state of another format is an error. rehearsal says that
// another process goes on with it.
func takeover(format int) (h *handover, rehearsal bool, err error) {
	what, fd, ok := strings.Cut(os.Getenv(handoverEnv), ":")
	if !ok {
		return nil, false, nil
	}
	if err := os.Unsetenv(handoverEnv); err != nil {
		return nil, false, err
	}
	n, err := strconv.Atoi(fd)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", handoverEnv, err)
	}
	f := os.NewFile(uintptr(n), "handover")
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, false, fmt.Errorf("read what is handed over: %w", err)
	}
	h, err = decodeHandover(text, format)
	return h, what == "rehearse", err
}
