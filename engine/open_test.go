package engine

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leifengta/lft/engine/api"
	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/blob/dirblob"
	"github.com/leifengta/lft/engine/store"
)

// listens says whether somebody does on an address.
func listens(network, address string) bool {
	c, err := net.Dial(network, address)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// What cannot be opened whole is closed whole: the state is free for the next one.
func TestOpenWholeOrNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lft.db")
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "lft-cluster"), []byte("another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Config{State: "sqlite://" + path, Mode: ModeDev, Listen: "127.0.0.1:0", Blobs: foreign}
	if _, err := Open(t.Context(), cfg); !errors.Is(err, blob.ErrForeign) {
		t.Fatalf("with the bucket of another cluster: %v", err)
	}
	// A killed owner leaves its socket.
	socket, err := store.SocketPath(path)
	if err != nil {
		t.Fatal(err)
	}
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	cfg.Blobs = filepath.Join(t.TempDir(), "50% #1?") // a name that an address has to write otherwise
	if err := os.Mkdir(cfg.Blobs, 0o700); err != nil {
		t.Fatal(err)
	}
	e, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(socket); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the owner's socket is for others as well: %v, %v", st.Mode(), err)
	}
	told, err := dirblob.OpenAddress(e.bucket.Address)
	if err == nil {
		err = errors.Join(blob.Check(t.Context(), told, e.bucket.Cluster), told.Close())
	}
	if err != nil {
		t.Errorf("the bucket that agents are told of: %v", err)
	}
	tcp := e.Addr()
	if !listens("tcp", tcp) || !listens("unix", socket) {
		t.Error("nobody listens")
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if listens("tcp", tcp) || listens("unix", socket) {
		t.Error("somebody listens on after the end")
	}
	again, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("after the end: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestModesOfOneFolder(t *testing.T) {
	for _, mode := range []Mode{ModeDev, ModeRun} {
		_, err := Open(t.Context(), Config{State: "mysql://u@192.0.2.1:1/d", Mode: mode})
		if err == nil || !strings.Contains(err.Error(), "embedded state") {
			t.Errorf("mode %d: %v", mode, err)
		}
	}
}

// A server that cannot serve any more ends, and does not act on unseen.
func TestRunEndsWithItsListener(t *testing.T) {
	e, err := Open(t.Context(), Config{State: "sqlite://" + filepath.Join(t.TempDir(), "lft.db"), Mode: ModeDev, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	e.tcp.Close()
	if err := e.Run(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run: %v", err)
	}
	seat, err := e.store.Leader(t.Context())
	// A stop in the middle of the taking leaves a seat that is free because its connection has gone.
	if err != nil || seat.Epoch != 0 && !seat.Resigned && !seat.Gone {
		t.Errorf("it still has the lease: %+v, %v", seat, err)
	}
	if l, err := e.leader(t.Context()); err != nil || l.Address != "" || l.Self {
		t.Errorf("it says that %+v acts, %v", l, err)
	}
}

// Who asks is named where the request does not say it, and the request stays as it
// was.
func TestNamed(t *testing.T) {
	var heard string
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard = r.Header.Get(api.ByHeader) }))
	defer web.Close()
	for _, tc := range []struct{ by, given, want string }{{"ann", "", "ann"}, {"ann", "bob", "bob"}, {"", "", ""}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tc.given != "" {
			req.Header.Set(api.ByHeader, tc.given)
		}
		res, err := named{new(http.Transport), tc.by}.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if heard != tc.want || req.Header.Get(api.ByHeader) != tc.given {
			t.Errorf("%+v: heard %q, and the request says %q", tc, heard, req.Header.Get(api.ByHeader))
		}
	}
}

func TestPipeAfterItsEnd(t *testing.T) {
	p := newPipe()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.dial(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("dial: %v", err)
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := p.dial(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("dial: %v", err)
	}
	if _, err := p.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept: %v", err)
	}
}
