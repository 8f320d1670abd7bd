package cli

import (
	"context"
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
	look := c.looker(ctx)
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
		d, err := spec.DecodeDependency(object.Data, o.Address)
		if err != nil {
			return nil, err
		}
		if _, found := look(d.Digest, 0, 1); found == gone {
			list = append(list, planner.Drift{Object: object, Lost: &planner.Lost{Digest: d.Digest}})
		}
	}
	return list, nil
}

// finding is what came of a look into the bucket.
type finding int

const (
	unseen finding = iota // nobody answers who has the bucket
	there
	gone
)

// lookWithin bounds the first look into a bucket. Where nobody acts, a plan does
// without.
const lookWithin = 2 * time.Second

// looker returns a function that reads a part of a pack in the bucket. When it was
// in vain once, it does not try again.
func (c *client) looker(ctx context.Context) func(digest string, off, n int64) ([]byte, finding) {
	closed := false
	return func(digest string, off, n int64) ([]byte, finding) {
		if closed {
			return nil, unseen
		}
		ctx, cancel := context.WithTimeout(ctx, lookWithin)
		defer cancel()
		res, err := c.deploy.ReadBlob(ctx, &lftv1.ReadBlobRequest{Digest: digest, Offset: off, Size: n})
		switch code := connect.CodeOf(err); {
		case err == nil:
			return res.GetData(), there
		case code == connect.CodeNotFound || code == connect.CodeDataLoss || code == connect.CodeFailedPrecondition:
			return nil, gone
		}
		closed = true
		return nil, unseen
	}
}
