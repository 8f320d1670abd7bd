package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"connectrpc.com/connect"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// drift asks for what is not in force as it was declared: what operators have
// overridden, and dependencies whose bytes are gone.
func (c *client) drift(ctx context.Context, deployed planner.Deployed) ([]planner.Drift, error) {
	if deployed.Project.UID == "" {
		return nil, nil
	}
	res, err := c.run.ListOverrides(ctx, &lftv1.ListOverridesRequest{Project: deployed.Project.Name})
	if err != nil {
		return nil, err
	}
	overridden := map[string][]*lftv1.Override{}
	for _, o := range res.GetOverrides() {
		overridden[o.GetObjectUid()] = append(overridden[o.GetObjectUid()], o)
	}
	var objects []planner.Object
	var digests []string
	for _, o := range deployed.Objects {
		if overridden[o.UID] != nil || o.Address.Kind() == spec.DependencyKind {
			objects, digests = append(objects, o), append(digests, o.Digest)
		}
	}
	slices.Sort(digests)
	specs, err := c.specs(ctx, slices.Compact(digests))
	if err != nil {
		return nil, err
	}
	var list []planner.Drift
	for _, o := range objects {
		object := planner.Previous{Object: o, Data: specs[o.Digest]}
		for _, by := range overridden[o.UID] {
			list = append(list, planner.Drift{Object: object, Override: &planner.Override{
				Field: by.GetField(), Declared: []byte(by.GetDeclared()), Value: []byte(by.GetValue()),
				Reason: by.GetReason(), By: by.GetBy(), At: by.GetAt().AsTime().UTC().Format(time.RFC3339),
			}})
		}
		if o.Address.Kind() != spec.DependencyKind {
			continue
		}
		lost, err := c.lost(ctx, object)
		if err != nil {
			return nil, err
		}
		if lost != nil {
			list = append(list, planner.Drift{Object: object, Lost: lost})
		}
	}
	return list, nil
}

// lost looks for the bytes of a dependency, and returns nil when they are there.
func (c *client) lost(ctx context.Context, o planner.Previous) (*planner.Lost, error) {
	d, err := spec.DecodeDependency(o.Data, o.Address)
	if err != nil {
		return nil, err
	}
	_, err = c.deploy.ReadBlob(ctx, &lftv1.ReadBlobRequest{Digest: d.Digest, Size: 1})
	switch connect.CodeOf(err) {
	case connect.CodeNotFound, connect.CodeDataLoss, connect.CodeFailedPrecondition:
		return &planner.Lost{Digest: d.Digest}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the bytes of %s: %w", o.Address, err)
	}
	return nil, nil //nolint:nilnil // they are there
}
