package blob_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"strings"
	"testing"

	"github.com/leifengta/lft/engine/blob"
)

// Keys are in manifest rows and buckets for ever.
func TestKeys(t *testing.T) {
	for got, want := range map[string]string{
		blob.LogKey("tokEN", 3, 12):        "log/en/tokEN.3-12",
		blob.LogKey("t", 0, 1):             "log/xx/t.0-1",
		blob.DependencyKey("0123aB", "u1"): "dep/ab/0123aB.u1",
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
		if err := blob.CheckKey(got); err != nil {
			t.Error(err)
		}
	}
	word := strings.Repeat("w", 200)
	for key, ok := range map[string]bool{
		word: true, word + "w": false,
		word + "/" + word + "/" + strings.Repeat("w", 110): true, word + "/" + word + "/" + strings.Repeat("w", 111): false,
	} {
		if err := blob.CheckKey(key); (err == nil) != ok {
			t.Errorf("a key of %d bytes: %v", len(key), err)
		}
	}
}

// shared is a bucket to which another server writes as well: before is called
// before each call.
type shared struct {
	blob.Bucket
	objects map[string]string
	before  func(call string)
}

func (s *shared) Get(_ context.Context, key string, _, _ int64) (io.ReadCloser, error) {
	s.before("get")
	text, ok := s.objects[key]
	if !ok {
		return nil, blob.ErrNotFound
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func (s *shared) Put(_ context.Context, key string, r io.Reader, _ int64) error {
	text, err := io.ReadAll(r)
	s.objects[key] = string(text)
	s.before("put")
	return err
}

func (s *shared) List(context.Context, string) iter.Seq2[blob.Object, error] {
	s.before("list")
	return func(yield func(blob.Object, error) bool) {
		for key := range maps.Keys(s.objects) {
			if !yield(blob.Object{Key: key}, nil) {
				return
			}
		}
	}
}

// Two first servers may claim one bucket at the same moment; both learn whose it is.
func TestClaimTogether(t *testing.T) {
	for _, at := range []string{"list", "put"} {
		for marker, want := range map[string]error{"ours": nil, "theirs": blob.ErrForeign} {
			s := &shared{objects: map[string]string{}}
			s.before = func(call string) {
				if call == at {
					s.objects[blob.Marker] = marker + "\n"
				}
			}
			if err := blob.Claim(t.Context(), s, "ours"); !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("%s marked it before %s returned: %v", marker, at, err)
			}
		}
	}
}
