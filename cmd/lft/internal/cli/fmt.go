package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/format"
)

func (a *app) fmtVerb() *cli.Command {
	return &cli.Command{
		Name:      "fmt",
		Usage:     "Lay out the files of the folder in the one canonical way",
		ArgsUsage: "[FILE | FOLDER | -]...",
		Description: "It lists the files it has changed. \"-\" reads from the standard input and writes the result to the output.\n" +
			"It lays out *.hcl and files of variables, *.vars; files in JSON are left alone.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "list", Value: true, Usage: "list the files that differ (-list=false)"},
			&cli.BoolFlag{Name: "write", Value: true, Usage: "change the files (-write=false)"},
			&cli.BoolFlag{Name: "diff", Usage: "show the changes"},
			&cli.BoolFlag{Name: "check", Usage: "change nothing, end with 3 when something is to be changed"},
			&cli.BoolFlag{Name: "recursive", Usage: "folders below, too"},
		},
		Action: a.runFormat,
	}
}

// layout is one call of fmt.
type layout struct {
	term                     *view.Terminal
	list, write, diff, check bool
	recursive                bool
	files                    []*layoutFile
	known                    map[string]bool // clean paths of files
	changed                  bool            // some file differs from its canonical form
	broken                   bool            // some file does not parse
}

// layoutFile is a file to lay out.
type layoutFile struct {
	path       string
	mode       fs.FileMode
	src, after []byte
	broken     bool
	findings   diag.List // why, or
	err        error     // why, or why it cannot be read
}

func (a *app) runFormat(ctx context.Context, cmd *cli.Command) error {
	l := &layout{
		term: a.term, list: cmd.Bool("list"), write: cmd.Bool("write") && !cmd.Bool("check"),
		diff: cmd.Bool("diff"), check: cmd.Bool("check"), recursive: cmd.Bool("recursive"), known: map[string]bool{},
	}
	a.room = make([]byte, roomForGarbage)
	targets := cmd.Args().Slice()
	if len(targets) == 0 {
		targets = []string{"."}
	}
	for _, target := range targets {
		if err := l.target(ctx, target, a.in); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(l.files, 64) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := l.batch(batch); err != nil {
			return err
		}
	}
	switch {
	case l.broken:
		return exitCode(exitSyntax)
	case l.check && l.changed:
		return exitCode(exitUnformatted)
	}
	return nil
}

// target collects the files of an argument; the standard input is laid out at once.
func (l *layout) target(ctx context.Context, target string, in io.Reader) error {
	if target == "-" {
		return l.stream(ctx, in)
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if filepath.Ext(target) != ".json" { // JSON has tools of its own
			l.add(target, info.Mode())
		}
		return nil
	}
	return filepath.WalkDir(target, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && path != target
		switch {
		case entry.IsDir() && (hidden || path != target && !l.recursive):
			return fs.SkipDir
		case entry.IsDir() || hidden || filepath.Ext(path) != ".hcl" && filepath.Ext(path) != ".vars":
			return nil
		}
		info, err := entry.Info()
		if err == nil {
			l.add(path, info.Mode())
		}
		return err
	})
}

// add notes a file, once, however often it is named.
func (l *layout) add(path string, mode fs.FileMode) {
	if clean := filepath.Clean(path); !l.known[clean] {
		l.known[clean] = true
		l.files = append(l.files, &layoutFile{path: path, mode: mode})
	}
}

// batch lays files out on all processors, and then presents them in their order.
func (l *layout) batch(files []*layoutFile) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(files)); i = next.Add(1) - 1 {
				files[i].read()
			}
		})
	}
	wg.Wait()
	for _, f := range files {
		if err := l.present(f); err != nil {
			return err
		}
		*f = layoutFile{} // or all of a large folder would be kept
	}
	return nil
}

func (f *layoutFile) read() {
	if f.src, f.err = os.ReadFile(f.path); f.err == nil {
		f.layOut()
	}
}

// layOut fills in the text as it should be, or what keeps it from being read.
func (f *layoutFile) layOut() {
	after, err := format.Source(f.src, f.path)
	if err != nil {
		if f.findings = lang.Syntax(f.path, f.src); !f.findings.HasErrors() {
			f.findings = nil
			f.err = err
		}
		f.broken = true
	}
	f.after = after
}

// present tells what is to be done about a file, and does it.
func (l *layout) present(f *layoutFile) error {
	if f.broken {
		l.tellBroken(f)
		return nil
	}
	if f.err != nil || bytes.Equal(f.src, f.after) {
		return f.err
	}
	l.changed = true
	if l.list {
		l.term.Printf("%s\n", f.path)
	}
	if l.diff {
		l.term.FileDiff(f.path, f.src, f.after)
	}
	if l.write {
		return replaceFile(f.path, f.after, f.mode.Perm())
	}
	return nil
}

// tellBroken tells what does not parse; it is left alone.
func (l *layout) tellBroken(f *layoutFile) {
	l.broken = true
	if f.err != nil {
		l.term.Error(f.err)
	} else {
		l.term.Diagnostics(f.findings)
	}
}

func (l *layout) stream(ctx context.Context, in io.Reader) error {
	src, err := answer(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(in, format.MaxFile+1)) })
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	if len(src) > format.MaxFile {
		return errors.New("the standard input has more than 1 MiB")
	}
	f := &layoutFile{path: "<stdin>", src: src}
	f.layOut()
	if f.broken {
		l.tellBroken(f)
		return nil
	}
	l.changed = l.changed || !bytes.Equal(src, f.after)
	switch {
	case l.diff:
		l.term.FileDiff(f.path, src, f.after)
	case !l.check:
		l.term.Printf("%s", f.after)
	}
	return nil
}
