package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// CheckKey refuses what is no key: keys are words of letters, digits, "_", "=",
// "-", "+" and "." joined by "/", none of which begins with a ".", and have at
// most 512 bytes.
func CheckKey(key string) error {
	if key == "" || len(key) > 512 {
		return fmt.Errorf("%w: %d bytes long", ErrKey, len(key))
	}
	for word := range strings.SplitSeq(key, "/") {
		if word == "" || word[0] == '.' || len(word) > 200 || strings.ContainsFunc(word, foreign) {
			return fmt.Errorf("%w: %q", ErrKey, key)
		}
	}
	return nil
}

func foreign(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_=-+.", r)
}

// ErrKey says that a word is no key.
var ErrKey = errors.New("not a key of an object")

// Marker is the key of the object that says which cluster a bucket belongs to.
const Marker = "lft-cluster"

// LogKey is the key of the log bytes [from, to) of an attempt. The range is part
// of it, so that bytes shipped twice with another cut never meet.
func LogKey(token string, from, to int64) string {
	return fmt.Sprintf("log/%s/%s.%d-%d", shard(token), token, from, to)
}

// DependencyKey is the key of one upload of the tree of a digest. Each upload has
// a name of its own: what is deleted late, by somebody who stood still meanwhile,
// is never what was uploaded since.
func DependencyKey(digest, upload string) string {
	return fmt.Sprintf("dep/%s/%s.%s", shard(digest), digest, upload)
}

// shard spreads keys over folders, for buckets whose folders are real: a file
// system or a name node slows down with a million entries in one.
func shard(id string) string {
	if len(id) < 2 {
		return "xx"
	}
	return strings.ToLower(id[len(id)-2:])
}

var (
	// ErrUnmarked says that a bucket has no marker: a wrong or unmounted place.
	ErrUnmarked = errors.New("bucket has no marker of a cluster")
	// ErrForeign says that a bucket belongs to another cluster.
	ErrForeign = errors.New("bucket belongs to another cluster")
)

// Claim marks an empty bucket as the cluster's; one that is marked is checked.
// A bucket that holds objects but no marker is refused. It is for the first start
// of a cluster alone: later an empty bucket is one whose disk is not mounted, and
// only Check finds that out.
func Claim(ctx context.Context, b Bucket, cluster string) error {
	err := Check(ctx, b, cluster)
	if !errors.Is(err, ErrUnmarked) {
		return err
	}
	for o, err := range b.List(ctx, "") {
		if err != nil {
			return fmt.Errorf("look whether the bucket is empty: %w", err)
		}
		if o.Key == Marker {
			return Check(ctx, b, cluster) // another first server has just marked it
		}
		return fmt.Errorf("%w, but it holds %s", ErrUnmarked, o.Key)
	}
	if err := b.Put(ctx, Marker, strings.NewReader(cluster+"\n"), int64(len(cluster)+1)); err != nil {
		return fmt.Errorf("mark the bucket: %w", err)
	}
	return Check(ctx, b, cluster)
}

// Check refuses a bucket that is not the cluster's.
func Check(ctx context.Context, b Bucket, cluster string) error {
	r, err := b.Get(ctx, Marker, 0, 256)
	if errors.Is(err, ErrNotFound) {
		return ErrUnmarked
	}
	if err != nil {
		return fmt.Errorf("read the bucket's marker: %w", err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read the bucket's marker: %w", err)
	}
	if got := strings.TrimSpace(string(text)); got != cluster {
		return fmt.Errorf("%w: %q, not %q", ErrForeign, got, cluster)
	}
	return nil
}
