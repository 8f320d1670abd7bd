package spec

import "encoding/json"

// The tables below are the one place that says how each object looks in JSON.
// They serve both directions. Order is by name; a field is written unless it is
// empty or equal to its default. A name, once released, keeps its meaning for
// ever, and a new field must be empty by default: digests depend on it.

func (f *Flow) fields(t []field) []field {
	return append(t,
		field{"concurrency", pointer[Concurrency, *Concurrency]{&f.Concurrency}, ""},
		field{"description", (*text)(&f.Description), ""},
		field{"jobs", list[Job, *Job]{&f.Jobs}, ""},
		field{"on_failure", (*text)(&f.OnFailure), `"finish_possible"`},
		field{"outputs", list[FlowOutput, *FlowOutput]{&f.Outputs}, ""},
		field{"params", list[Param, *Param]{&f.Params}, ""},
		field{"protected", (*flag)(&f.Protected), ""},
		field{"sensitive", (*texts)(&f.Sensitive), ""},
	)
}

func (o *FlowOutput) fields(t []field) []field {
	return append(t,
		field{"description", (*text)(&o.Description), ""},
		field{"name", (*text)(&o.Name), ""},
		field{"type", (*raw)(&o.Type), ""},
		field{"value", maybe{&o.Value}, ""},
	)
}

func (c *Concurrency) fields(t []field) []field {
	return append(t,
		field{"max", (*always)(&c.Max), ""},
		field{"queue_max", (*integer)(&c.QueueMax), `100`},
		field{"when_full", (*text)(&c.WhenFull), `"queue"`},
	)
}

func (p *Param) fields(t []field) []field {
	return append(t,
		field{"default", maybe{&p.Default}, ""},
		field{"description", (*text)(&p.Description), ""},
		field{"name", (*text)(&p.Name), ""},
		field{"type", (*raw)(&p.Type), ""},
	)
}

func (o *Output) fields(t []field) []field {
	return append(t,
		field{"name", (*text)(&o.Name), ""},
		field{"type", (*raw)(&o.Type), ""},
	)
}

func (j *Job) fields(t []field) []field {
	return append(t,
		field{"allow_failure", (*flag)(&j.AllowFailure), ""},
		field{"args", (*values)(&j.Args), ""},
		field{"env", (*values)(&j.Env), ""},
		field{"flow", (*text)(&j.Flow), ""},
		field{"kill_grace", optional{&j.KillGrace}, `"10s"`},
		field{"kind", (*text)(&j.Kind), `"process"`},
		field{"name", (*text)(&j.Name), ""},
		field{"on_cancel", (*text)(&j.OnCancel), ""},
		field{"on_lost", (*text)(&j.OnLost), ""},
		field{"outputs", list[Output, *Output]{&j.Outputs}, ""},
		field{"params", (*values)(&j.Params), ""},
		field{"placement", pointer[Placement, *Placement]{&j.Placement}, `{}`},
		field{"pool", (*text)(&j.Pool), ""},
		field{"pool_slots", (*integer)(&j.PoolSlots), `1`},
		field{"priority", (*integer)(&j.Priority), ""},
		field{"rerun_after", (*span)(&j.RerunAfter), ""},
		field{"retry", pointer[Retry, *Retry]{&j.Retry}, `{"attempts":1}`},
		field{"timeout", (*span)(&j.Timeout), ""},
		field{"trigger", (*text)(&j.Trigger), `"all_success"`},
		field{"type", (*text)(&j.Type), ""},
		field{"upstreams", (*texts)(&j.Upstreams), ""},
		field{"uses", (*texts)(&j.Uses), ""},
		field{"when", maybe{&j.When}, `true`},
	)
}

func (r *Retry) fields(t []field) []field {
	return append(t,
		field{"attempts", (*always)(&r.Attempts), ""},
		field{"backoff", (*text)(&r.Backoff), `"fixed"`},
		field{"delay", optional{&r.Delay}, `"10s"`},
		field{"max_delay", (*span)(&r.MaxDelay), `"1h0m0s"`},
	)
}

func (p *Placement) fields(t []field) []field {
	return append(t,
		field{"agent", (*text)(&p.Agent), ""},
		field{"labels", (*labels)(&p.Labels), ""},
		field{"strategy", (*text)(&p.Strategy), `"round_robin"`},
	)
}

func (s *Schedule) fields(t []field) []field {
	return append(t,
		field{"calendar", (*text)(&s.Calendar), ""},
		field{"crons", (*texts)(&s.Crons), ""},
		field{"end", (*text)(&s.End), ""},
		field{"every", (*span)(&s.Every), ""},
		field{"flow", (*text)(&s.Flow), ""},
		field{"misfire", (*text)(&s.Misfire), `"latest"`},
		field{"offset", (*span)(&s.Offset), ""},
		field{"overlap", (*text)(&s.Overlap), ""},
		field{"params", (*values)(&s.Params), ""},
		field{"paused", (*flag)(&s.Paused), ""},
		field{"protected", (*flag)(&s.Protected), ""},
		field{"sensitive", (*texts)(&s.Sensitive), ""},
		field{"start", (*text)(&s.Start), ""},
		field{"timezone", (*text)(&s.Timezone), `"UTC"`},
	)
}

func (p *Pool) fields(t []field) []field {
	return append(t,
		field{"description", (*text)(&p.Description), ""},
		field{"protected", (*flag)(&p.Protected), ""},
		field{"sensitive", (*texts)(&p.Sensitive), ""},
		field{"shared", (*flag)(&p.Shared), ""},
		field{"slots", (*always)(&p.Slots), ""},
	)
}

func (c *Calendar) fields(t []field) []field {
	return append(t,
		field{"exclude", (*texts)(&c.Exclude), ""},
		field{"include", (*texts)(&c.Include), ""},
		field{"protected", (*flag)(&c.Protected), ""},
		field{"sensitive", (*texts)(&c.Sensitive), ""},
	)
}

func (d *Dependency) fields(t []field) []field {
	return append(t,
		field{"digest", (*text)(&d.Digest), ""},
		field{"files", list[File, *File]{&d.Files}, ""},
		field{"form", (*text)(&d.Form), `"folder"`},
		field{"protected", (*flag)(&d.Protected), ""},
	)
}

// The member "name" makes lists of files differ by path.
func (f *File) fields(t []field) []field {
	return append(t,
		field{"executable", (*flag)(&f.Executable), ""},
		field{"name", (*text)(&f.Path), ""},
		field{"sha256", (*text)(&f.SHA256), ""},
		field{"size", (*size)(&f.Size), ""},
	)
}

func (o *ProjectOutput) fields(t []field) []field {
	return append(t,
		field{"description", (*text)(&o.Description), ""},
		field{"sensitive", (*texts)(&o.Sensitive), ""},
		field{"value", (*raw)(&o.Value), ""},
	)
}

func (f *Flow) extra() *json.RawMessage          { return &f.Extra }
func (c *Concurrency) extra() *json.RawMessage   { return &c.Extra }
func (p *Param) extra() *json.RawMessage         { return &p.Extra }
func (o *Output) extra() *json.RawMessage        { return &o.Extra }
func (j *Job) extra() *json.RawMessage           { return &j.Extra }
func (r *Retry) extra() *json.RawMessage         { return &r.Extra }
func (p *Placement) extra() *json.RawMessage     { return &p.Extra }
func (s *Schedule) extra() *json.RawMessage      { return &s.Extra }
func (p *Pool) extra() *json.RawMessage          { return &p.Extra }
func (o *FlowOutput) extra() *json.RawMessage    { return &o.Extra }
func (c *Calendar) extra() *json.RawMessage      { return &c.Extra }
func (d *Dependency) extra() *json.RawMessage    { return &d.Extra }
func (f *File) extra() *json.RawMessage          { return &f.Extra }
func (o *ProjectOutput) extra() *json.RawMessage { return &o.Extra }
