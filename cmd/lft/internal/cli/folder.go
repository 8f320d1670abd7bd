package cli

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
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
func (a *app) load(*cli.Command) (*spec.Bundle, error) {
	return nil, errors.New("internal error: no language in this build")
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
