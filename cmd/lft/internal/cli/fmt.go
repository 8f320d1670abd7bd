package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/lang"
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
	changed                  bool // some file differs from its canonical form
	broken                   bool // some file does not parse
}

func (a *app) runFormat(_ context.Context, cmd *cli.Command) error {
	l := &layout{
		term: a.term, list: cmd.Bool("list"), write: cmd.Bool("write") && !cmd.Bool("check"),
		diff: cmd.Bool("diff"), check: cmd.Bool("check"), recursive: cmd.Bool("recursive"),
	}
	targets := cmd.Args().Slice()
	if len(targets) == 0 {
		targets = []string{"."}
	}
	for _, target := range targets {
		if err := l.target(target, a.in); err != nil {
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

func (l *layout) target(target string, in io.Reader) error {
	if target == "-" {
		return l.stream(in)
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if filepath.Ext(target) == ".json" {
			return nil // JSON has tools of its own
		}
		return l.file(target, info.Mode())
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
		return cmp.Or(err, l.file(path, info.Mode()))
	})
}

func (l *layout) file(path string, mode fs.FileMode) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	formatted, ok := l.source(src, path)
	if !ok || bytes.Equal(src, formatted) {
		return nil
	}
	l.changed = true
	if l.list {
		l.term.Printf("%s\n", path)
	}
	if l.diff {
		l.term.FileDiff(path, src, formatted)
	}
	if l.write {
		return replaceFile(path, formatted, mode.Perm())
	}
	return nil
}

// source formats a text; what does not parse is told and left alone.
func (l *layout) source(src []byte, name string) ([]byte, bool) {
	formatted, err := format.Source(src, name)
	if err != nil {
		l.broken = true
		if found := lang.Syntax(name, src); found.HasErrors() {
			l.term.Diagnostics(found)
		} else {
			l.term.Error(err)
		}
		return nil, false
	}
	return formatted, true
}

func (l *layout) stream(in io.Reader) error {
	src, err := io.ReadAll(io.LimitReader(in, format.MaxFile+1))
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	if len(src) > format.MaxFile {
		return errors.New("the standard input has more than 1 MiB")
	}
	formatted, ok := l.source(src, "<stdin>")
	if !ok {
		return nil
	}
	l.changed = l.changed || !bytes.Equal(src, formatted)
	switch {
	case l.diff:
		l.term.FileDiff("<stdin>", src, formatted)
	case !l.check:
		l.term.Printf("%s", formatted)
	}
	return nil
}
