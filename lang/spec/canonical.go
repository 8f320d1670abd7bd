package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// MaxSize is the size of the largest canonical form an object may have.
const MaxSize = 1 << 20

// Canonical returns the flow as canonical JSON: keys sorted, defaults omitted,
// no white space, the format, and the unknown fields of Extra as they came. The
// address is not part of it, so a moved object keeps its digest. The flow's
// literals must be valid JSON.
func (f *Flow) Canonical() []byte { return canonical(f) }

// Canonical is as Flow.Canonical.
func (s *Schedule) Canonical() []byte { return canonical(s) }

// Canonical is as Flow.Canonical.
func (p *Pool) Canonical() []byte { return canonical(p) }

// Canonical is as Flow.Canonical.
func (c *Calendar) Canonical() []byte { return canonical(c) }

// Canonical is as Flow.Canonical.
func (d *Dependency) Canonical() []byte { return canonical(d) }

// Canonical is as Flow.Canonical.
func (o *ProjectOutput) Canonical() []byte { return canonical(o) }

func canonical(o object) []byte { return appendObject(make([]byte, 0, 512), o, true) }

// Digest is the SHA-256 of canonical bytes in lower-case hexadecimal.
func Digest(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// DecodeFlow reads what Canonical wrote, in this or another version of lft.
// Fields it does not know are kept in Extra.
func DecodeFlow(data []byte, addr Address) (*Flow, error) {
	f := &Flow{Address: addr}
	return f, decode(data, addr, f)
}

// DecodeSchedule is as DecodeFlow.
func DecodeSchedule(data []byte, addr Address) (*Schedule, error) {
	s := &Schedule{Address: addr}
	return s, decode(data, addr, s)
}

// DecodePool is as DecodeFlow.
func DecodePool(data []byte, addr Address) (*Pool, error) {
	p := &Pool{Address: addr}
	return p, decode(data, addr, p)
}

// DecodeCalendar is as DecodeFlow.
func DecodeCalendar(data []byte, addr Address) (*Calendar, error) {
	c := &Calendar{Address: addr}
	return c, decode(data, addr, c)
}

// DecodeDependency is as DecodeFlow.
func DecodeDependency(data []byte, addr Address) (*Dependency, error) {
	d := &Dependency{Address: addr}
	return d, decode(data, addr, d)
}

// DecodeProjectOutput is as DecodeFlow.
func DecodeProjectOutput(data []byte, addr Address) (*ProjectOutput, error) {
	o := &ProjectOutput{Address: addr}
	return o, decode(data, addr, o)
}

func decode(data []byte, addr Address, o object) error {
	if err := decodeObject(data, o, true); err != nil {
		return fmt.Errorf("spec of %s: %w", addr, err)
	}
	return nil
}

// MarshalJSON writes the canonical form.
func (f *Flow) MarshalJSON() ([]byte, error) { return f.Canonical(), nil }

// MarshalJSON writes the canonical form.
func (s *Schedule) MarshalJSON() ([]byte, error) { return s.Canonical(), nil }

// MarshalJSON writes the canonical form.
func (p *Pool) MarshalJSON() ([]byte, error) { return p.Canonical(), nil }

// MarshalJSON writes the canonical form.
func (c *Calendar) MarshalJSON() ([]byte, error) { return c.Canonical(), nil }

// MarshalJSON writes the canonical form.
func (d *Dependency) MarshalJSON() ([]byte, error) { return d.Canonical(), nil }

// MarshalJSON writes the canonical form.
func (o *ProjectOutput) MarshalJSON() ([]byte, error) { return o.Canonical(), nil }

// MarshalJSON writes the job as it stands in its flow's canonical form.
func (j *Job) MarshalJSON() ([]byte, error) { return appendObject(nil, j, false), nil }

// MarshalJSON writes the parameter as it stands in its flow's canonical form.
func (p *Param) MarshalJSON() ([]byte, error) { return appendObject(nil, p, false), nil }

// MarshalJSON writes the output as it stands in its flow's canonical form.
func (o *FlowOutput) MarshalJSON() ([]byte, error) { return appendObject(nil, o, false), nil }

// MarshalJSON writes the output as it stands in its flow's canonical form.
func (o *Output) MarshalJSON() ([]byte, error) { return appendObject(nil, o, false), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (o *Output) UnmarshalJSON(data []byte) error { return decodeObject(data, o, false) }

// MarshalJSON writes the value as it stands in canonical JSON.
func (v *Value) MarshalJSON() ([]byte, error) { return v.append(nil), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(data []byte) error { return v.decode(json.RawMessage(data)) }
