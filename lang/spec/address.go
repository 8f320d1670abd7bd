package spec

import (
	"fmt"
	"strconv"
	"strings"
)

// Address names a declared object: flow.g, flow.g["k"], schedule.s, pool.p,
// module.m["k"].flow.g. A job is FLOW.job.NAME. The text form is canonical.
type Address string

// The kinds of addresses, as Address.Kind returns them.
const (
	FlowKind     = "flow"
	ScheduleKind = "schedule"
	PoolKind     = "pool"
	JobKind      = "job"
)

// MaxName is the length of the longest name, in bytes.
const MaxName = 64

// FlowAddress returns the address of a flow; key is its for_each key or "".
func FlowAddress(name, key string) Address { return Address("flow." + Instance(name, key)) }

// ScheduleAddress returns the address of a schedule; key is its for_each key or "".
func ScheduleAddress(name, key string) Address { return Address("schedule." + Instance(name, key)) }

// PoolAddress returns the address of a pool; key is its for_each key or "".
func PoolAddress(name, key string) Address { return Address("pool." + Instance(name, key)) }

// Instance writes a name with its for_each key: x["k"], or x when there is none.
func Instance(name, key string) string {
	if key == "" {
		return name
	}
	return name + "[" + strconv.Quote(key) + "]"
}

// SplitInstance is the reverse of Instance; it reports false for text that
// Instance does not write.
func SplitInstance(instance string) (name, key string, ok bool) {
	name, rest, keyed := strings.Cut(instance, "[")
	if !ValidName(name) {
		return "", "", false
	}
	if !keyed {
		return name, "", true
	}
	quoted, closed := strings.CutSuffix(rest, "]")
	key, err := strconv.Unquote(quoted)
	if !closed || err != nil || key == "" || Instance(name, key) != instance {
		return "", "", false
	}
	return name, key, true
}

// ValidName reports whether a name is a lower-case letter, then lower-case
// letters, digits, '_' or '-', at most MaxName bytes in all.
func ValidName(name string) bool {
	if name == "" || len(name) > MaxName || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// ParseAddress checks the text form of an address.
func ParseAddress(text string) (Address, error) {
	a := Address(text)
	kind, object, job, isJob := a.split()
	_, _, ok := SplitInstance(object)
	if ok && isJob {
		_, _, ok = SplitInstance(job)
		ok = ok && kind == FlowKind
	}
	if !ok || kind != FlowKind && kind != ScheduleKind && kind != PoolKind {
		return "", fmt.Errorf("%q is no address; write one like flow.name, flow.name[\"key\"], flow.name.job.name, schedule.name or pool.name", text)
	}
	return a, nil
}

// Job returns the address of a job of this flow; name is Job.Name.
func (a Address) Job(name string) Address { return a + ".job." + Address(name) }

// Kind returns one of the kinds above; for text that is no address it may
// return anything.
func (a Address) Kind() string {
	kind, _, _, isJob := a.split()
	if isJob {
		return JobKind
	}
	return kind
}

// Name returns the name without kind and for_each key; of a job, its own.
func (a Address) Name() string {
	name, _, _ := strings.Cut(a.Instance(), "[")
	return name
}

// Instance returns the name with its for_each key; of a job, Job.Name.
func (a Address) Instance() string {
	_, object, job, isJob := a.split()
	if isJob {
		return job
	}
	return object
}

// Flow returns the flow a job belongs to; any other address is returned as it is.
func (a Address) Flow() Address {
	if kind, object, _, isJob := a.split(); isJob {
		return Address(kind + "." + object)
	}
	return a
}

// split cuts KIND.OBJECT or KIND.OBJECT.job.JOB. A key may hold any text, dots
// and brackets included, so quotes are skipped before ".job." is looked for.
func (a Address) split() (kind, object, job string, isJob bool) {
	kind, object, _ = strings.Cut(string(a), ".")
	quoted := false
	for i := 0; i < len(object); i++ {
		switch {
		case object[i] == '\\' && quoted:
			i++
		case object[i] == '"':
			quoted = !quoted
		case !quoted && strings.HasPrefix(object[i:], ".job."):
			return kind, object[:i], object[i+len(".job."):], true
		}
	}
	return kind, object, "", false
}
