package launch

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrNoCgroup says why a process tree can not be held by cgroups here.
var ErrNoCgroup = errors.New("no cgroup v2 directory can be made")

// MakeCgroup makes, or finds again, the v2 directory name below the caller's own
// cgroup, and proves that a process can be born in it.
func MakeCgroup(name string) (string, error) {
	own, err := CgroupOf(os.Getpid())
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoCgroup, err)
	}
	dir := filepath.Join(own, name)
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("%w: %w", ErrNoCgroup, err)
	}
	if err := proveCgroup(dir); err != nil {
		_ = os.Remove(dir)
		return "", fmt.Errorf("%w: %w", ErrNoCgroup, err)
	}
	return dir, nil
}

// proveCgroup forks into dir a process whose program does not exist: the fork
// fails before the program is missed where the kernel or its rights forbid it.
func proveCgroup(dir string) error {
	if err := unix.Access(filepath.Join(dir, "cgroup.kill"), unix.W_OK); err != nil {
		return fmt.Errorf("cgroup.kill: %w", err)
	}
	fd, err := openCgroup(dir)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	pid, err := syscall.ForkExec(filepath.Join(dir, "no such program"), []string{""}, &syscall.ProcAttr{
		Sys: &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd},
	})
	if err == nil {
		// It was not asked to run anything, so it was killed in between.
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
			return fmt.Errorf("wait for a process born in it: %w", err)
		}
		return fmt.Errorf("a process born in it is killed by %s", unix.SignalName(status.Signal()))
	}
	if !errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("fork into it: %w", err)
	}
	return nil
}

func openCgroup(dir string) (int, error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open cgroup %s: %w", dir, err)
	}
	return fd, nil
}

func cgroupMount() (string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		before, after, _ := strings.Cut(lines.Text(), " - ")
		f := strings.Fields(before)
		// A mount of a part of the tree would need its root taken off the path.
		if strings.HasPrefix(after, "cgroup2 ") && len(f) > 4 && f[3] == "/" {
			return f[4], nil
		}
	}
	return "", errors.New("cgroup2 is not mounted")
}

// cgroupPath is the path of a process in the v2 hierarchy.
func cgroupPath(pid string) (string, error) {
	text, err := os.ReadFile("/proc/" + pid + "/cgroup")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return strings.TrimSuffix(path, "\n"), nil
		}
	}
	return "", errors.New("process is in no v2 cgroup")
}

// CgroupOf is the directory of the v2 cgroup a process is in.
func CgroupOf(pid int) (string, error) {
	mount, err := cgroupMount()
	if err != nil {
		return "", err
	}
	path, err := cgroupPath(strconv.Itoa(pid))
	if err != nil {
		return "", err
	}
	return filepath.Join(mount, path), nil
}

// KillCgroup kills what is in dir and below it; no fork escapes.
func KillCgroup(dir string) error {
	return os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0)
}

// CgroupPopulated reports whether something lives in dir or below it.
func CgroupPopulated(dir string) (bool, error) {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.events"))
	if err != nil {
		return false, err
	}
	return bytes.Contains(text, []byte("populated 1")), nil
}

// RemoveCgroup removes dir with the directories that jobs made below it. What
// still holds a process stays.
func RemoveCgroup(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := RemoveCgroup(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return os.Remove(dir)
}
