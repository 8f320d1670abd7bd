package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
	"github.com/leifengta/lft/providers/builtin"
)

// variableFlags set variables of the configuration.
func variableFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "var", Usage: "set a variable, name=value; may be repeated"},
		&cli.StringSliceFlag{Name: "var-file", Usage: "read variables from this file; may be repeated"},
	}
}

// load reads the folder. Findings are shown here; an error means that it is of
// no use.
func (a *app) load(cmd *cli.Command) (*spec.Bundle, error) {
	options, err := a.loadOptions(cmd, os.Environ())
	if err != nil {
		return nil, err
	}
	bundle, findings := lang.Load(os.DirFS("."), options)
	a.term.Diagnostics(findings)
	if findings.HasErrors() {
		return nil, exitCode(exitError)
	}
	return bundle, nil
}

func (a *app) loadOptions(cmd *cli.Command, environ []string) (lang.Options, error) {
	options := lang.Options{
		JobTypes: builtin.Set().Schemas(),
		Version:  a.version,
		Vars:     map[string]string{},
		Env:      map[string]string{},
		Open:     openOutside,
	}
	for _, entry := range cmd.StringSlice("var") {
		name, value, ok := strings.Cut(entry, "=")
		if !ok || name == "" {
			return options, fmt.Errorf("-var %q: write it as name=value", entry)
		}
		options.Vars[strings.TrimSpace(name)] = value
	}
	for _, path := range cmd.StringSlice("var-file") {
		data, err := os.ReadFile(path)
		if err != nil {
			return options, fmt.Errorf("-var-file: %w", err)
		}
		options.VarData = append(options.VarData, lang.File{Name: path, Data: data})
	}
	for _, entry := range environ {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "LFT_VAR_") {
			options.Env[strings.TrimPrefix(name, "LFT_VAR_")] = value
		}
	}
	return options, nil
}

// openOutside opens a folder that modules outside of this one are read from.
// Nothing leads out of it.
func openOutside(dir string) (fs.FS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err //nolint:wrapcheck // the finding names the folder
	}
	return root.FS(), nil // open until the process ends
}

// folder says which folder this is; its lineage is "" until something is applied
// from it.
func folder() (planner.Folder, error) {
	dir, err := os.Getwd()
	if err != nil {
		return planner.Folder{}, err
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	host, err := os.Hostname()
	lineage, failure := readLineage(dir)
	return planner.Folder{Lineage: lineage, Origin: host + ":" + dir}, errors.Join(err, failure)
}
