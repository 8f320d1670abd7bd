package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Slots hands out work directories, with the cgroup that belongs to each, and
// takes them back. To make and remove them for every attempt would cost a job
// more than its fork; so they stay, and a directory in which nothing was made is
// used again as it is.
type Slots struct {
	dir    string
	cgroup string // "" = none

	mu   sync.Mutex
	free []*Slot
	made int
}

// Slot is what one running attempt has to itself.
type Slot struct {
	Name   string // of its directory
	Work   string // absolute path of the work directory, empty
	Output string // path of a file that does not exist
	Cgroup string // directory, "" = none

	CgroupFD int // negative = none
	killed   bool
	work     *os.File
	clean    unix.Timespec // ctime of the empty work directory
}

// untouched is the modification time given to an empty work directory. Whatever
// is made in it sets another one, even within one tick of the kernel's clock.
const untouched = 1 // second since the epoch

// NewSlots removes what an earlier life left in dir.
func NewSlots(dir, cgroup string) (*Slots, error) {
	if err := RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("clear work directories: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &Slots{dir: dir, cgroup: cgroup}, nil
}

// ResumeSlots takes over dir from an earlier program of this process: the slots
// in use, by their names, are as they were and the others are removed.
func ResumeSlots(dir, cgroup string, used []string) (*Slots, map[string]*Slot, error) {
	s := &Slots{dir: dir, cgroup: cgroup}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("read slots: %w", err)
	}
	slots := map[string]*Slot{}
	for _, name := range used {
		slot := s.slot(name)
		// Nobody knows how its work directory looked when it was empty, nor
		// whether its cgroup was ever killed: both are made anew when it is given
		// back.
		slot.killed = slot.Cgroup != ""
		slots[name] = slot
	}
	for _, e := range entries {
		number, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		s.made = max(s.made, number)
		if slots[e.Name()] != nil {
			continue
		}
		if cgroup != "" {
			_ = RemoveCgroup(filepath.Join(cgroup, e.Name()))
		}
		if err := RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return nil, nil, fmt.Errorf("remove slot: %w", err)
		}
	}
	return s, slots, nil
}

// Take returns a free slot, or makes one.
func (s *Slots) Take() (*Slot, error) {
	s.mu.Lock()
	if n := len(s.free); n > 0 {
		slot := s.free[n-1]
		s.free = s.free[:n-1]
		s.mu.Unlock()
		return slot, nil
	}
	s.made++
	number := s.made
	s.mu.Unlock()
	return s.make(strconv.Itoa(number))
}

// slot says where a slot is.
func (s *Slots) slot(name string) *Slot {
	dir := filepath.Join(s.dir, name)
	slot := &Slot{
		Name: name, Work: filepath.Join(dir, "work"), Output: filepath.Join(dir, "output"), CgroupFD: -1,
	}
	if s.cgroup != "" {
		slot.Cgroup = filepath.Join(s.cgroup, name)
	}
	return slot
}

func (s *Slots) make(name string) (*Slot, error) {
	slot := s.slot(name)
	if err := os.Mkdir(filepath.Join(s.dir, name), 0o700); err != nil {
		return nil, fmt.Errorf("make slot: %w", err)
	}
	if err := slot.renew(); err != nil {
		return nil, err
	}
	if slot.Cgroup == "" {
		return slot, nil
	}
	return slot, slot.bornIn()
}

// bornIn makes the cgroup.
func (s *Slot) bornIn() error {
	if err := os.Mkdir(s.Cgroup, 0o755); err != nil {
		return fmt.Errorf("make the slot's cgroup: %w", err)
	}
	fd, err := openCgroup(s.Cgroup)
	s.CgroupFD = fd
	return err
}

// Kill kills everything in the slot's cgroup, if it has one.
func (s *Slot) Kill() error {
	if s.Cgroup == "" {
		return nil
	}
	s.killed = true
	return KillCgroup(s.Cgroup)
}

// Give takes a slot back, emptied. Nothing of its attempt may run any more. A
// slot that can not be emptied is not used again.
func (s *Slots) Give(slot *Slot) error {
	if err := unix.Unlink(slot.Output); err != nil && !errors.Is(err, unix.ENOENT) {
		if err := RemoveAll(slot.Output); err != nil {
			slot.drop()
			return fmt.Errorf("remove output: %w", err)
		}
	}
	if !slot.isClean() {
		slot.work.Close()
		if err := RemoveAll(slot.Work); err != nil {
			slot.drop()
			return fmt.Errorf("empty work directory: %w", err)
		}
		if err := slot.renew(); err != nil {
			slot.drop()
			return err
		}
	}
	if slot.killed {
		// Linux kills at birth what is cloned into a cgroup that was ever
		// killed: it compares how often with the count of the parent's cgroup.
		_ = unix.Close(slot.CgroupFD)
		slot.CgroupFD, slot.killed = -1, false
		if err := errors.Join(RemoveCgroup(slot.Cgroup), slot.bornIn()); err != nil {
			slot.drop()
			return err
		}
	}
	s.mu.Lock()
	s.free = append(s.free, slot)
	s.mu.Unlock()
	return nil
}

// Close removes the slots that are not taken.
func (s *Slots) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, slot := range s.free {
		slot.drop()
		if slot.Cgroup != "" {
			_ = RemoveCgroup(slot.Cgroup)
		}
	}
	s.free = nil
	if s.cgroup != "" {
		_ = RemoveCgroup(s.cgroup)
	}
	return RemoveAll(s.dir)
}

func (s *Slot) drop() {
	s.work.Close()
	if s.CgroupFD >= 0 {
		_ = unix.Close(s.CgroupFD)
	}
}

// renew makes the work directory and remembers how an untouched one looks.
func (s *Slot) renew() error {
	if err := os.Mkdir(s.Work, 0o700); err != nil {
		return fmt.Errorf("make work directory: %w", err)
	}
	mark := unix.Timespec{Sec: untouched}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, s.Work, []unix.Timespec{mark, mark}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("mark work directory: %w", err)
	}
	f, err := os.Open(s.Work)
	if err != nil {
		return fmt.Errorf("open work directory: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		f.Close()
		return fmt.Errorf("look at work directory: %w", err)
	}
	s.work, s.clean = f, st.Ctim
	return nil
}

// isClean reports whether nothing was ever made in the work directory, and it is
// still where it was: any of these changes one of the two times.
func (s *Slot) isClean() bool {
	var st unix.Stat_t
	if err := unix.Fstat(int(s.work.Fd()), &st); err != nil {
		return false
	}
	return st.Mtim == (unix.Timespec{Sec: untouched}) && st.Ctim == s.clean && st.Nlink > 0
}

// RemoveAll removes path also where the right to write was taken away.
func RemoveAll(path string) error {
	err := os.RemoveAll(path)
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(p, 0o700)
		}
		return nil
	})
	return os.RemoveAll(path)
}
