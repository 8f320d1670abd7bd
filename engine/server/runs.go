package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/auth"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/spec"
)

// History is what was run, live or ended.
type History interface {
	Execution(ctx context.Context, id string) (record.Execution, bool, error)
	Executions(ctx context.Context, p store.ExecutionPage) ([]record.Execution, error)
	// Jobs and Attempts are those of an execution, or only those of some numbers of
	// jobs, if any are given.
	Jobs(ctx context.Context, execution string, numbers ...int32) ([]record.Job, error)
	Attempts(ctx context.Context, execution string, numbers ...int32) ([]record.Attempt, error)
	Fires(ctx context.Context, p store.FirePage) ([]store.Decided, error)
}

// runs answers RunService.
type runs struct {
	deps      Deps
	objects   objectCache
	flows     flowCache
	schedules scheduleCache
}

func (s *runs) Run(ctx context.Context, req *lftv1.RunRequest) (*lftv1.RunResponse, error) {
	if req.GetId() != "" && !record.ValidExecutionID(req.GetId()) {
		return nil, invalid("%q is no execution id: at most %d letters, digits, '.', '_' and '-', a letter or digit first, and not of the shape of a fired one",
			req.GetId(), record.MaxID)
	}
	project, object, err := s.flowAt(ctx, req.GetProject(), req.GetFlow())
	if err != nil {
		return nil, err
	}
	flow, err := s.flows.of(ctx, s.deps.Definitions, object.Digest, spec.Address(object.Address))
	if err != nil {
		return nil, err
	}
	params, err := given(flow, req.GetParams())
	if err != nil {
		return nil, err
	}
	id, err := s.deps.Runs.Start(ctx, kernel.Start{
		ID:         req.GetId(),
		ProjectUID: project.UID,
		Flow:       spec.Address(object.Address),
		Params:     params,
		By:         auth.From(ctx).Name,
	})
	if errors.Is(err, kernel.ErrConflict) {
		return nil, s.conflict(ctx, req.GetId(), err)
	}
	if err != nil {
		return nil, err
	}
	return &lftv1.RunResponse{Id: id}, nil
}

// conflict tells whose the id is.
func (s *runs) conflict(ctx context.Context, id string, err error) error {
	e, found, failure := s.deps.History.Execution(ctx, id)
	if failure != nil || !found {
		return err
	}
	return fmt.Errorf("%w: %s is %s, given %s", err, id, e.Flow, cmp.Or(string(e.Params), "no parameters"))
}

// given converts the parameters of a command line to their declared types, and
// names all that is wrong with them at once.
func given(flow *spec.Flow, texts map[string]string) (json.RawMessage, error) {
	values := make(map[string]json.RawMessage, len(texts))
	var faults []string
	for _, p := range flow.Params {
		text, ok := texts[p.Name]
		if !ok {
			if p.Default == nil {
				faults = append(faults, fmt.Sprintf("parameter %q is required", p.Name))
			}
			continue
		}
		value, err := expr.ConvertParam(p.Type, text)
		if err != nil {
			faults = append(faults, fmt.Sprintf("parameter %q: %v", p.Name, err))
			continue
		}
		values[p.Name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if !slices.ContainsFunc(flow.Params, func(p *spec.Param) bool { return p.Name == name }) {
			faults = append(faults, fmt.Sprintf("there is no parameter %q%s", name, declared(flow)))
		}
	}
	if len(faults) > 0 {
		return nil, invalid("%s: %s", flow.Address, strings.Join(faults, "; "))
	}
	return json.Marshal(values)
}

func declared(flow *spec.Flow) string {
	if len(flow.Params) == 0 {
		return "; the flow has none"
	}
	names := make([]string, len(flow.Params))
	for i, p := range flow.Params {
		names[i] = p.Name
	}
	return "; the flow has " + strings.Join(names, ", ")
}

func (s *runs) Cancel(ctx context.Context, req *lftv1.CancelRequest) (*lftv1.CancelResponse, error) {
	// What has ended is told by every server, also when nobody acts.
	if err := s.live(ctx, req.GetId()); err != nil {
		return nil, err
	}
	err := s.deps.Runs.Cancel(ctx, req.GetId(), auth.From(ctx).Name)
	if errors.Is(err, kernel.ErrUnknown) {
		return nil, cmp.Or(s.live(ctx, req.GetId()), err) // it may have ended meanwhile
	}
	if err != nil {
		return nil, err
	}
	return &lftv1.CancelResponse{}, nil
}

// live refuses executions that do not exist or have ended.
func (s *runs) live(ctx context.Context, id string) error {
	e, err := s.execution(ctx, id)
	if err == nil && e.State.Terminal() {
		err = coded{errEnded, fmt.Sprintf("execution %s has already ended: %s", e.ID, e.State)}
	}
	return err
}

func (s *runs) execution(ctx context.Context, id string) (record.Execution, error) {
	e, found, err := s.deps.History.Execution(ctx, id)
	if err == nil && !found {
		err = notFound("no execution %q", id)
	}
	return e, err
}

// GetExecution reads the execution first, then its jobs, then their attempts:
// what is read later is never older, so an ended execution has only ended jobs.
func (s *runs) GetExecution(ctx context.Context, req *lftv1.GetExecutionRequest) (*lftv1.GetExecutionResponse, error) {
	e, err := s.execution(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	jobs, err := s.deps.History.Jobs(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	attempts, err := s.deps.History.Attempts(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	ends, err := s.deps.Logs.LogEnds(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	flow, err := s.flows.of(ctx, s.deps.Definitions, e.FlowDigest, spec.Address(e.Flow))
	if err != nil {
		return nil, err
	}
	schedule, err := s.schedules.of(ctx, s.deps.History, e.ScheduleUID)
	if err != nil {
		return nil, err
	}
	byJob := map[int32][]*lftv1.Attempt{}
	for i := range attempts {
		a := &attempts[i]
		var end *record.LogEnd
		if row, ok := ends[a.Token]; ok {
			end = &row
		}
		byJob[a.Number] = append(byJob[a.Number], attemptMessage(a, end))
	}
	res := &lftv1.GetExecutionResponse{Execution: executionMessage(&e, schedule)}
	if res.Execution.ParentJob, err = s.parentJob(ctx, &e); err != nil {
		return nil, err
	}
	if len(jobs) == 0 {
		jobs = planned(e, flow)
	}
	for i := range jobs {
		j := &jobs[i]
		m := jobMessage(j, byJob[j.Number])
		if int(j.Number) < len(flow.Jobs) {
			m.Type, m.Upstreams = flow.Jobs[j.Number].Type, flow.Jobs[j.Number].Upstreams
		}
		res.Jobs = append(res.Jobs, m)
	}
	return res, nil
}

// parentJob names the job that has started an execution, "" when none has.
func (s *runs) parentJob(ctx context.Context, e *record.Execution) (string, error) {
	if e.Parent == "" {
		return "", nil
	}
	parent, found, err := s.deps.History.Execution(ctx, e.Parent)
	if err != nil || !found {
		return "", err
	}
	flow, err := s.flows.of(ctx, s.deps.Definitions, parent.FlowDigest, spec.Address(parent.Flow))
	if err != nil || e.ParentNumber < 0 || int(e.ParentNumber) >= len(flow.Jobs) {
		return "", err
	}
	return flow.Jobs[e.ParentNumber].Name, nil
}

// planned are the jobs of an execution that is queued: it has no rows of them yet.
func planned(e record.Execution, flow *spec.Flow) []record.Job {
	if e.State != record.Queued {
		return nil // it was cancelled in the queue
	}
	jobs := make([]record.Job, len(flow.Jobs))
	for i, j := range flow.Jobs {
		jobs[i] = record.Job{Execution: e.ID, Number: int32(i), Name: j.Name, State: record.JobWaiting}
	}
	return jobs
}

// The pages of lists.
const (
	defaultPage = 50
	maxPage     = 1000
)

func pageSize(asked int32) int {
	if asked <= 0 {
		return defaultPage
	}
	return min(int(asked), maxPage)
}

func (s *runs) ListExecutions(ctx context.Context, req *lftv1.ListExecutionsRequest) (*lftv1.ListExecutionsResponse, error) {
	flows := []subject{{}} // all
	var err error
	if req.GetFlow() != "" {
		if flows, err = s.subjects(ctx, spec.FlowKind, req.GetFlow()); err != nil {
			return nil, err
		}
	}
	page := store.ExecutionPage{Limit: pageSize(req.GetLimit())}
	if page.Before, page.ID, err = readToken(req.GetBefore()); err != nil {
		return nil, err
	}
	rows, err := merged(flows, page.Limit, newer, func(flow subject) ([]record.Execution, error) {
		page.FlowUID, page.Flow = flow.uid, flow.address
		return s.deps.History.Executions(ctx, page)
	})
	if err != nil {
		return nil, err
	}
	res := &lftv1.ListExecutionsResponse{}
	for i := range rows {
		schedule, err := s.schedules.of(ctx, s.deps.History, rows[i].ScheduleUID)
		if err != nil {
			return nil, err
		}
		res.Executions = append(res.Executions, executionMessage(&rows[i], schedule))
	}
	if len(rows) == page.Limit {
		last := rows[len(rows)-1]
		res.Next = pageToken(last.CreatedAt, last.ID)
	}
	return res, nil
}

func (s *runs) ListFires(ctx context.Context, req *lftv1.ListFiresRequest) (*lftv1.ListFiresResponse, error) {
	schedules, err := s.subjects(ctx, spec.ScheduleKind, req.GetSchedule())
	if err != nil {
		return nil, err
	}
	page := store.FirePage{Limit: pageSize(req.GetLimit())}
	if page.Before, page.BeforeUID, err = readToken(req.GetBefore()); err != nil {
		return nil, err
	}
	rows, err := merged(schedules, page.Limit, store.Decided.Compare, func(schedule subject) ([]store.Decided, error) {
		page.ScheduleUID, page.Schedule = schedule.uid, schedule.address
		return s.deps.History.Fires(ctx, page)
	})
	if err != nil {
		return nil, err
	}
	res := &lftv1.ListFiresResponse{}
	for _, row := range rows {
		if row.Fire != nil {
			res.Fires = append(res.Fires, fireMessage(row.Fire))
		} else {
			res.Fires = append(res.Fires, rangeMessage(row.Range))
		}
	}
	if len(rows) == page.Limit {
		last := rows[len(rows)-1]
		res.Next = pageToken(last.Key(), last.UID())
	}
	return res, nil
}

// subject is whose history is asked for: that of a deployed object, under
// whatever addresses it has had, or that of an address.
type subject struct{ uid, address string }

// subjects are the deployed objects of a name, one a project that has it. The
// history of what is not deployed any more is found by the address it had.
func (s *runs) subjects(ctx context.Context, kind, name string) ([]subject, error) {
	a, err := address(kind, name)
	if err != nil {
		return nil, err
	}
	heads, err := s.deps.Definitions.Projects(ctx)
	if err != nil {
		return nil, err
	}
	var found []subject
	for _, head := range heads {
		object, ok, err := s.objectAt(ctx, head, a)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, subject{uid: object.UID})
		}
	}
	if len(found) == 0 {
		found = []subject{{address: string(a)}}
	}
	return found, nil
}

// merged is one page of the histories of some subjects. It holds two pages at most.
func merged[T any](of []subject, limit int, order func(a, b T) int, page func(subject) ([]T, error)) (rows []T, _ error) {
	for _, one := range of {
		more, err := page(one)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
		slices.SortFunc(rows, order)
		rows = rows[:min(len(rows), limit)]
	}
	return rows, nil
}

// newer orders executions as pages are.
func newer(a, b record.Execution) int {
	return cmp.Or(cmp.Compare(b.CreatedAt, a.CreatedAt), cmp.Compare(b.ID, a.ID))
}

// pageToken names the last row of a page.
func pageToken(at record.Time, id string) string {
	return strconv.FormatInt(int64(at), 10) + ":" + id
}

func readToken(token string) (at record.Time, id string, err error) {
	if token == "" {
		return 0, "", nil
	}
	number, id, ok := strings.Cut(token, ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil {
		return 0, "", invalid("%q is no page token of an earlier answer", token)
	}
	return record.Time(n), id, nil
}
