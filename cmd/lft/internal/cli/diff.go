package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

func (a *app) diffVerb() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "Show what differs between two folders, revisions or plans",
		ArgsUsage: "A B",
		Description: "Each of A and B is a folder, the number of a revision, or the file of a saved plan, which stands for what is\n" +
			"deployed when it is applied. It shows what leads from A to B. Nothing is asked what that does to what is running:\n" +
			"that is a plan.",
		Flags: slices.Concat(stateFlags(), variableFlags(), formFlags(), []cli.Flag{projectFlag()}),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			differs, err := a.runDiff(ctx, cmd)
			switch {
			case err != nil:
				return &codedError{code: exitTrouble, err: err}
			case differs:
				return exitCode(exitDiffers)
			}
			return nil
		},
	}
}

// side is one of the two that are compared.
type side struct {
	words   string // what it is, for a reader
	project string
	objects map[spec.Address]planner.Declared
	moved   []spec.Moved // of a folder
}

func (a *app) runDiff(ctx context.Context, cmd *cli.Command) (differs bool, err error) {
	if cmd.Args().Len() != 2 {
		return false, fmt.Errorf("%s needs two of: a folder, a revision, a plan; got %d", cmd.FullName(), cmd.Args().Len())
	}
	var sides [2]side
	for i, name := range cmd.Args().Slice() {
		if sides[i], err = a.side(ctx, cmd, name); err != nil {
			return false, err
		}
	}
	p, err := compared(sides[0], sides[1])
	if err != nil {
		return false, err
	}
	p.LftVersion = a.version
	return len(p.Changes) > 0, a.showPlan(cmd, p)
}

// side reads what a name stands for. A number is a revision, unless there is a
// file or folder of that name.
func (a *app) side(ctx context.Context, cmd *cli.Command, name string) (side, error) {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return a.folderSide(cmd, name)
	case err == nil:
		return a.planSide(ctx, cmd, name)
	}
	revision, parseErr := strconv.ParseInt(name, 10, 64)
	if parseErr != nil || revision <= 0 {
		return side{}, fmt.Errorf("%q is no folder, no file of a plan, and no number of a revision: %w", name, err)
	}
	project, err := a.project(cmd)
	if err != nil {
		return side{}, err
	}
	return a.revisionSide(ctx, cmd, project, revision)
}

func (a *app) folderSide(cmd *cli.Command, dir string) (side, error) {
	options, err := a.loadOptions(cmd, os.Environ())
	if err != nil {
		return side{}, err
	}
	bundle, findings := lang.Load(os.DirFS(dir), options)
	for i := range findings {
		if findings[i].Range.File != "" && dir != "." {
			findings[i].Range.File = filepath.ToSlash(filepath.Join(dir, findings[i].Range.File))
		}
	}
	a.term.Diagnostics(findings)
	if bundle == nil {
		return side{}, exitCode(exitError)
	}
	s := declaredSide("folder "+dir, bundle.Project, planner.Declare(bundle))
	s.moved = bundle.Moved
	return s, nil
}

func declaredSide(words, project string, declared []planner.Declared) side {
	s := side{words: words, project: project, objects: map[spec.Address]planner.Declared{}}
	for _, d := range declared {
		s.objects[d.Address] = d
	}
	return s
}

func (a *app) revisionSide(ctx context.Context, cmd *cli.Command, project string, revision int64) (side, error) {
	c, err := a.connect(ctx, cmd)
	if err != nil {
		return side{}, err
	}
	defer c.Close()
	declared, err := c.revision(ctx, project, revision)
	return declaredSide(fmt.Sprintf("revision %d", revision), project, declared), err
}

// revision is what a project declared at a revision.
func (c *client) revision(ctx context.Context, project string, revision int64) ([]planner.Declared, error) {
	deployed, err := c.deployed(ctx, project, revision)
	if err != nil {
		return nil, err
	}
	if deployed.Project.UID == "" {
		return nil, fmt.Errorf("project %q has no revision %d: nothing was ever applied", project, revision)
	}
	digests := make([]string, 0, len(deployed.Objects))
	for _, o := range deployed.Objects {
		digests = append(digests, o.Digest)
	}
	slices.Sort(digests)
	specs, err := c.specs(ctx, slices.Compact(digests))
	if err != nil {
		return nil, err
	}
	declared := make([]planner.Declared, 0, len(deployed.Objects))
	for _, o := range deployed.Objects {
		declared = append(declared, planner.Declared{Address: o.Address, Digest: o.Digest, Data: specs[o.Digest], UID: o.UID})
	}
	return declared, nil
}

// planSide is the base of a plan with its changes made.
func (a *app) planSide(ctx context.Context, cmd *cli.Command, path string) (side, error) {
	p, _, err := readPlan(path)
	if err != nil {
		return side{}, err
	}
	s := side{project: p.Project.Name, objects: map[spec.Address]planner.Declared{}}
	if p.Project.Revision > 0 {
		if s, err = a.revisionSide(ctx, cmd, p.Project.Name, p.Project.Revision); err != nil {
			return side{}, fmt.Errorf("the base of %s: %w", path, err)
		}
	}
	for _, change := range p.Changes {
		switch change := change.(type) {
		case planner.Delete:
			delete(s.objects, change.Old.Address)
		case planner.Move:
			delete(s.objects, change.Old.Address)
		case planner.Create, planner.Update:
		}
	}
	for _, change := range p.Changes {
		if coming, ok := planner.Coming(change); ok {
			if old, was := planner.Going(change); was {
				coming.UID = old.UID
			}
			s.objects[coming.Address] = coming
		}
	}
	s.words = "plan " + path
	return s, nil
}

// compared is a plan that leads from a to b, whatever they are. It can only be
// looked at.
func compared(a, b side) (*planner.Plan, error) {
	if a.project != b.project {
		return nil, fmt.Errorf("one is of project %q, the other of project %q", a.project, b.project)
	}
	deployed := planner.Deployed{Project: planner.Project{Name: a.project}}
	specs := map[string][]byte{}
	for addr, o := range a.objects {
		specs[o.Digest] = o.Data
		deployed.Objects = append(deployed.Objects, planner.Object{UID: cmp.Or(o.UID, string(addr)), Address: addr, Digest: o.Digest, Version: 1})
	}
	w := planner.Wish{Declared: slices.Collect(maps.Values(b.objects)), Moved: b.moved}
	slices.SortFunc(deployed.Objects, func(x, y planner.Object) int { return cmp.Compare(x.Address, y.Address) })
	slices.SortFunc(w.Declared, func(x, y planner.Declared) int { return cmp.Compare(x.Address, y.Address) })
	changes, err := w.Compare(deployed, specs)
	if err != nil {
		return nil, errors.Join(errors.New("the two cannot be compared"), err)
	}
	return &planner.Plan{Project: deployed.Project, Changes: changes, Compared: &planner.Compared{From: a.words, To: b.words}}, nil
}
