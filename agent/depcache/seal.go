package depcache

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A seal is what the system says of each name of an entry, one a line: the inode,
// how it is used, and when it was changed last. That time is the kernel's, no
// program sets it: whatever is written, made, removed, renamed or given another
// mode shows, without reading a byte of content.

// look writes the lines of all that is below dir, in order.
func look(dir string, line func(string) error) error {
	return filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(name, &st); err != nil {
			return fmt.Errorf("look at %s: %w", name, err)
		}
		// Making folders inside changes the number of links; so does a hard link, but
		// also the time.
		return line(fmt.Sprintf("%d %o %d %d %d.%09d %s", st.Ino, st.Mode, st.Uid, st.Size, st.Ctim.Sec, st.Ctim.Nsec,
			strings.TrimPrefix(name, dir)))
	})
}

// seal notes in the file path what is below dir now.
func seal(dir, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	if err := look(dir, func(line string) error { _, err := w.WriteString(line + "\n"); return err }); err != nil {
		return err
	}
	if err := errors.Join(w.Flush(), f.Sync()); err != nil {
		return err
	}
	return f.Close()
}

// errBroken says that an entry is not as it was sealed.
var errBroken = errors.New("was changed since it was fetched")

// sealed compares what is below dir with the seal in the file path.
func sealed(dir, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return errBroken
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<16)
	err = look(dir, func(line string) error {
		if !lines.Scan() || lines.Text() != line {
			return errBroken
		}
		return nil
	})
	if err != nil || lines.Scan() {
		return errBroken
	}
	return lines.Err()
}

// blockSize is what a name takes up at least.
const blockSize = 4096

// sealedBytes is what the files of a seal take up.
func sealedBytes(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	total := int64(0)
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<16)
	for lines.Scan() {
		var ino, mode, uid, size int64
		if _, err := fmt.Sscanf(lines.Text(), "%d %o %d %d", &ino, &mode, &uid, &size); err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		if mode&unix.S_IFMT == unix.S_IFREG {
			total += size
		}
		total += blockSize
	}
	return total, lines.Err()
}
