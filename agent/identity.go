package agent

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Host tells one machine, and one life of it, from another.
type Host struct {
	MachineID string
	BootID    string
	Namespace string // of process ids, and when it began
}

// identity is who an agent is, but for its journal.
type identity struct {
	uid string
	Host
}

// lockDir makes sure that the directory serves one agent at a time. The lock
// ends with the file, also when the process is killed.
func lockDir(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, "agent.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the agent's directory: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return file, nil
	}
	file.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("directory %s is used by another agent; give this one its own -dir", dir)
	}
	return nil, fmt.Errorf("lock directory %s: %w", dir, err)
}

func readIdentity(c Config) (identity, error) {
	uid, err := keptID(filepath.Join(c.Dir, "agent.uid"))
	if err != nil {
		return identity{}, err
	}
	if c.Host != nil {
		return identity{uid: uid, Host: *c.Host}, nil
	}
	h, err := readHost(c.Dir)
	return identity{uid: uid, Host: h}, err
}

func readHost(dir string) (Host, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Host{}, fmt.Errorf("read the boot id: %w", err)
	}
	namespace, err := pidNamespace()
	if err != nil {
		return Host{}, err
	}
	h := Host{BootID: strings.TrimSpace(string(boot)), Namespace: namespace}
	// Minimal images come without one; then the directory stands for the machine.
	machine, err := os.ReadFile("/etc/machine-id")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Host{}, fmt.Errorf("read the machine id: %w", err)
	}
	h.MachineID = strings.TrimSpace(string(machine))
	if h.MachineID == "" || h.MachineID == "uninitialized" {
		h.MachineID, err = keptID(filepath.Join(dir, "machine-id"))
	}
	return h, err
}

// pidNamespace names the namespace of process ids and its beginning: when it is
// another one, no process of the earlier one lives.
func pidNamespace() (string, error) {
	link, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "", fmt.Errorf("read the pid namespace: %w", err)
	}
	stat, err := os.ReadFile("/proc/1/stat")
	if err != nil {
		return "", fmt.Errorf("read when the pid namespace began: %w", err)
	}
	start, err := startTime(stat)
	if err != nil {
		return "", fmt.Errorf("read when the pid namespace began: %w", err)
	}
	return link + "@" + strconv.FormatUint(start, 10), nil
}

// startTime is field 22 of a stat file. The second field, the command, may hold
// blanks and parentheses.
func startTime(stat []byte) (uint64, error) {
	_, rest, ok := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	fields := bytes.Fields(rest)
	if !ok || len(fields) < 20 {
		return 0, errors.New("stat file is too short")
	}
	return strconv.ParseUint(string(fields[19]), 10, 64)
}

// keptID reads the id in a file, drawing one when there is no file.
func keptID(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err == nil {
		id := strings.TrimSpace(string(data))
		if id == "" {
			return "", fmt.Errorf("%s is empty; put the id back, or remove it to become a new agent", path)
		}
		return id, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	id := strings.ToLower(rand.Text())
	return id, writeDurably(path, []byte(id+"\n"))
}

// writeDurably puts a whole file at path.
func writeDurably(path string, content []byte) error {
	next := path + ".next"
	file, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
