package generate

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/spec"
)

// maxEnvironment is the size of all names and values together, in bytes: what
// the kernel of the agent takes as arguments and environment is bounded.
const maxEnvironment = 128 << 10

// look makes the scope: run values first, then the parameters, whose defaults
// may mention them.
func (b *build) look() error {
	loc, err := b.gen.zones.get(b.p.Zone)
	if err != nil {
		return fmt.Errorf("internal error: %w", err)
	}
	b.scope.Flow = b.flow
	b.scope.Run = expr.Run{
		ID:           b.p.Key.Execution,
		Flow:         b.p.Flow,
		ScheduledFor: written(b.p.ScheduledFor, loc),
		WindowStart:  written(b.p.WindowStart, loc),
		WindowEnd:    written(b.p.WindowEnd, loc),
		Attempt:      int(b.p.N),
	}
	if err := b.params(); err != nil {
		return err
	}
	b.scope.Jobs = make(map[string]expr.Job, len(b.p.Upstreams))
	for _, u := range b.p.Upstreams {
		b.scope.Jobs[u.Name] = expr.Job{Status: strings.ToLower(string(u.State)), Output: u.Output}
	}
	return nil
}

func (b *build) params() error {
	if len(b.flow.Params) == 0 {
		return nil
	}
	var given map[string]json.RawMessage
	if len(b.p.Params) > 0 {
		if err := json.Unmarshal(b.p.Params, &given); err != nil {
			return fmt.Errorf("internal error: stored parameters: %w", err)
		}
	}
	values := make(map[string]json.RawMessage, len(b.flow.Params))
	defaults := expr.Scope{Run: b.scope.Run}
	for _, param := range b.flow.Params {
		where := "param." + param.Name
		var v json.RawMessage
		var err error
		switch raw, ok := given[param.Name]; {
		case ok:
			v, err = expr.Convert(param.Type, raw)
		case param.Default != nil:
			v, err = expr.Eval(param.Default, param.Type, defaults)
		default:
			err = errors.New("no value was given and it has no default")
		}
		if err != nil {
			return badExpression(where, err)
		}
		values[param.Name] = v
	}
	b.scope.Params = values
	return nil
}

// written is RFC 3339 with a fraction only where there is one, so that instants
// of schedules stay plain.
func written(t record.Time, loc *time.Location) string {
	return time.UnixMicro(int64(t)).In(loc).Format("2006-01-02T15:04:05.999999Z07:00")
}

var text = spec.Type(`"string"`)

// environment is the job's own variables, then lft's, which nothing overrides.
func (b *build) environment() (map[string]string, error) {
	env := make(map[string]string, len(b.job.Env)+len(b.scope.Params)+8)
	for name, value := range b.job.Env {
		v, err := expr.Eval(value, text, b.scope)
		if err != nil {
			return nil, badExpression("env."+name, err)
		}
		if string(v) != "null" {
			env[name] = plain(v)
		}
	}
	for name, v := range b.scope.Params {
		if string(v) != "null" {
			env["LFT_PARAM_"+variable(name)] = plain(v)
		}
	}
	env["LFT_EXECUTION"] = b.p.Key.Execution
	env["LFT_FLOW"] = b.p.Flow
	env["LFT_JOB"] = b.job.Name
	env["LFT_ATTEMPT"] = strconv.Itoa(int(b.p.N))
	env["LFT_SCHEDULED_FOR"] = b.scope.Run.ScheduledFor
	env["LFT_WINDOW_START"] = b.scope.Run.WindowStart
	env["LFT_WINDOW_END"] = b.scope.Run.WindowEnd
	size := 0
	for name, value := range env {
		size += len(name) + len(value) + 2
		if strings.IndexByte(value, 0) >= 0 {
			return nil, badExpression("env."+name, errors.New("holds a zero byte, which no process environment can"))
		}
	}
	if size > maxEnvironment {
		return nil, badArguments("the environment is %d bytes, more than %d", size, maxEnvironment)
	}
	return env, nil
}

// plain is the text of a JSON string, and JSON itself for all else.
func plain(v json.RawMessage) string {
	if len(v) > 0 && v[0] == '"' {
		var s string
		if json.Unmarshal(v, &s) == nil {
			return s
		}
	}
	return string(v)
}

func variable(param string) string {
	return strings.ReplaceAll(strings.ToUpper(param), "-", "_")
}

// zones keeps the locations it has loaded; there are as many as schedules name.
type zones struct {
	mu     sync.Mutex
	loaded map[string]*time.Location
}

func (z *zones) get(name string) (*time.Location, error) {
	if name == "" || name == "UTC" {
		return time.UTC, nil
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if loc := z.loaded[name]; loc != nil {
		return loc, nil
	}
	loc, err := cron.Location(name)
	if err != nil {
		return nil, err
	}
	if z.loaded == nil {
		z.loaded = make(map[string]*time.Location)
	}
	z.loaded[name] = loc
	return loc, nil
}
