package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"connectrpc.com/connect"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/api/lft/v1/lftv1connect"
)

// breaking serves a log of which each answer breaks off after a few bytes.
type breaking struct {
	lftv1connect.UnimplementedRunServiceHandler
	log  string
	from []int64
	end  func() // of all connections
}

func (s *breaking) ReadLog(_ context.Context, req *lftv1.ReadLogRequest, stream *connect.ServerStream[lftv1.ReadLogResponse]) error {
	s.from = append(s.from, req.GetFrom())
	rest := s.log[req.GetFrom():]
	if len(rest) <= 4 {
		return stream.Send(&lftv1.ReadLogResponse{Data: []byte(rest), State: "eof"})
	}
	if err := stream.Send(&lftv1.ReadLogResponse{Data: []byte(rest[:4])}); err != nil {
		return err
	}
	s.end()
	return nil
}

func breakingAt(t *testing.T, log string) (*breaking, *client) {
	t.Helper()
	served := &breaking{log: log}
	mux := http.NewServeMux()
	mux.Handle(lftv1connect.NewRunServiceHandler(served))
	s := httptest.NewUnstartedServer(mux)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	served.end = s.CloseClientConnections
	return served, masterAt(t, s.URL)
}

// TestLogGoesOn where it broke off, and begins at the beginning.
func TestLogGoesOn(t *testing.T) {
	served, c := breakingAt(t, "0123456789")
	var log strings.Builder
	end, err := readLog(t.Context(), c, &lftv1.ReadLogRequest{From: 7}, &log)
	if err != nil || log.String() != "0123456789" || end.GetState() != "eof" || served.from[0] != 0 || served.from[len(served.from)-1] != 8 {
		t.Errorf("read %q, %v, %v; asked from %v", log.String(), end, err, served.from)
	}
}

// full is a disk that is.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestLogThatCannotBeWritten(t *testing.T) {
	served, c := breakingAt(t, "0123")
	if _, err := readLog(t.Context(), c, &lftv1.ReadLogRequest{}, full{}); err == nil || err.Error() != "no space" || len(served.from) != 1 {
		t.Errorf("error %v, asked from %v", err, served.from)
	}
}

// TestPages: a list is read page by page, no item twice, and no further than asked.
func TestPages(t *testing.T) {
	const all = 2500
	for limit, want := range map[int]struct {
		items, reads int
		more         bool
	}{0: {all, 3, false}, 1: {1, 1, true}, 1500: {1500, 2, true}, all: {all, 3, false}, all + 1: {all, 3, false}} {
		reads := 0
		got, more, err := pages(limit, func(ask int32, before string) ([]int, string, error) {
			reads++
			from := 0
			if before != "" {
				_, _ = fmt.Sscan(before, &from)
			}
			to := min(from+int(ask), all)
			var page []int
			for i := from; i < to; i++ {
				page = append(page, i)
			}
			if to == all {
				return page, "", nil
			}
			return page, fmt.Sprint(to), nil
		})
		if err != nil || len(got) != want.items || more != want.more || reads != want.reads || got[len(got)-1] != want.items-1 {
			t.Errorf("limit %d: %d items, more %v, in %d reads, %v; want %+v", limit, len(got), more, reads, err, want)
		}
	}
}

// TestLook: hidden files are not looked at, for a plan writes some itself; those of
// -var-file are, wherever they lie.
func TestLook(t *testing.T) {
	outside := t.TempDir() + "/x.vars"
	t.Chdir(t.TempDir())
	for _, name := range []string{outside, "main.hcl", ".lft/cache/x", ".hidden", "sub/more.hcl"} {
		if i := strings.LastIndex(name, "/"); i > 0 {
			_ = os.MkdirAll(name[:i], 0o700)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seen, err := look([]string{outside, "nowhere"})
	if err != nil || len(seen) != 3 {
		t.Errorf("%v, %v", seen, err)
	}
	for _, name := range []string{outside, "main.hcl", "sub/more.hcl"} {
		if _, ok := seen[name]; !ok {
			t.Errorf("%s is not looked at", name)
		}
	}
}

// TestPairs: what is given as NAME=VALUE is given once, and has a name.
func TestPairs(t *testing.T) {
	for text, want := range map[string]string{
		"": "map[]", "a=1": "map[a:1]", "a=1,b=": "map[a:1 b:]", "a=b=c": "map[a:b=c]",
		"a": "", "=1": "", "a=1,a=2": "",
	} {
		labels, err := labelMap(text)
		if got := fmt.Sprint(labels); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
	masters, err := masterList(" a:1, http://b:2 ,")
	if err != nil || fmt.Sprint(masters) != "[http://a:1 http://b:2]" {
		t.Errorf("masters %v, %v", masters, err)
	}
}
