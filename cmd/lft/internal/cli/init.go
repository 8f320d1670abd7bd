package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/examples"
)

func (a *app) initVerb() *cli.Command {
	return &cli.Command{
		Name:  "init",
		Usage: "Write a project to start from into this folder",
		Description: "The project plans, applies and runs as it is; its comments tell what to change. In a folder that already holds\n" +
			"a project there is nothing to do: lft needs no plugins, and keeps no working files but .lft/.\n" +
			"It never overwrites a file. Examples to start from: " + strings.Join(examples.Names(), ", ") + ".",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "copy this example instead"},
			inputFlag(),
		},
		Action: a.runInit,
	}
}

func (a *app) runInit(_ context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	name := cmd.String("from")
	if name == "" {
		if files, _ := filepath.Glob("*.hcl"); slices.ContainsFunc(files, func(f string) bool { return f != lockFile }) {
			a.term.Initialized("")
			return nil
		}
		if others := givenOf(cmd, ignoredFlags("init")); len(others) > 0 {
			return fmt.Errorf("there is no project in this folder that -%s could prepare; without it, lft init writes one", others[0])
		}
		name = examples.Starter
	}
	project, ok := examples.Open(name)
	if !ok {
		return fmt.Errorf("there is no example %q; there are %s", name, strings.Join(examples.Names(), ", "))
	}
	files, err := filesOf(project)
	if err != nil {
		return err
	}
	if err := writeNew(project, files); err != nil {
		return err
	}
	for _, file := range files {
		a.term.Printf("%s\n", file)
	}
	if !automated(os.Getenv) {
		a.term.Initialized(examples.FirstFlow(name))
	}
	return nil
}

// givenOf are the names of the flags that were given.
func givenOf(cmd *cli.Command, flags []cli.Flag) []string {
	return slices.DeleteFunc(namesOf(flags), func(name string) bool { return !cmd.IsSet(name) })
}

// filesOf lists the files of an example, sorted.
func filesOf(fsys fs.FS) ([]string, error) {
	var files []string
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, name)
		}
		return err
	})
	return files, err
}

// writeNew copies files that must not be there yet. It looks before it writes, and
// each is made only where there is none.
func writeNew(fsys fs.FS, files []string) error {
	var there []string
	for _, name := range files {
		if _, err := os.Lstat(filepath.FromSlash(name)); err == nil {
			there = append(there, name)
		}
	}
	if len(there) > 0 {
		return fmt.Errorf("already there: %s\nNothing was written. Go to an empty folder, or take them away", strings.Join(there, ", "))
	}
	for _, name := range files {
		if err := os.MkdirAll(filepath.FromSlash(path.Dir(name)), 0o777); err != nil {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o666)
		if strings.HasPrefix(string(data), "#!") {
			mode = 0o777 // a script
		}
		f, err := os.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
