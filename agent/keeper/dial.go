package keeper

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	socketName  = "keeper.sock"
	lockName    = "keeper.lock"
	logName     = "keeper.log"
	cgroupName  = "keeper.cgroup" // path of the cgroup of the keeper that was here last
	spoolName   = "spool"
	slotName    = "slot"
	spawnWithin = 10 * time.Second
	maxLog      = 4 << 20 // bytes of keeper.log; then it begins anew
)

// SpoolDir is where the keeper of dir has its spool files, one a token.
func SpoolDir(dir string) string { return filepath.Join(dir, spoolName) }

// Spawn says how a keeper is started when none answers.
type Spawn struct {
	Argv  []string // e.g. the lft executable, "keeper"; "-dir", DIR are added
	Env   []string // its environment; jobs inherit none of it
	Build string   // version of that program; "" = any will do
}

// Dial connects to the keeper of dir, and starts one in a session of its own
// when none answers. One of another build is asked to become that of spawn.
// Connecting ends the connection of any other client.
func Dial(ctx context.Context, dir string, spawn Spawn) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, spawnWithin)
	defer cancel()
	c, err := connect(ctx, dir)
	if err == nil {
		return spawn.upgrade(ctx, dir, c)
	}
	if !absent(err) {
		return nil, err
	}
	died, err := spawn.start(dir)
	if err != nil {
		return nil, err
	}
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		c, err := connect(ctx, dir)
		if err == nil || !absent(err) {
			return c, err
		}
		select {
		case <-time.After(pause):
		case err := <-died:
			// Another one may have been faster; its socket answers then.
			if c, again := connect(ctx, dir); again == nil {
				return c, nil
			}
			return nil, fmt.Errorf("keeper ended at once (%w); see %s", err, filepath.Join(dir, logName))
		case <-ctx.Done():
			return nil, fmt.Errorf("keeper does not answer: %w; see %s", err, filepath.Join(dir, logName))
		}
	}
}

// upgrade has the keeper become another program, and connects anew in any case:
// what it says then is the whole truth. A program that fails when it is too late
// leaves no keeper, which is an error here.
func (s Spawn) upgrade(ctx context.Context, dir string, c *Client) (*Client, error) {
	if s.Build == "" || s.Build == c.hello.Build {
		return c, nil
	}
	if c.hello.Build == "" {
		c.stale = errors.New("it is of a build that knows no upgrade")
		return c, nil
	}
	defer func() { _ = c.Close() }()
	why := errors.New("it says nothing about it")
	if err := c.send(func(o *order) { o.Upgrade = &upgradeOrder{Argv: s.argv(dir)} }); err != nil {
		return nil, err
	}
	for waits := true; waits; {
		select {
		case e := <-c.Events():
			switch e := e.(type) {
			case refused:
				why, waits = errors.New(e.why), false
			case Gone:
				waits = false
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("upgrade the keeper: %w", ctx.Err())
		}
	}
	now, err := connect(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("after an upgrade: %w; see %s", err, filepath.Join(dir, logName))
	}
	if now.hello.Build != s.Build {
		now.stale = why
	}
	return now, nil
}

// absent reports whether an error of connect means that no keeper lives.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

func connect(ctx context.Context, dir string) (*Client, error) {
	short, done, err := shortDir(dir)
	if err != nil {
		return nil, err
	}
	defer done()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(short, socketName))
	if err != nil {
		return nil, fmt.Errorf("connect to keeper: %w", err)
	}
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetReadDeadline(end)
	}
	c, err := newClient(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	_ = conn.SetReadDeadline(time.Time{})
	return c, nil
}

// shortDir is a short name for dir until done is called: a socket's path has to
// fit into 107 bytes.
func shortDir(dir string) (short string, done func(), err error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, fmt.Errorf("open %s: %w", dir, err)
	}
	return fmt.Sprintf("/proc/self/fd/%d", fd), func() { _ = unix.Close(fd) }, nil
}

// start makes the keeper's process. It belongs to nobody's session, terminal or
// group, so that nothing that ends the agent ends it. died receives its end.
func (s Spawn) start(dir string) (died <-chan error, err error) {
	if len(s.Argv) == 0 {
		return nil, errors.New("no keeper answers, and none may be started")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	out, err := openLog(filepath.Join(dir, logName))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	argv := s.argv(dir)
	// Not CommandContext: the keeper must not die with the caller.
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // outlives every context by design
	cmd.Env, cmd.Stdout, cmd.Stderr = s.Env, out, out
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would mean the agent's own
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start keeper: %w", err)
	}
	end := make(chan error, 1)
	go func() {
		err := cmd.Wait() // or it would stay a zombie
		if err == nil {
			err = errors.New("exit status 0")
		}
		end <- err
	}()
	return end, nil
}

func (s Spawn) argv(dir string) []string {
	return append(s.Argv[:len(s.Argv):len(s.Argv)], "-dir", dir)
}

func openLog(path string) (*os.File, error) {
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if st, err := os.Stat(path); err == nil && st.Size() > maxLog {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the keeper's log: %w", err)
	}
	return f, nil
}
