package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"connectrpc.com/connect"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// maxMessage bounds what one request carries.
const maxMessage = 3 << 20

// plan compares what is wished for with what is deployed. Errors are shown here;
// warnings are part of the plan.
func (a *app) plan(ctx context.Context, c *client, w planner.Wish) (*planner.Plan, error) {
	w.LftVersion = a.version
	here, err := folder()
	if err != nil {
		return nil, err
	}
	w.Folder.Lineage, w.Folder.Origin = here.Lineage, here.Origin
	deployed, err := c.deployed(ctx, w.Project, 0)
	if err != nil {
		return nil, err
	}
	if err := owns(&w, deployed.Project); err != nil {
		return nil, err
	}
	specs, err := c.specs(ctx, w.Needs(deployed))
	if err != nil {
		return nil, err
	}
	p, findings, err := w.Make(deployed, specs)
	if err != nil {
		return nil, err
	}
	if findings.HasErrors() {
		a.term.Diagnostics(findings)
		return nil, exitCode(exitError)
	}
	drift, err := c.drift(ctx, deployed)
	if err != nil {
		return nil, err
	}
	p.SetDrift(drift)
	if len(p.Changes) == 0 {
		return p, nil
	}
	c.addTexts(ctx, p)
	if err := c.putSpecs(ctx, p); err != nil {
		return nil, err
	}
	p.Impact, err = c.preview(ctx, p)
	return p, err
}

// owns refuses a folder that has not made the project, unless it takes it over.
func owns(w *planner.Wish, project planner.Project) error {
	if project.UID == "" || w.Adopt || w.Folder.Lineage == project.Lineage {
		return nil
	}
	text := fmt.Sprintf("project %q belongs to another folder\nIt was last applied from %s; this is %s.\n",
		project.Name, project.Origin, w.Folder.Origin)
	if w.Folder.Lineage == "" {
		text += fmt.Sprintf("This folder has no %s. If it is the same folder, put that file back; else give the project\n"+
			"another name in the lft block, or take it over with -adopt.", lockFile)
	} else {
		text += "Give one of them another name in its lft block, or take the project over with -adopt."
	}
	return fmt.Errorf("%s", text)
}

// deployed returns a project at a revision, 0 = the newest.
func (c *client) deployed(ctx context.Context, project string, revision int64) (planner.Deployed, error) {
	res, err := c.deploy.GetDeployed(ctx, &lftv1.GetDeployedRequest{Project: project, Revision: revision})
	if err != nil {
		return planner.Deployed{}, err
	}
	d := planner.Deployed{Project: planner.Project{Name: project}}
	if p := res.GetProject(); p != nil {
		d.Project = planner.Project{
			Name: p.GetName(), UID: p.GetUid(), Lineage: p.GetLineage(), Origin: p.GetOrigin(), Revision: p.GetRevision(),
		}
	}
	for _, o := range res.GetObjects() {
		d.Objects = append(d.Objects, planner.Object{
			UID: o.GetUid(), Address: spec.Address(o.GetAddress()), Digest: o.GetDigest(), Version: o.GetVersion(),
		})
	}
	return d, nil
}

// specs fetches canonical JSON by digest, in as many answers as it takes.
func (c *client) specs(ctx context.Context, digests []string) (map[string][]byte, error) {
	got := make(map[string][]byte, len(digests))
	for len(digests) > 0 {
		res, err := c.deploy.GetSpecs(ctx, &lftv1.GetSpecsRequest{Digests: digests[:min(len(digests), maxMessage/70)]})
		if err != nil {
			return nil, err
		}
		if len(res.GetSpecs()) == 0 {
			return nil, fmt.Errorf("the spec %s is deployed but not stored", digests[0])
		}
		for _, s := range res.GetSpecs() {
			if spec.Digest(s.GetData()) != s.GetDigest() {
				return nil, fmt.Errorf("the spec %s is damaged", s.GetDigest())
			}
			got[s.GetDigest()] = s.GetData()
		}
		rest := digests[:0:0]
		for _, d := range digests {
			if got[d] == nil {
				rest = append(rest, d)
			}
		}
		digests = rest
	}
	return got, nil
}

// maxPuts bounds how often the specs of a plan are put.
const maxPuts = 10

// withSpecs does what needs the specs of a plan, which were put before, and puts them
// again when they have gone since: the server keeps them for a day, or until another
// plan with the same ones is refused.
func (c *client) withSpecs(ctx context.Context, p *planner.Plan, do func() error) error {
	for puts := 1; ; puts++ {
		err := do()
		if connect.CodeOf(err) != connect.CodeNotFound || puts == maxPuts {
			return err
		}
		if err := c.putSpecs(ctx, p); err != nil {
			return err
		}
	}
}

// putSpecs sends what a plan creates, ahead of preview and apply. Nobody sees it
// before the apply.
func (c *client) putSpecs(ctx context.Context, p *planner.Plan) error {
	req, size := &lftv1.PutSpecsRequest{}, 0
	flush := func() error {
		if len(req.Specs) == 0 {
			return nil
		}
		_, err := c.deploy.PutSpecs(ctx, req)
		req, size = &lftv1.PutSpecsRequest{}, 0
		return err
	}
	for _, change := range p.Changes {
		declared, ok := planner.Coming(change)
		if !ok {
			continue
		}
		if size += len(declared.Data) + 100; size > maxMessage {
			if err := flush(); err != nil {
				return err
			}
			size = len(declared.Data) + 100
		}
		req.Specs = append(req.Specs, &lftv1.Spec{Digest: declared.Digest, Data: declared.Data})
	}
	return flush()
}

// preview asks the engine what the plan would do to what is running.
func (c *client) preview(ctx context.Context, p *planner.Plan) (planner.Impact, error) {
	var impact planner.Impact
	var res *lftv1.PreviewResponse
	err := c.withSpecs(ctx, p, func() (err error) {
		res, err = c.deploy.Preview(ctx, &lftv1.PreviewRequest{Changes: changeSet(p)})
		return err
	})
	if err != nil {
		return impact, err
	}
	if err := json.Unmarshal(res.GetImpact(), &impact); err != nil {
		return impact, fmt.Errorf("the impact of the plan: %w", err)
	}
	return impact, nil
}

// changeSet is the plan by digest, as it is sent.
func changeSet(p *planner.Plan) *lftv1.ChangeSet {
	set := &lftv1.ChangeSet{
		Project: p.Project.Name, Lineage: p.Folder.Lineage, Origin: p.Folder.Origin,
		BaseRevision: p.Project.Revision, Adopt: p.Adopt,
	}
	for _, r := range p.Reads {
		set.Reads = append(set.Reads, &lftv1.Read{Address: string(r.Address), Uid: r.UID, Version: r.Version})
	}
	for _, change := range p.Changes {
		c := &lftv1.Change{Address: string(change.Address()), Kind: change.Address().Kind()}
		switch change := change.(type) {
		case planner.Create:
			c.Action, c.Digest = "create", change.New.Digest
		case planner.Update:
			c.Action, c.Digest, c.Uid, c.BaseVersion = "update", change.New.Digest, change.Old.UID, change.Old.Version
		case planner.Delete:
			c.Action, c.Uid, c.BaseVersion = "delete", change.Old.UID, change.Old.Version
		case planner.Move:
			c.Action, c.Digest, c.Uid, c.BaseVersion = "move", change.New.Digest, change.Old.UID, change.Old.Version
			c.PreviousAddress = string(change.Old.Address)
		}
		set.Changes = append(set.Changes, c)
	}
	return set
}
