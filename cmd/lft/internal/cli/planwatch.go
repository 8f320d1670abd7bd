package cli

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

const (
	// A look at the folder's files is never more than a tenth of the time.
	lookSoon  = 30 * time.Millisecond
	lookShare = 10
	// maxWatched bounds the files that are looked at.
	maxWatched = 100_000
)

// watchPlan plans again whenever a file of the folder changes, until ctx ends.
// What is wrong in the folder, or with the state, is shown and waited out.
func (a *app) watchPlan(ctx context.Context, cmd *cli.Command) error {
	for _, name := range []string{"out", "json", "detailed-exitcode"} {
		if cmd.IsSet(name) {
			return errors.New("-watch goes on until it is interrupted; -" + name + " does not go with it")
		}
	}
	more := variableFiles(cmd) // they may lie elsewhere
	seen, err := look(more)
	last := ""
	for err == nil {
		started := time.Now()
		picture := a.picture(ctx, cmd)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // an interrupt is how a watch ends
		}
		if picture != last {
			last = picture
			a.term.Draw(picture, time.Since(started))
		}
		var changed bool
		if changed, seen, err = a.untilChanged(ctx, seen, more); !changed {
			return err
		}
	}
	return err
}

// picture is what a plan would show by now, mistakes included.
func (a *app) picture(ctx context.Context, cmd *cli.Command) string {
	draft := *a
	var shown *bytes.Buffer
	draft.term, shown = a.term.Draft()
	if _, err := draft.planOnce(ctx, cmd); err != nil {
		draft.end(ctx, err)
	}
	return shown.String()
}

// stamp tells a file from what it was before.
type stamp struct {
	at   time.Time
	size int64
	mode fs.FileMode
}

// untilChanged returns when a file differs from what was seen, or ctx ends.
func (a *app) untilChanged(ctx context.Context, seen map[string]stamp, more []string) (bool, map[string]stamp, error) {
	for {
		started := time.Now()
		now, err := look(more)
		if err != nil {
			return false, nil, err
		}
		if !maps.Equal(seen, now) {
			return true, now, nil
		}
		if !pause(ctx, max(lookSoon, lookShare*time.Since(started))) {
			return false, nil, nil
		}
	}
}

// look stamps the files of the folder, but for hidden ones.
func look(more []string) (map[string]stamp, error) {
	seen := map[string]stamp{}
	see := func(path string, info fs.FileInfo) {
		seen[path] = stamp{info.ModTime(), info.Size(), info.Mode()}
	}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // it goes while it is looked at
		case err != nil:
			return err
		case path != "." && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		case len(seen) == maxWatched:
			return errors.New("the folder holds more files than can be watched")
		}
		if info, err := entry.Info(); err == nil {
			see(path, info)
		}
		return nil
	})
	for _, path := range more {
		if info, err := os.Stat(path); err == nil {
			see(path, info)
		}
	}
	return seen, err
}
