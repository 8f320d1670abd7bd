package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/engine/pack"
	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/lang/tree"
	"github.com/leifengta/lft/planner"
)

// aimFlags narrow what a plan looks at.
func aimFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "target", Usage: "plan only for this address, or pattern of addresses, and what it needs; may be repeated"},
		&cli.StringSliceFlag{Name: "exclude", Usage: "leave out this address, or pattern, and what needs it; may be repeated"},
	}
}

// wish is what a plan of the folder is asked for, in the words of the flags.
func (a *app) wish(ctx context.Context, cmd *cli.Command, destroy bool) (planner.Wish, error) {
	if a.cache == nil {
		a.cache = newParseCache(a.version, cmd.Bool("watch"))
	}
	bundle, warnings, err := a.read(cmd, a.cache, a.questioner(ctx, cmd))
	if err != nil {
		return planner.Wish{}, err
	}
	w := planner.Want(bundle)
	// The plan has the checks apart.
	w.Found = slices.DeleteFunc(warnings, func(d diag.Diagnostic) bool { return d.Code == lang.CodeCheck })
	w.Adopt = cmd.Bool("adopt")
	w.Targets, w.Excludes = cmd.StringSlice("target"), cmd.StringSlice("exclude")
	if destroy {
		w.Mode, w.Declared = planner.Destroy, nil
	}
	if cmd.Bool("refresh-only") {
		if destroy || len(w.Targets)+len(w.Excludes) > 0 {
			return w, errors.New("-refresh-only shows drift and changes nothing: -destroy, -target and -exclude do not go with it")
		}
		w.Mode = planner.RefreshOnly
	}
	return w, nil
}

// addTexts puts the contents of small files that change into the plan: from the
// folder as they shall be, from the bucket as they were. What cannot be read is
// left out; an apply will say so.
func (c *client) addTexts(ctx context.Context, p *planner.Plan) {
	packs := map[spec.Address]*spec.Dependency{} // as deployed, by the address to be
	for _, change := range p.Changes {
		if old, ok := planner.Going(change); ok && change.Address().Kind() == spec.DependencyKind {
			if d, err := spec.DecodeDependency(old.Data, old.Address); err == nil {
				packs[change.Address()] = d
			}
		}
	}
	look := c.looker(ctx)
	before := func(a spec.Address, f planner.FileChange) ([]byte, bool) {
		d := packs[a]
		if d == nil {
			return nil, false
		}
		files, at := make([]tree.File, len(d.Files)), -1
		for i, file := range d.Files {
			files[i] = tree.File{Path: file.Path, Executable: file.Executable, Size: file.Size, SHA256: file.SHA256}
			if file.Path == f.Path {
				at = i
			}
		}
		if at < 0 {
			return nil, false
		}
		off, n := pack.Section(files, at)
		data, found := look(d.Digest, off, n)
		return data, found == there
	}
	after := func(a spec.Address, f planner.FileChange) ([]byte, bool) {
		source, ok := p.Folder.Sources[a]
		if !ok {
			return nil, false
		}
		root, err := os.OpenRoot(source)
		if err != nil {
			return nil, false
		}
		defer func() { _ = root.Close() }()
		data, err := root.ReadFile(filepath.FromSlash(f.Path))
		return data, err == nil
	}
	planner.AddTexts(p.Changes, before, after)
}
