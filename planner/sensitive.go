package planner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leifengta/lft/lang/spec"
)

// MaskText stands for a sensitive value, as a JSON string.
const MaskText = `"(sensitive value)"`

// secrets are places in a spec that must not be shown, as paths of members and of
// names in lists. The empty path is all of it.
type secrets [][]string

// secretsOf reads which values of a canonical spec are sensitive. Those of an
// output are within its value.
func secretsOf(addr spec.Address, data []byte) secrets {
	if !bytes.Contains(data, []byte(`"sensitive":[`)) {
		return nil
	}
	var s struct {
		Sensitive []string `json:"sensitive"`
	}
	if json.Unmarshal(data, &s) != nil {
		return secrets{{}} // whatever it is, nobody sees it
	}
	list := make(secrets, 0, len(s.Sensitive))
	for _, pointer := range s.Sensitive {
		path := parsePointer(pointer)
		if addr.Kind() == spec.OutputKind {
			path = slices.Insert(path, 0, "value")
		}
		list = append(list, path)
	}
	return list
}

var pointerEscapes = strings.NewReplacer("~1", "/", "~0", "~")

func parsePointer(text string) []string {
	if text == "" {
		return nil
	}
	path := strings.Split(strings.TrimPrefix(text, "/"), "/")
	for i := range path {
		path[i] = pointerEscapes.Replace(path[i])
	}
	return path
}

// all reports whether everything here is sensitive.
func (s secrets) all() bool {
	return slices.ContainsFunc(s, func(path []string) bool { return len(path) == 0 })
}

// below is what is sensitive of a member.
func (s secrets) below(name string) secrets {
	var list secrets
	for _, path := range s {
		switch {
		case len(path) == 0:
			return secrets{{}}
		case path[0] == name:
			list = append(list, path[1:])
		}
	}
	return list
}

// at is below for each name of a path.
func (s secrets) at(path ...string) secrets {
	for _, name := range path {
		s = s.below(name)
	}
	return s
}

// decodeAny reads JSON without losing digits.
func decodeAny(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// encodeAny is canonical JSON of what decodeAny has read.
func encodeAny(v any) json.RawMessage {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("planner: JSON that was decoded cannot be encoded: %v", err))
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// mask takes sensitive values out of JSON.
func (s secrets) mask(data []byte) json.RawMessage {
	switch {
	case len(s) == 0 || len(data) == 0:
		return data
	case s.all():
		return json.RawMessage(MaskText)
	}
	v, err := decodeAny(data)
	if err != nil {
		return json.RawMessage(MaskText)
	}
	return encodeAny(s.masked(v))
}

func (s secrets) masked(v any) any {
	if s.all() {
		return MaskText[1 : len(MaskText)-1]
	}
	if len(s) == 0 {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = s.below(name).masked(v[name])
		}
	case []any:
		for i := range v {
			v[i] = s.below(elementName(v[i], i)).masked(v[i])
		}
	}
	return v
}

// elementName is how a pointer names an element of a list.
func elementName(v any, i int) string {
	if m, ok := v.(map[string]any); ok {
		if name, ok := m["name"].(string); ok {
			return name
		}
	}
	return strconv.Itoa(i)
}

// marks is Terraform's shape of what is sensitive: true where it is, along with
// the objects and lists around it.
func (s secrets) marks(data []byte) json.RawMessage {
	switch {
	case len(data) == 0:
		return json.RawMessage("false")
	case s.all():
		return json.RawMessage("true")
	case len(s) == 0 && data[0] == '{':
		return json.RawMessage("{}")
	}
	v, err := decodeAny(data)
	if err != nil {
		return json.RawMessage("true")
	}
	return encodeAny(s.marked(v))
}

func (s secrets) marked(v any) any {
	if s.all() {
		return true
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if inner := s.below(name); len(inner) > 0 {
				out[name] = inner.marked(v[name])
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = s.below(elementName(v[i], i)).marked(v[i])
		}
		return out
	default:
		return false
	}
}

// MaskSpec returns a canonical spec without its sensitive values, for eyes and
// scripts.
func MaskSpec(addr spec.Address, data []byte) json.RawMessage {
	return secretsOf(addr, data).mask(data)
}

// Mask returns the plan without sensitive values, for eyes and scripts: p itself
// when it has none. What differs still differs: each change and attribute is
// there, with MaskText for the value.
func (p *Plan) Mask() *Plan {
	m := *p
	m.Changes = slices.Clone(p.Changes)
	for i, c := range m.Changes {
		if masked, ok := maskChange(c); ok {
			m.Changes[i], m.Masked = masked, true
		}
	}
	m.Drift = slices.Clone(p.Drift)
	for i := range m.Drift {
		d := &m.Drift[i]
		if s := secretsOf(d.Object.Address, d.Object.Data); len(s) > 0 {
			d.Object.Data, m.Masked = s.mask(d.Object.Data), true
			if d.Override != nil && len(s.below(d.Override.Field)) > 0 {
				o := *d.Override
				o.Declared, o.Value = json.RawMessage(MaskText), json.RawMessage(MaskText)
				d.Override = &o
			}
		}
	}
	if !m.Masked {
		return p
	}
	return &m
}

// maskChange masks on both sides what is sensitive on either: a value does not
// become public because its mark was taken off.
func maskChange(c Change) (Change, bool) {
	var s secrets
	if old, ok := Going(c); ok {
		s = append(s, secretsOf(old.Address, old.Data)...)
	}
	if now, ok := Coming(c); ok {
		s = append(s, secretsOf(now.Address, now.Data)...)
	}
	if len(s) == 0 {
		return c, false
	}
	switch c := c.(type) {
	case Create:
		c.New.Data = s.mask(c.New.Data)
		return c, true
	case Update:
		return s.update(c), true
	case Delete:
		c.Old.Data = s.mask(c.Old.Data)
		return c, true
	case Move:
		c.Update = s.update(c.Update)
		return c, true
	}
	return c, false
}

func (s secrets) update(u Update) Update {
	s = s.renamed(u.Jobs)
	u.Old.Data, u.New.Data = s.mask(u.Old.Data), s.mask(u.New.Data)
	u.Attributes = s.attributes(u.Attributes)
	u.Jobs = slices.Clone(u.Jobs)
	for i := range u.Jobs {
		j := &u.Jobs[i]
		inner := s.at("jobs", j.Name)
		j.Before, j.After, j.Attributes = inner.mask(j.Before), inner.mask(j.After), inner.attributes(j.Attributes)
	}
	return u
}

// renamed adds what is sensitive of a job under its other name.
func (s secrets) renamed(jobs []JobChange) secrets {
	all := slices.Clone(s)
	for _, j := range jobs {
		names := map[string]string{j.Previous: j.Name, j.Name: j.Previous}
		for _, path := range s {
			if j.Previous != "" && len(path) > 1 && path[0] == "jobs" && names[path[1]] != "" {
				other := slices.Clone(path)
				other[1] = names[path[1]]
				all = append(all, other)
			}
		}
	}
	return all
}

func (s secrets) attributes(list []Attribute) []Attribute {
	if len(s) == 0 {
		return list
	}
	list = slices.Clone(list)
	for i := range list {
		a := &list[i]
		inner := s.at(a.Path...)
		a.Before, a.After = inner.mask(a.Before), inner.mask(a.After)
	}
	return list
}
