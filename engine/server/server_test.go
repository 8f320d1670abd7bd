package server_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/api"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/master"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/lang/spec"
)

func leaderIn(t *testing.T, err error) string {
	t.Helper()
	coded, ok := errors.AsType[*connect.Error](err)
	if !ok || coded.Code() != connect.CodeUnavailable {
		t.Fatalf("%v is not unavailable", err)
	}
	return coded.Meta().Get(api.LeaderHeader)
}

// post asks as curl does.
func post(t *testing.T, url, procedure, body string, change func(*http.Request)) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+procedure, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if change != nil {
		change(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	// protojson puts blanks where it likes.
	return res.StatusCode, strings.ReplaceAll(string(text), ": ", ":")
}

func TestPlainJSON(t *testing.T) {
	w := newWorld()
	w.executions = []record.Execution{{ID: "x", Flow: "flow.f", State: record.Running, ScheduledFor: 1_500_000}}
	url := w.serve(t)
	for _, tc := range []struct {
		procedure, body string
		status          int
		want            []string
	}{
		{"/lft.v1.FleetService/GetMaster", `{}`, 200, []string{`"leader":"127.0.0.1:7001"`, `"epoch":"3"`, `"since":"1970-01-01T00:00:01Z"`}},
		{"/lft.v1.RunService/ListExecutions", `{"limit":1}`, 200, []string{`"id":"x"`, `"scheduledFor":"1970-01-01T00:00:01.500Z"`}},
		{"/lft.v1.RunService/GetExecution", `{"id":"y"}`, 404, []string{`"code":"not_found"`, `no execution \"y\"`}},
		{"/lft.v1.RunService/GetExecution", `{"id":`, 400, []string{`"code":"invalid_argument"`}},
		{"/lft.v1.RunService/Invented", `{}`, 404, nil},
		{"/lft.v1.Invented/Run", `{}`, 404, nil},
	} {
		status, text := post(t, url, tc.procedure, tc.body, nil)
		if status != tc.status {
			t.Errorf("%s: status %d, want %d: %s", tc.procedure, status, tc.status, text)
		}
		for _, want := range tc.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %s lacks %s", tc.procedure, text, want)
			}
		}
	}
}

func TestBrowsersOfOtherSitesAreKeptOut(t *testing.T) {
	url := newWorld().serve(t)
	for _, tc := range []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"localhost", func(r *http.Request) { r.Host = "LocalHost:7420" }, 200},
		{"ipv6 loopback", func(r *http.Request) { r.Host = "[::1]:7420" }, 200},
		{"rebound name", func(r *http.Request) { r.Host = "evil.example" }, http.StatusMisdirectedRequest},
		{"bare loopback", func(r *http.Request) { r.Host = "127.0.0.1" }, 200},
		{"other address", func(r *http.Request) { r.Host = "192.0.2.1:7420" }, http.StatusMisdirectedRequest},
		{"bare other address", func(r *http.Request) { r.Host = "192.0.2.1" }, http.StatusMisdirectedRequest},
		{"name that begins like ours", func(r *http.Request) { r.Host = "localhost.evil.example:80" }, http.StatusMisdirectedRequest},
		{"cross origin", func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, http.StatusForbidden},
		{"cross site", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
	} {
		if status, text := post(t, url, "/lft.v1.FleetService/GetMaster", `{}`, tc.change); status != tc.status {
			t.Errorf("%s: status %d: %s", tc.name, status, text)
		}
	}
}

func TestLargeRequestIsRefused(t *testing.T) {
	url := newWorld().serve(t)
	body := `{"id":"` + strings.Repeat("x", 5<<20) + `"}`
	status, text := post(t, url, "/lft.v1.RunService/GetExecution", body, nil)
	if status != http.StatusTooManyRequests || !strings.Contains(text, "resource_exhausted") {
		t.Errorf("status %d: %.200s", status, text)
	}
}

func TestPanicIsOneAnswer(t *testing.T) {
	w := logged(record.AttemptRunning)
	w.tail = func(string, int64) (master.Tail, error) { panic("planted") }
	_, _, err := read(t, w, &lftv1.ReadLogRequest{Job: "j"})
	if connect.CodeOf(err) != connect.CodeInternal || !strings.Contains(err.Error(), "planted") {
		t.Errorf("got %v", err)
	}
}

func sales() *spec.Flow {
	return &spec.Flow{
		Address: "flow.sales",
		Params: []*spec.Param{
			{Name: "day", Type: []byte(`"string"`)},
			{Name: "span", Type: []byte(`"number"`), Default: &spec.Value{Literal: []byte("7")}},
		},
		Jobs: []*spec.Job{{Name: "a", Type: "noop", Kind: spec.KindInstant}, {Name: "b", Type: "shell", Upstreams: []string{"a"}}},
	}
}

func TestRun(t *testing.T) {
	w := newWorld()
	w.deploy("p", sales())
	client := w.client(t)
	res, err := client.Run(t.Context(), &lftv1.RunRequest{Flow: "sales", Id: "Mine-1", Params: map[string]string{"day": "2014-03-01", "span": "9"}})
	if err != nil || res.GetId() != "made-id" {
		t.Fatalf("%v, %v", res, err)
	}
	want := kernel.Start{ID: "Mine-1", ProjectUID: "uid-p", Flow: "flow.sales", Params: []byte(`{"day":"2014-03-01","span":9}`), By: "local"}
	if diff := cmp.Diff([]kernel.Start{want}, w.started); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
}

func TestRunRefuses(t *testing.T) {
	w := newWorld()
	w.deploy("p", sales(), &spec.Flow{Address: "flow.twice"})
	w.deploy("q", &spec.Flow{Address: "flow.twice"})
	client := w.client(t)
	day := map[string]string{"day": "d"}
	for _, tc := range []struct {
		req  *lftv1.RunRequest
		code connect.Code
		text string
	}{
		{&lftv1.RunRequest{Flow: "flow.sales"}, connect.CodeInvalidArgument, `parameter "day" is required`},
		{&lftv1.RunRequest{Flow: "sales", Params: map[string]string{"day": "d", "span": "x", "dya": "1"}}, connect.CodeInvalidArgument, `there is no parameter "dya"; the flow has day, span`},
		{&lftv1.RunRequest{Flow: "sales", Params: map[string]string{"day": "d", "span": "x"}}, connect.CodeInvalidArgument, `parameter "span"`},
		{&lftv1.RunRequest{Flow: "flow.twice"}, connect.CodeInvalidArgument, "in the projects p and q"},
		{&lftv1.RunRequest{Flow: "flow.nope"}, connect.CodeNotFound, "no flow.nope is deployed; there are flow.sales"},
		{&lftv1.RunRequest{Flow: "sales", Project: "r"}, connect.CodeNotFound, `no project "r"`},
		{&lftv1.RunRequest{Flow: "schedule.sales"}, connect.CodeInvalidArgument, "names no flow"},
		{&lftv1.RunRequest{Flow: ""}, connect.CodeInvalidArgument, "names no flow"},
		{&lftv1.RunRequest{Flow: "sales", Params: day, Id: "-x"}, connect.CodeInvalidArgument, "is no execution id"},
		{&lftv1.RunRequest{Flow: "sales", Params: day, Id: record.FireID("s", 1)}, connect.CodeInvalidArgument, "is no execution id"},
		{&lftv1.RunRequest{Flow: "sales", Params: day, Id: strings.Repeat("x", 65)}, connect.CodeInvalidArgument, "is no execution id"},
	} {
		_, err := client.Run(t.Context(), tc.req)
		if connect.CodeOf(err) != tc.code || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%v: %v", tc.req, err)
		}
	}
	if len(w.started) > 0 {
		t.Errorf("started %v", w.started)
	}
	if _, err := newWorld().client(t).Run(t.Context(), &lftv1.RunRequest{Flow: "f"}); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("nothing deployed: %v", err)
	}
}

func TestCodes(t *testing.T) {
	w := newWorld()
	w.deploy("p", &spec.Flow{Address: "flow.f"})
	client := w.client(t)
	for _, tc := range []struct {
		err  error
		code connect.Code
	}{
		{kernel.ErrConflict, connect.CodeAlreadyExists},
		{kernel.ErrFull, connect.CodeResourceExhausted},
		{errors.Join(errors.New("more"), kernel.ErrInvalid), connect.CodeInvalidArgument},
		{errors.New("disk on fire"), connect.CodeInternal},
	} {
		w.startErr = tc.err
		if _, err := client.Run(t.Context(), &lftv1.RunRequest{Flow: "f"}); connect.CodeOf(err) != tc.code {
			t.Errorf("%v became %v", tc.err, err)
		}
	}
	w.startErr = &master.NotLeader{Leader: "127.0.0.1:7002"}
	_, err := client.Run(t.Context(), &lftv1.RunRequest{Flow: "f"})
	if got := leaderIn(t, err); got != "127.0.0.1:7002" {
		t.Errorf("leader %q in %v", got, err)
	}
}

func TestGetExecution(t *testing.T) {
	w := newWorld()
	flow := sales()
	w.deploy("p", flow)
	digest := spec.Digest(flow.Canonical())
	w.executions = []record.Execution{
		{ID: "x", Flow: "flow.sales", FlowDigest: digest, State: record.ExecutionFailed, ScheduleUID: "s"},
		{ID: "q", Flow: "flow.sales", FlowDigest: digest, State: record.Queued},
	}
	w.fires = []store.Decided{{Fire: &record.Fire{ScheduleUID: "s", Schedule: "schedule.s", Instant: 7}}}
	w.jobs["x"] = []record.Job{
		{Execution: "x", Number: 0, Name: "a", State: record.JobSucceeded},
		{Execution: "x", Number: 1, Name: "b", State: record.JobFailed, Output: []byte(`{"n":1}`)},
	}
	w.attempts["x"] = []record.Attempt{
		{Number: 1, N: 1, AgentUID: "a1", Token: "t1", State: record.Ended, Outcome: record.OutcomeFailed, HasExit: true, ExitCode: 0},
		{Number: 1, N: 2, AgentUID: "a1", Token: "t2", State: record.Ended, Outcome: record.OutcomeFailed, Signal: "SIGKILL"},
	}
	w.ends["t2"] = record.LogEnd{Bytes: 9, State: record.LogCut}
	client := w.client(t)
	res, err := client.GetExecution(t.Context(), &lftv1.GetExecutionRequest{Id: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if got := res.GetExecution().GetSchedule(); got != "schedule.s" {
		t.Errorf("schedule %q", got)
	}
	b := res.GetJobs()[1]
	if b.GetType() != "shell" || !cmp.Equal(b.GetUpstreams(), []string{"a"}) || b.GetOutput() != `{"n":1}` {
		t.Errorf("job b is %v", b)
	}
	if first := b.GetAttempts()[0]; first.ExitCode == nil || first.GetExitCode() != 0 {
		t.Errorf("exit code 0 is lost: %v", first)
	}
	if second := b.GetAttempts()[1]; second.ExitCode != nil || second.GetSignal() != "SIGKILL" || second.GetLogBytes() != 9 || second.GetLogState() != "cut" {
		t.Errorf("signalled: %v", second)
	}
	// A queued execution has no job rows yet, and is shown with its jobs.
	res, err = client.GetExecution(t.Context(), &lftv1.GetExecutionRequest{Id: "q"})
	if err != nil || len(res.GetJobs()) != 2 || res.GetJobs()[1].GetState() != "WAITING" {
		t.Errorf("queued: %v, %v", res, err)
	}
}

func TestPages(t *testing.T) {
	w := newWorld()
	for i := range 7 {
		w.executions = append(w.executions, record.Execution{ID: string(rune('g' - i)), CreatedAt: 100}) // one instant: ids order
		w.fires = append(w.fires, store.Decided{Fire: &record.Fire{Schedule: "schedule.s", Instant: record.Time(700 - 100*i), Decision: record.Run}})
	}
	w.fires[3] = store.Decided{Range: &record.FireRange{Schedule: "schedule.s", From: 400, To: 450, Count: 6, Reason: record.ReasonMisfire}}
	client := w.client(t)
	var ids, keys bytes.Buffer
	for before, pages := "", 0; ; pages++ {
		res, err := client.ListExecutions(t.Context(), &lftv1.ListExecutionsRequest{Limit: 3, Before: before})
		if err != nil || pages > 5 {
			t.Fatal(err, pages)
		}
		for _, e := range res.GetExecutions() {
			ids.WriteString(e.GetId())
		}
		if before = res.GetNext(); before == "" {
			break
		}
	}
	for before, pages := "", 0; ; pages++ {
		res, err := client.ListFires(t.Context(), &lftv1.ListFiresRequest{Schedule: "s", Limit: 2, Before: before})
		if err != nil || pages > 5 {
			t.Fatal(err, pages)
		}
		for _, f := range res.GetFires() {
			keys.WriteString(f.GetDecision()[:1])
			if f.GetCount() > 0 && (f.GetInstant() != nil || f.GetFrom() == nil) {
				t.Errorf("range %v", f)
			}
		}
		if before = res.GetNext(); before == "" {
			break
		}
	}
	if ids.String() != "gfedcba" || keys.String() != "RRRSRRR" {
		t.Errorf("executions %s, fires %s", ids.String(), keys.String())
	}
	_, err := client.ListExecutions(t.Context(), &lftv1.ListExecutionsRequest{Before: "x"})
	if connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("bad token: %v", err)
	}
}

// What was decided and ran under an earlier address belongs to the object that is
// deployed now, in each project that has it; an address of the past finds its own.
func TestHistoryAfterMove(t *testing.T) {
	w := newWorld()
	for _, name := range []string{"a", "b"} {
		project := record.Project{UID: name, Name: name, Revision: 1}
		w.projects = append(w.projects, project)
		w.objects[name] = []record.Object{
			{UID: "f" + name, Kind: spec.FlowKind, Address: "flow.new"},
			{UID: "s" + name, Kind: spec.ScheduleKind, Address: "schedule.new"},
		}
	}
	for i := range 6 { // newest first; both projects at each time
		project, address := string("ba"[i%2]), []string{"new", "new", "new", "old", "old", "old"}[i]
		at := record.Time(30 - i/2*10)
		w.executions = append(w.executions, record.Execution{ID: string(rune('6' - i)), CreatedAt: at, FlowUID: "f" + project, Flow: "flow." + address})
		w.fires = append(w.fires, store.Decided{Fire: &record.Fire{ScheduleUID: "s" + project, Instant: at, Schedule: "schedule." + address}})
	}
	client := w.client(t)
	for name, want := range map[string]string{"new": "654321", "old": "321", "never": ""} {
		var ids string
		for before, more := "", true; more; more = before != "" {
			res, err := client.ListExecutions(t.Context(), &lftv1.ListExecutionsRequest{Flow: name, Limit: 1, Before: before})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range res.GetExecutions() {
				ids += e.GetId()
			}
			before = res.GetNext()
		}
		fires := 0
		for before, more := "", true; more; more = before != "" {
			res, err := client.ListFires(t.Context(), &lftv1.ListFiresRequest{Schedule: name, Limit: 1, Before: before})
			if err != nil {
				t.Fatal(err)
			}
			fires += len(res.GetFires())
			before = res.GetNext()
		}
		if ids != want || fires != len(want) {
			t.Errorf("%s: executions %q and %d fires, not %q", name, ids, fires, want)
		}
	}
}

func TestCancelOfWhatHasEnded(t *testing.T) {
	w := newWorld()
	w.executions = []record.Execution{{ID: "x", State: record.ExecutionSucceeded}, {ID: "y", State: record.Running}}
	client := w.client(t)
	for id, code := range map[string]connect.Code{
		"x": connect.CodeFailedPrecondition, // SUCCEEDED is told
		"y": connect.CodeNotFound,           // the master does not know it, whatever the rows say
		"z": connect.CodeNotFound,
	} {
		if _, err := client.Cancel(t.Context(), &lftv1.CancelRequest{Id: id}); connect.CodeOf(err) != code {
			t.Errorf("%s: %v", id, err)
		}
	}
}
