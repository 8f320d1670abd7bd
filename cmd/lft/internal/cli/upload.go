package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"connectrpc.com/connect"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/pack"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/lang/tree"
	"github.com/leifengta/lft/planner"
)

// Bytes go ahead of an apply: what is in the bucket already is held there, the
// rest is sent. Interrupted at any point, it can be done again and sends what is
// still missing.

// uploadPiece is how much of a pack one message carries.
const uploadPiece = 512 << 10

// upload brings the bytes of the plan's dependencies into the bucket, and those of
// deployed ones that the plan found lost, if the folder has them still.
func (a *app) upload(ctx context.Context, c *client, p *planner.Plan, quiet bool) error {
	coming, err := comingDependencies(p)
	if err != nil || len(coming) == 0 {
		return err
	}
	digests := slices.Sorted(maps.Keys(coming))
	deadline := time.Now().Add(answerWithin)
	for {
		held, err := c.deploy.HoldBlobs(ctx, &lftv1.HoldBlobsRequest{Digests: digests})
		if err != nil {
			return fmt.Errorf("upload dependencies: %w", err)
		}
		err = a.send(ctx, c, p, coming, held.GetMissing(), quiet)
		again := connect.CodeOf(err) == connect.CodeUnavailable || severed(err)
		if err == nil || !again || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
	}
}

// coming is a dependency whose bytes are to be in the bucket. A lost one is mended
// where that is possible; the apply does not depend on it.
type coming struct {
	*spec.Dependency
	lost bool
}

// comingDependencies are one of each digest.
func comingDependencies(p *planner.Plan) (map[string]coming, error) {
	all := map[string]coming{}
	add := func(address spec.Address, data []byte, lost bool) error {
		if address.Kind() != spec.DependencyKind {
			return nil
		}
		d, err := spec.DecodeDependency(data, address)
		if err == nil && all[d.Digest].Dependency == nil {
			all[d.Digest] = coming{d, lost}
		}
		return err
	}
	for _, change := range p.Changes {
		if declared, ok := planner.Coming(change); ok {
			if err := add(declared.Address, declared.Data, false); err != nil {
				return nil, err
			}
		}
	}
	for _, drift := range p.Drift {
		if _, here := p.Folder.Sources[drift.Object.Address]; here && drift.Lost != nil {
			if err := add(drift.Object.Address, drift.Object.Data, true); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (a *app) send(ctx context.Context, c *client, p *planner.Plan, all map[string]coming, missing []string, quiet bool) error {
	for _, digest := range missing {
		d := all[digest]
		if d.Dependency == nil {
			return fmt.Errorf("the server misses %s, which is not in the plan", digest)
		}
		source, ok := p.Folder.Sources[d.Address]
		if !ok {
			return fmt.Errorf("the bytes of %s are not in the bucket any more, and this plan does not say where their source is:\n"+
				"put the source back as it was and apply the folder", d.Address)
		}
		err := a.sendOne(ctx, c, d.Dependency, source, quiet)
		if d.lost && (errors.Is(err, pack.ErrChanged) || errors.Is(err, fs.ErrNotExist)) {
			continue // what was deployed is not in the folder any more
		}
		if err != nil {
			return fmt.Errorf("upload %s: %w", d.Address, err)
		}
	}
	return nil
}

// sendOne reads the files of a dependency and sends them as they are described; one
// that has changed meanwhile is refused.
func (a *app) sendOne(ctx context.Context, c *client, d *spec.Dependency, source string, quiet bool) error {
	root, err := os.OpenRoot(source)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	files := make([]tree.File, len(d.Files))
	for i, f := range d.Files {
		files[i] = tree.File{Path: f.Path, Executable: f.Executable, Size: f.Size, SHA256: f.SHA256}
	}
	content := pack.Encode(files, func(path string) (io.ReadCloser, error) { return root.Open(path) })
	defer func() { _ = content.Close() }()
	progress := view.NewUpload(a.term, string(d.Address), len(files), pack.Size(files), quiet)
	// Ended also on the way out, so that nothing goes on in the background.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.deploy.PutBlob(ctx)
	if err != nil {
		return err
	}
	err = pump(stream, d.Digest, content, progress)
	if err != nil && !errors.Is(err, io.EOF) {
		if errors.Is(err, pack.ErrChanged) {
			err = fmt.Errorf("%w; plan again", err)
		}
		return err
	}
	// After io.EOF the answer says what was wrong.
	_, err = stream.CloseAndReceive()
	return err
}

func pump(stream *connect.ClientStreamForClientSimple[lftv1.PutBlobRequest, lftv1.PutBlobResponse],
	digest string, content io.Reader, progress *view.Upload,
) error {
	buffer := make([]byte, uploadPiece)
	for {
		n, err := io.ReadFull(content, buffer)
		if n > 0 {
			if err := stream.Send(&lftv1.PutBlobRequest{Digest: digest, Data: slices.Clone(buffer[:n])}); err != nil {
				return err
			}
			progress.Add(int64(n))
		}
		digest = "" // once is enough
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}
