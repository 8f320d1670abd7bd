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
	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
	"github.com/leifengta/lft/providers/builtin"
)

// variableFlags set variables of the configuration. Of two for one variable the
// later wins, so that both flags write into one list.
func variableFlags() []cli.Flag {
	all := new([]givenFlag)
	return []cli.Flag{
		&cli.GenericFlag{Name: "var", Value: &variableFlag{all: all}, Usage: "set a variable, name=value; may be repeated"},
		&cli.GenericFlag{Name: "var-file", Value: &variableFlag{all: all, file: true}, Usage: "read variables from this file; may be repeated"},
	}
}

// givenFlag is one -var or -var-file as it is written.
type givenFlag struct {
	text string
	file bool
}

// variableFlag is the value of one of the two flags: the list of both.
type variableFlag struct {
	all  *[]givenFlag
	file bool
}

// Set implements flag.Value.
func (f *variableFlag) Set(text string) error {
	*f.all = append(*f.all, givenFlag{text: text, file: f.file})
	return nil
}

// String implements flag.Value.
func (f *variableFlag) String() string { return "" }

// Get implements flag.Getter.
func (f *variableFlag) Get() any { return *f.all }

// given lists -var and -var-file in the order in which they stand.
func given(cmd *cli.Command) []givenFlag {
	all, _ := cmd.Value("var").([]givenFlag)
	return all
}

// variableFiles are the paths of all -var-file.
func variableFiles(cmd *cli.Command) []string {
	var paths []string
	for _, one := range given(cmd) {
		if one.file {
			paths = append(paths, one.text)
		}
	}
	return paths
}

// load reads the folder. Findings are shown here; an error means that it is of
// no use.
func (a *app) load(cmd *cli.Command) (*spec.Bundle, error) {
	bundle, warnings, err := a.read(cmd, nil, nil)
	a.term.Diagnostics(warnings)
	return bundle, err
}

// read is load that leaves warnings to the caller. With a cache the bundle has
// flows in canonical form only. A questioner, if any, asks for missing values.
func (a *app) read(cmd *cli.Command, cache *parseCache, q *questioner) (*spec.Bundle, diag.List, error) {
	options, err := a.loadOptions(cmd, os.Environ())
	if err != nil {
		return nil, nil, err
	}
	a.room = make([]byte, roomForGarbage)
	if cache != nil {
		options.Cache = cache
		defer cache.tidy()
	}
	if q != nil {
		options.Ask = q.ask
	}
	bundle, findings := lang.Load(os.DirFS("."), options)
	if q != nil && q.ctx.Err() != nil {
		return nil, nil, q.ctx.Err()
	}
	if findings.HasErrors() {
		a.term.Diagnostics(findings)
		return nil, nil, exitCode(exitError)
	}
	return bundle, findings, nil
}

// roomForGarbage, in bytes, is memory that nobody touches, so that it costs none:
// the collector, which waits until the heap has doubled, leaves a small project
// alone and a large one the room that it would have had anyway.
const roomForGarbage = 64 << 20

func (a *app) loadOptions(cmd *cli.Command, environ []string) (lang.Options, error) {
	options := lang.Options{
		JobTypes: builtin.Set().Schemas(),
		Version:  a.version,
		Env:      map[string]string{},
		Open:     openOutside,
	}
	for _, one := range given(cmd) {
		if one.file {
			data, err := os.ReadFile(one.text)
			if err != nil {
				return options, fmt.Errorf("-var-file: %w", err)
			}
			options.Given = append(options.Given, lang.Given{Name: one.text, Data: data})
			continue
		}
		name, value, ok := strings.Cut(one.text, "=")
		if !ok || name == "" {
			return options, fmt.Errorf("-var %q: write it as name=value", one.text)
		}
		if strings.TrimSpace(name) != name {
			return options, fmt.Errorf("-var %q: write it as name=value, without blanks before the equals sign: those behind it are part of the value", one.text)
		}
		options.Given = append(options.Given, lang.Given{Name: name, Text: value})
	}
	for _, entry := range environ {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "LFT_VAR_") {
			options.Env[strings.TrimPrefix(name, "LFT_VAR_")] = value
		} else if strings.HasPrefix(name, "TF_VAR_") {
			options.Foreign = append(options.Foreign, name)
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
