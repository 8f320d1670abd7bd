package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/lang/tree"
)

// standFor notes in the change which bytes its dependencies stand for.
func (s *Service) standFor(ctx context.Context, c *change) error {
	for i := range c.objects {
		o := &c.objects[i]
		if o.Object.Kind != spec.DependencyKind || o.Deleted {
			continue
		}
		specs, err := s.store.Specs(ctx, []string{o.Object.Digest})
		if err != nil {
			return err
		}
		data, ok := specs[o.Object.Digest]
		if !ok {
			return fmt.Errorf("%w: the spec of %s", ErrSpecs, o.Object.Address)
		}
		d, err := spec.DecodeDependency(data, spec.Address(o.Object.Address))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		if err := checkDependency(d); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrInvalid, o.Object.Address, err)
		}
		o.Dependency = &record.Dependency{Digest: d.Digest, Form: string(d.Form)}
	}
	return nil
}

// naming adds to the news that bytes are missing whose they are.
func (c *change) naming(err error) error {
	if !errors.Is(err, ErrBytes) {
		return err
	}
	for _, o := range c.objects {
		if o.Dependency != nil && strings.Contains(err.Error(), o.Dependency.Digest) {
			return fmt.Errorf("%s: %w", o.Object.Address, err)
		}
	}
	return err
}

// checkDependency refuses a spec that agents could make nothing of.
func checkDependency(d *spec.Dependency) error {
	files := make([]tree.File, len(d.Files))
	for i, f := range d.Files {
		files[i] = tree.File{Path: f.Path, Executable: f.Executable, Size: f.Size, SHA256: f.SHA256}
	}
	if err := tree.Check(files); err != nil {
		return err
	}
	if got := tree.Digest(files); got != d.Digest {
		return fmt.Errorf("its digest is not that of its files")
	}
	switch d.Form {
	case "", spec.FormFolder:
	case spec.FormFile, spec.FormArchive:
		if len(files) != 1 {
			return fmt.Errorf("%d files are no %s", len(files), d.Form)
		}
	default:
		return fmt.Errorf("this lft does not know dependencies of the form %q", d.Form)
	}
	return nil
}
