package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Address names a declared object: flow.g, flow.g["k"], schedule.s, pool.p,
// module.m["k"].flow.g. A job is FLOW.job.NAME. The text form is canonical.
type Address string

// The kinds of addresses, as Address.Kind returns them.
const (
	FlowKind       = "flow"
	ScheduleKind   = "schedule"
	PoolKind       = "pool"
	CalendarKind   = "calendar"
	DependencyKind = "dependency"
	OutputKind     = "output"
	JobKind        = "job"
	ModuleKind     = "module"
)

// objectKinds are what a project is made of.
var objectKinds = [...]string{FlowKind, ScheduleKind, PoolKind, CalendarKind, DependencyKind, OutputKind}

// MaxName is the length of the longest name, in bytes.
const MaxName = 64

// FlowAddress returns the address of a flow; key is its for_each key or "".
func FlowAddress(name, key string) Address { return Address("flow." + Instance(name, key)) }

// ScheduleAddress returns the address of a schedule; key is its for_each key or "".
func ScheduleAddress(name, key string) Address { return Address("schedule." + Instance(name, key)) }

// PoolAddress returns the address of a pool; key is its for_each key or "".
func PoolAddress(name, key string) Address { return Address("pool." + Instance(name, key)) }

// CalendarAddress returns the address of a calendar; key is its for_each key or "".
func CalendarAddress(name, key string) Address { return Address("calendar." + Instance(name, key)) }

// DependencyAddress returns the address of a dependency; key is its for_each key
// or "".
func DependencyAddress(name, key string) Address {
	return Address("dependency." + Instance(name, key))
}

// OutputAddress returns the address of a project's output.
func OutputAddress(name string) Address { return Address("output." + name) }

// ModuleAddress returns the address of a module; key is its for_each key or "".
func ModuleAddress(name, key string) Address { return Address("module." + Instance(name, key)) }

// In puts an address that was written inside a module, "" for the folder itself,
// under that module's.
func (a Address) In(module Address) Address {
	if module == "" {
		return a
	}
	return module + "." + a
}

// Module returns the module an address lies in, "" for the folder itself. Of a
// module, it is the one around it.
func (a Address) Module() Address {
	inner := a.Local()
	if inner == a {
		return ""
	}
	return a[:len(a)-len(inner)-1]
}

// Local returns the address as it is written in its own module.
func (a Address) Local() Address {
	for strings.HasPrefix(string(a), "module.") {
		end := instanceEnd(string(a), len("module."))
		if end == len(a) {
			break
		}
		a = a[end+1:]
	}
	return a
}

// instanceEnd returns where the instance that starts at i ends: at a dot outside
// of quotes, or with the text.
func instanceEnd(text string, i int) int {
	for quoted := false; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quoted:
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == '.' && !quoted:
			return i
		}
	}
	return len(text)
}

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

// ParseAddress checks the text form of the address of an object or a job.
func ParseAddress(text string) (Address, error) {
	a := Address(text)
	kind, object, job, isJob := a.split()
	ok := validModules(a.Module()) && slices.Contains(objectKinds[:], kind)
	if ok {
		_, _, ok = SplitInstance(object)
	}
	if ok && isJob {
		_, _, ok = SplitInstance(job)
		ok = ok && kind == FlowKind
	}
	if !ok {
		return "", fmt.Errorf("%q is no address; write one like flow.name, flow.name[\"key\"], flow.name.job.name, schedule.name, pool.name or module.name.flow.name", text)
	}
	return a, nil
}

// ParseModule checks the text form of the address of a module.
func ParseModule(text string) (Address, error) {
	if text == "" || !validModules(Address(text)) {
		return "", fmt.Errorf("%q is no address of a module; write one like module.name or module.name[\"key\"]", text)
	}
	return Address(text), nil
}

func validModules(a Address) bool {
	for a != "" {
		instance, isModule := strings.CutPrefix(string(a.Local()), "module.")
		if _, _, ok := SplitInstance(instance); !ok || !isModule {
			return false
		}
		a = a.Module()
	}
	return true
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

// Set returns the address of the for_each set that an object, a job or a module is
// in: its own without the last key.
func (a Address) Set() Address {
	if !strings.HasSuffix(string(a), `"]`) {
		return a
	}
	return a[:len(a)-len(a.Instance())] + Address(a.Name())
}

// Instance returns the name with its for_each key; of a job, Job.Name.
func (a Address) Instance() string {
	_, object, job, isJob := a.split()
	if isJob {
		return job
	}
	return object
}

// DependencyName names a dependency inside a job: its folder is deps/NAME, and its
// environment variable LFT_DEP_NAME, in upper case with _ for every other
// character. It is the name, and behind a dot the for_each key with _ for what a
// folder should not be called. Two dependencies of one job never have one variable.
func (a Address) DependencyName() string {
	name, key, _ := SplitInstance(a.Instance())
	if key == "" {
		return name
	}
	return name + "." + strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, key)
}

// DependencyVariable is the name of the environment variable that holds the
// absolute path of a dependency.
func (a Address) DependencyVariable() string {
	return "LFT_DEP_" + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(a.DependencyName()))
}

// Flow returns the flow a job belongs to; any other address is returned as it is.
func (a Address) Flow() Address {
	if _, _, job, isJob := a.split(); isJob {
		return a[:len(a)-len(".job.")-len(job)]
	}
	return a
}

// split cuts KIND.OBJECT or KIND.OBJECT.job.JOB behind the modules. A key may hold
// any text, dots and brackets included.
func (a Address) split() (kind, object, job string, isJob bool) {
	kind, object, _ = strings.Cut(string(a.Local()), ".")
	end := instanceEnd(object, 0)
	job, isJob = strings.CutPrefix(object[end:], ".job.")
	if isJob {
		return kind, object[:end], job, true
	}
	return kind, object, "", false
}
