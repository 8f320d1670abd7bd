package lang

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

func (w *worker) schedule(d declaration, voc schema.Block, bundle *spec.Bundle) {
	w.decodeEach(d, voc, bundle, func(r reader) {
		s := &schedule{w: w, d: d, r: r, spec: &spec.Schedule{Address: r.addr}}
		s.decode()
		bundle.Schedules = append(bundle.Schedules, s.spec)
	})
}

// schedule is an instance while it is decoded.
type schedule struct {
	w    *worker
	d    declaration
	r    reader
	spec *spec.Schedule
}

func (s *schedule) decode() {
	r, out := s.r, s.spec
	out.Misfire = spec.Misfire(r.choice("misfire", string(spec.MisfireLatest), string(spec.MisfireAll), string(spec.MisfireSkip)))
	out.Overlap = spec.WhenFull(r.choice("overlap", "", string(spec.WhenFullQueue), string(spec.WhenFullSkip), string(spec.WhenFullReplace)))
	out.Paused = r.flag("paused")
	out.Protected = r.flag("protected")
	s.calendar()
	out.Every, out.Offset = r.span("every", spec.Second), r.span("offset", 0)
	out.Timezone, _ = r.text("timezone")
	out.Start, _ = r.text("start")
	out.End, _ = r.text("end")
	if s.crons() {
		s.timetable()
	}
	if out.Timezone == "UTC" {
		out.Timezone = ""
	}
	flow, ok := s.flow()
	if ok {
		s.params(flow)
	}
	s.refuseHidden()
	out.Sensitive = r.at.secrets.pointers()
}

func (s *schedule) calendar() {
	attr := s.r.find("calendar")
	if attr == nil || isNull(attr.Expr) {
		return
	}
	if addr, ok := s.w.object(s.spec.Address, spec.CalendarKind, attr.Expr); ok {
		s.spec.Calendar = addr
	}
}

// refuseHidden: when something fires is for all to see.
func (s *schedule) refuseHidden() {
	for _, name := range [...]string{"cron", "every", "offset", "timezone", "start", "end"} {
		if s.r.at.in(name).kept() {
			s.w.refuseSensitive(s.spec.Address, s.r.find(name).Expr)
		}
	}
}

// crons reads one expression or a list of them; false when that failed.
func (s *schedule) crons() bool {
	v, attr, ok := s.r.value("cron")
	if !ok {
		return attr == nil || isNull(attr.Expr)
	}
	if v.Type() == cty.String {
		s.spec.Crons = []string{v.AsString()}
		return true
	}
	list, err := s.w.evaluator.Eval(&hclsyntax.LiteralValueExpr{Val: v, SrcRange: attr.Expr.Range()}, cty.List(cty.String))
	if err != nil {
		s.w.found.error(CodeValue, s.spec.Address, attr.Expr.Range(), "Not a cron expression", "cron is a text such as \"0 2 * * *\", or a list of them.")
		return false
	}
	for it := list.ElementIterator(); it.Next(); {
		_, one := it.Element()
		if one.IsNull() {
			s.w.found.error(CodeValue, s.spec.Address, attr.Expr.Range(), "Not a cron expression", "An element of the list is null.")
			return false
		}
		s.spec.Crons = append(s.spec.Crons, one.AsString())
	}
	return true
}

// timetable has the timetable compiled and places each flaw.
func (s *schedule) timetable() {
	timetable := cron.Spec{
		Crons: s.spec.Crons, Every: s.spec.Every.Std(), Offset: s.spec.Offset.Std(), Timezone: s.spec.Timezone, Start: s.spec.Start, End: s.spec.End,
	}
	if c, ok := s.w.calendars[s.spec.Calendar]; ok {
		timetable.Include, timetable.Exclude = c.Include, c.Exclude
	}
	_, err := s.w.timetables.Compile(timetable)
	var flaws cron.SpecErrors
	if err == nil || !errors.As(err, &flaws) {
		return
	}
	for _, flaw := range flaws {
		if flaw.Attribute == "include" || flaw.Attribute == "exclude" {
			flaw.Attribute = "calendar"
		}
		attr := s.r.find(flaw.Attribute)
		if attr == nil && s.r.find("every") != nil {
			continue // what was wrong with it was reported
		}
		if attr == nil {
			s.w.found.error(CodeMissing, s.spec.Address, s.d.block.DefRange(), "Invalid timetable", "%v.", flaw.Err)
			continue
		}
		if attr.Name == "every" && s.spec.Every == 0 || attr.Name == "offset" && s.spec.Offset == 0 && !strings.Contains(flaw.Err.Error(), "missing") {
			continue // reported when it was read
		}
		rng, detail := attr.Expr.Range(), flaw.Err.Error()
		if e := (*cron.Error)(nil); errors.As(flaw.Err, &e) {
			rng = inText(attr.Expr, flaw.Index, e.Offset, e.Length)
		}
		if !strings.HasSuffix(detail, "?") {
			detail += "."
		}
		s.w.found.error(CodeValue, s.spec.Address, rng, "Invalid "+flaw.Attribute, "%s", detail)
	}
}

// inText is the place of a part of a text that stands in quotes, or of element i
// of a list of such; otherwise of all of it.
func inText(x hclsyntax.Expression, i, offset, length int) hcl.Range {
	if members, ok := x.(*hclsyntax.TupleConsExpr); ok && i < len(members.Exprs) {
		x = members.Exprs[i]
	}
	rng := x.Range()
	template, ok := x.(*hclsyntax.TemplateExpr)
	if !ok || len(template.Parts) != 1 || !template.IsStringLiteral() {
		return rng
	}
	part := template.Parts[0].Range()
	v, ok := constant(x)
	// An escape in the text would shift offsets.
	if !ok || part.End.Byte-part.Start.Byte != len(v.AsString()) || rng.Start.Line != rng.End.Line {
		return rng
	}
	shift := func(n int) hcl.Pos {
		return hcl.Pos{Line: part.Start.Line, Column: part.Start.Column + n, Byte: part.Start.Byte + n}
	}
	return hcl.Range{Filename: rng.Filename, Start: shift(offset), End: shift(offset + max(1, length))}
}

func (s *schedule) flow() (*spec.Flow, bool) {
	attr := s.r.find("flow")
	if attr == nil {
		return nil, false // reported as missing
	}
	addr, ok := s.w.object(s.spec.Address, spec.FlowKind, attr.Expr)
	if !ok {
		return nil, false
	}
	s.spec.Flow = addr
	f, ok := s.w.declaredFlow(addr)
	return f, ok
}

func (s *schedule) params(flow *spec.Flow) {
	byName := make(map[string]*spec.Param, len(flow.Params))
	for _, p := range flow.Params {
		byName[p.Name] = p
	}
	scope := &runTime{
		w: s.w, addr: s.spec.Address, file: s.d.file, at: s.r.at.in("params"),
		advice: "A schedule gives constants; let the default of the flow's param use run.*.",
	}
	attr := s.r.find("params")
	if attr != nil && !isNull(attr.Expr) {
		scope.entries(attr.Expr, func(name string, rng hcl.Range, x hclsyntax.Expression) {
			p, ok := byName[name]
			if !ok {
				s.w.found.error(CodeReference, s.spec.Address, rng, "Unknown parameter", "%s has no param %q.%s", flow.Address, name, eval.DidYouMean(name, slices.Sorted(maps.Keys(byName))))
				return
			}
			ty, err := expr.DecodeType(p.Type)
			if err != nil {
				return // reported where it is declared
			}
			one := *scope
			one.at = one.at.in(name)
			if v := one.value(x, ty, false); v != nil {
				if s.spec.Params == nil {
					s.spec.Params = map[string]*spec.Value{}
				}
				s.spec.Params[name] = v
			}
		})
	}
	for _, p := range flow.Params {
		if _, given := s.spec.Params[p.Name]; p.Default == nil && !given && !s.w.found.hasErrors() {
			s.w.found.error(CodeMissing, s.spec.Address, s.d.block.DefRange(), "Missing parameter", "%s needs param %q, which has no default. Give it: params = { %s = … }.", flow.Address, p.Name, p.Name)
		}
	}
}
