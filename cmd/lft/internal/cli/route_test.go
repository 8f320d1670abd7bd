package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/engine/api"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/api/lft/v1/lftv1connect"
)

// fakeMaster answers GetMaster as told.
type fakeMaster struct {
	lftv1connect.UnimplementedFleetServiceHandler
	asked  atomic.Int32
	answer func(n int32) (*lftv1.GetMasterResponse, error)
}

func (m *fakeMaster) GetMaster(context.Context, *lftv1.GetMasterRequest) (*lftv1.GetMasterResponse, error) {
	return m.answer(m.asked.Add(1))
}

// listen serves a master that answers as told, and returns its address.
func listen(t *testing.T, answer func(n int32) (*lftv1.GetMasterResponse, error)) (*fakeMaster, string) {
	t.Helper()
	m := &fakeMaster{answer: answer}
	mux := http.NewServeMux()
	mux.Handle(lftv1connect.NewFleetServiceHandler(m))
	s := httptest.NewUnstartedServer(mux)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return m, s.URL
}

func notLeader(leader string) error {
	err := connect.NewError(connect.CodeUnavailable, errors.New("not leader"))
	err.Meta().Set(api.LeaderHeader, leader)
	return err
}

func masterAt(t *testing.T, addresses ...string) *client {
	t.Helper()
	var homes []home
	for _, a := range addresses {
		base, err := baseURL(a)
		if err != nil {
			t.Fatal(err)
		}
		homes = append(homes, newRemote(base))
	}
	c := newClient(homes...)
	t.Cleanup(c.Close)
	return c
}

func epoch(n int64) func(int32) (*lftv1.GetMasterResponse, error) {
	return func(int32) (*lftv1.GetMasterResponse, error) { return &lftv1.GetMasterResponse{Epoch: n}, nil }
}

func (c *client) askEpoch(t *testing.T) (int64, error) {
	t.Helper()
	res, err := c.fleet.GetMaster(t.Context(), &lftv1.GetMasterRequest{})
	return res.GetEpoch(), err
}

func wantEpoch(t *testing.T, c *client, want int64) {
	t.Helper()
	if got, err := c.askEpoch(t); err != nil || got != want {
		t.Errorf("epoch %d, %v, want %d", got, err, want)
	}
}

// nowhere is an address that nobody listens on.
func nowhere(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	return s.URL
}

func TestRouteFollowsTheLeader(t *testing.T) {
	leader, there := listen(t, epoch(7))
	standby, here := listen(t, func(int32) (*lftv1.GetMasterResponse, error) { return nil, notLeader(there) })
	c := masterAt(t, here)
	wantEpoch(t, c, 7)
	wantEpoch(t, c, 7)
	if s, l := standby.asked.Load(), leader.asked.Load(); s != 1 || l != 2 {
		t.Errorf("the standby was asked %d times, the leader %d times", s, l)
	}
}

func TestRouteTriesTheNextOfTheList(t *testing.T) {
	_, there := listen(t, epoch(7))
	wantEpoch(t, masterAt(t, nowhere(t), there), 7)
}

// TestRouteWaitsForATakeOver: two standbys name each other, then nobody, then one
// of them acts.
func TestRouteWaitsForATakeOver(t *testing.T) {
	var address string
	_, other := listen(t, func(int32) (*lftv1.GetMasterResponse, error) { return nil, notLeader(address) })
	_, address = listen(t, func(n int32) (*lftv1.GetMasterResponse, error) {
		switch {
		case n == 1:
			return nil, notLeader("")
		case n <= 3:
			return nil, notLeader(other)
		}
		return &lftv1.GetMasterResponse{Epoch: 8}, nil
	})
	wantEpoch(t, masterAt(t, other), 8)
}

func TestRouteAsksAgainOnlyWhenItHelps(t *testing.T) {
	m, here := listen(t, func(int32) (*lftv1.GetMasterResponse, error) {
		return nil, connect.NewError(connect.CodeAborted, errors.New("the plan is stale"))
	})
	_, err := masterAt(t, here).askEpoch(t)
	if connect.CodeOf(err) != connect.CodeAborted || m.asked.Load() != 1 {
		t.Errorf("asked %d times, %v", m.asked.Load(), err)
	}
	if got := problem(err).Error(); got != "the plan is stale" {
		t.Errorf("the user is told %q", got)
	}
}

// TestRouteSurvivesBrokenConnections: an owner that goes breaks off what is being
// sent and what is being answered.
func TestRouteSurvivesBrokenConnections(t *testing.T) {
	_, there := listen(t, epoch(7))
	for name, begin := range map[string]func(http.ResponseWriter){
		"before the answer": func(http.ResponseWriter) {},
		"in the answer": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/proto")
			_, _ = w.Write([]byte{10})
			_ = http.NewResponseController(w).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s *httptest.Server
			s = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				begin(w)
				s.CloseClientConnections()
			}))
			s.Config.Protocols = new(http.Protocols)
			s.Config.Protocols.SetUnencryptedHTTP2(true)
			s.Start()
			defer s.Close()
			wantEpoch(t, masterAt(t, s.URL, there), 7)
		})
	}
}

func TestSevered(t *testing.T) {
	broken := &url.Error{Op: "Post", URL: "http://lft", Err: syscall.EPIPE}
	for err, want := range map[error]bool{
		connect.NewError(connect.CodeUnknown, broken):                                 true,
		connect.NewError(connect.CodeInternal, io.ErrUnexpectedEOF):                   true,
		connect.NewError(connect.CodeCanceled, broken):                                true,
		connect.NewError(connect.CodeUnknown, errors.New("connection lost")):          true,
		errors.New("no space"):                                                        false,
		connect.NewError(connect.CodeCanceled, &net.OpError{Err: syscall.ECONNRESET}): true,
		connect.NewError(connect.CodeResourceExhausted, errors.New("message of …")):   false,
	} {
		if got := severed(err); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
}

func TestRouteLosesPatience(t *testing.T) {
	c := masterAt(t, nowhere(t))
	c.route.patience = 100 * time.Millisecond
	_, err := c.askEpoch(t)
	if connect.CodeOf(err) != connect.CodeUnavailable {
		t.Fatalf("error %v", err)
	}
	if got := problem(err).Error(); !strings.Contains(got, "nobody answers") || strings.Contains(got, "unavailable") {
		t.Errorf("the user is told %q", got)
	}
}

func TestRouteStopsWhenInterrupted(t *testing.T) {
	c := masterAt(t, nowhere(t))
	c.route.patience = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := c.fleet.GetMaster(ctx, &lftv1.GetMasterRequest{}); err == nil || ctx.Err() == nil {
		t.Errorf("ended with %v", err)
	}
}

// lone is a home that nobody else can take the place of.
type lone struct{ *remote }

func (lone) alone() bool { return true }

func TestRouteAloneDoesNotWait(t *testing.T) {
	m, here := listen(t, func(int32) (*lftv1.GetMasterResponse, error) { return nil, notLeader("") })
	base, err := url.Parse(here)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(lone{newRemote(base)})
	c.route.patience = time.Hour
	if _, err := c.askEpoch(t); err == nil || m.asked.Load() != 1 {
		t.Errorf("asked %d times, %v", m.asked.Load(), err)
	}
}

func TestProblemKeepsWhatWrapsIt(t *testing.T) {
	inner := connect.NewError(connect.CodeNotFound, errors.New("no such flow"))
	wrapped := errors.Join(errors.New("first"), inner)
	if got, want := problem(wrapped).Error(), "first\nno such flow"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBaseURL(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"127.0.0.1:7100", "http://127.0.0.1:7100"},
		{"http://127.0.0.1:7100/", "http://127.0.0.1:7100"},
		{"https://lft.example", "https://lft.example"},
		{"", ""},
		{"ftp://x", ""},
		{"http://", ""},
		{"http://a b", ""},
	} {
		got, err := baseURL(tc.in)
		if tc.want == "" {
			if err == nil {
				t.Errorf("%q is taken for %s", tc.in, got)
			}
			continue
		}
		if err != nil || got.String() != tc.want {
			t.Errorf("%q: %v, %v, want %s", tc.in, got, err, tc.want)
		}
	}
}

// TestFindState: a flag beats the environment, whichever of the two it names, and
// only one of them says where the state is.
func TestFindState(t *testing.T) {
	for _, tc := range []struct {
		args, env string // of the environment the state, then the master
		want      string
	}{
		{"", "", "{sqlite://.lft/lft.db []}"},
		{"-state=a", "b c", "{a []}"},
		{"-master=a", "b c", "{ [a]}"},
		{"", "b", "{b []}"},
		{"", " c", "{ [c]}"},
		{"-master=a:1,\tb:2", "", "{ [a:1 b:2]}"},
		{"-state=a -master=b", "", "-state and -master are both given"},
		{"", "b c", "LFT_STATE and LFT_MASTER are both given"},
		{"-master=ftp://x", "", "is no address of a master"},
	} {
		state, master, _ := strings.Cut(tc.env, " ")
		getenv := func(name string) string { return map[string]string{"LFT_STATE": state, "LFT_MASTER": master}[name] }
		got := ""
		cmd := &cli.Command{Flags: stateFlags(), Action: func(_ context.Context, cmd *cli.Command) error {
			at, err := findState(cmd, getenv)
			if got = fmt.Sprint(at); err != nil {
				got = err.Error()
			}
			return nil
		}}
		args := []string{"lft"}
		if tc.args != "" {
			args = append(args, strings.Split(tc.args, " ")...)
		}
		if err := cmd.Run(t.Context(), args); err != nil || !strings.Contains(got, tc.want) {
			t.Errorf("%q, environment %q: %s, %v, want %s", tc.args, tc.env, got, err, tc.want)
		}
	}
}
