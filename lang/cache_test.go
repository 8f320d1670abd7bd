package lang_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/spec"
)

// memory is a cache that counts.
type memory struct {
	mu         sync.Mutex
	entries    map[string][]byte
	hits, puts int
}

func newMemory() *memory { return &memory{entries: map[string][]byte{}} }

func (m *memory) Get(key string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	entry, ok := m.entries[key]
	if ok {
		m.hits++
	}
	return entry, ok
}

func (m *memory) Put(key string, entry []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.puts++
	m.entries[key] = entry
}

// settled is a bundle with all flows in canonical form.
func settled(b *spec.Bundle) *spec.Bundle {
	if b == nil {
		return nil
	}
	one := *b
	one.Flows, one.Settled = nil, append([]spec.Settled(nil), b.Settled...)
	for _, f := range b.Flows {
		data := f.Canonical()
		one.Settled = append(one.Settled, spec.Settled{Address: f.Address, Digest: spec.Digest(data), Data: data})
	}
	return &one
}

// same loads with and without the cache, and wants equal answers.
func same(t *rapid.T, files map[string]string, opt lang.Options, cache lang.Cache) {
	t.Helper()
	want, wantList := lang.Load(folder(files), opt)
	opt.Cache = cache
	for range 2 {
		got, list := lang.Load(folder(files), opt)
		if diff := cmp.Diff([]any{settled(want), wantList}, []any{settled(got), list}); diff != "" {
			t.Fatalf("with the cache (-without +with):\n%s\n%v", diff, files)
		}
	}
}

// cachedFolder has files of flows that depend on everything they can.
func cachedFolder() map[string]string {
	return map[string]string{
		"main.hcl": `variable "v" { default = "v" }
variable "secret" {
  default   = "s"
  sensitive = true
}
locals {
  a = { x = "1", y = var.v }
  p = pool.p
  n = 1
}
pool "p" { slots = 2 }
pool "q" {
  for_each = { k = 1 }
  slots    = each.value
}
module "m" {
  source   = "./m"
  for_each = { one = 1, two = 2 }
  in       = "${each.key} ${local.a.x}"
}
dependency "d" { source = "text.txt" }
schedule "s" {
  flow   = flow.vars
  params = { day = 3 }
  every  = "1h"
}
`,
		"vars.hcl":    "flow \"vars\" {\n  description = \"${var.v} ${local.a.y} ${path.module}\"\n  param \"day\" { type = number }\n  job \"shell\" \"x\" { command = [local.a.x, run.id] }\n  output \"o\" {\n    type  = string\n    value = run.id\n  }\n}\n",
		"pools.hcl":   "flow \"pools\" {\n  for_each = module.m\n  job \"shell\" \"x\" {\n    pool = local.p\n    pool_slots = 2\n    command = [each.value.out, dependency.d.path]\n  }\n  job \"shell\" \"y\" { pool = pool.q[\"k\"] }\n}\n",
		"files.hcl":   "flow \"files\" {\n  description = \"${file(\"text.txt\")} ${fileexists(\"other.txt\")} ${length(fileset(\".\", \"*.txt\"))}\"\n}\nflow \"file\" { description = file(\"./text.txt\") }\n",
		"file.hcl":    "flow \"again\" { description = \"${file(\"text.txt\")}${fileexists(\"other.txt\")}\" }\n",
		"starts.hcl":  "flow \"starts\" {\n  job \"flow\" \"c\" {\n    flow = flow.vars\n    params = { day = 1 }\n  }\n  job \"shell\" \"x\" { command = [job.c.output.o] }\n}\n",
		"secrets.hcl": "flow \"secrets\" {\n  job \"shell\" \"x\" { env = { A = var.secret } }\n}\n",
		"warns.hcl":   "flow \"warns\" {\n  job \"shell\" \"x\" { after = [job.y] }\n  job \"shell\" \"y\" { enabled = local.n == 2 }\n}\n",
		"text.txt":    "text",
		"m/main.hcl":  "variable \"in\" {}\noutput \"out\" { value = var.in }\n",
		"m/flows.hcl": "flow \"f\" {\n  job \"shell\" \"x\" { command = [var.in, path.module] }\n}\n",
	}
}

// edits change one thing each.
var edits = []struct{ file, old, new string }{
	{"main.hcl", `default = "v"`, `default = "w"`},
	{"main.hcl", `x = "1"`, `x = "2"`},
	{"main.hcl", "p = pool.p", `p = pool.q["k"]`},
	{"main.hcl", "n = 1", "n = 2"},
	{"main.hcl", "slots = 2", "slots = 3"},
	{"main.hcl", "slots = 2", "slots = 1"},
	{"main.hcl", `pool "p"`, `pool "r"`},
	{"main.hcl", "{ k = 1 }", "{ l = 1 }"},
	{"main.hcl", "two = 2", "three = 2"},
	{"main.hcl", `module "m"`, `module "n"`},
	{"main.hcl", `dependency "d"`, `dependency "e"`},
	{"main.hcl", "sensitive = true", "sensitive = false"},
	{"main.hcl", "flow.vars", "flow.file"},
	{"main.hcl", "day = 3", "dai = 3"},
	{"main.hcl", "locals {\n  a", "  locals {\n  b = 1\n  a"},
	{"vars.hcl", "number", "string"},
	{"vars.hcl", "\n", "\n\n"},
	{"vars.hcl", `"o"`, `"oo"`},
	{"vars.hcl", `flow "vars"`, `flow "vers"`},
	{"vars.hcl", "flow", "flo"},
	{"vars.hcl", "{", ""},
	{"text.txt", "text", "other"},
	{"other.txt", "", "x"},
	{"third.txt", "", "x"},
	{"m/main.hcl", "var.in }", "\"x${var.in}\" }"},
	{"m/flows.hcl", `"f"`, `"g"`},
	{"file.hcl", `flow "again"`, `flow "file"`},
}

// TestCache: whatever is edited, and in whatever order, a load with what was kept
// says what a load without says.
func TestCache(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cache, files := newMemory(), cachedFolder()
		opt := lang.Options{JobTypes: jobTypes()}
		same(t, files, opt, cache)
		for range rapid.IntRange(1, 2).Draw(t, "edits") {
			edited := maps.Clone(files)
			for range rapid.IntRange(1, 2).Draw(t, "at once") {
				e := rapid.SampledFrom(edits).Draw(t, "edit")
				edited[e.file] = strings.Replace(edited[e.file], e.old, e.new, 1)
			}
			same(t, edited, opt, cache)
			same(t, files, opt, cache)
		}
	})
}

// TestCacheHits: what did not change is not decoded again, and what may not be
// kept is not.
func TestCacheHits(t *testing.T) {
	cache, files := newMemory(), cachedFolder()
	opt := lang.Options{JobTypes: jobTypes(), Cache: cache}
	load := func(wantHits, wantPuts int) {
		t.Helper()
		cache.hits, cache.puts = 0, 0
		bundle, list := lang.Load(folder(files), opt)
		if bundle == nil {
			t.Fatal(render(list))
		}
		if cache.hits != wantHits || cache.puts != wantPuts {
			t.Errorf("%d hits and %d puts, want %d and %d", cache.hits, cache.puts, wantHits, wantPuts)
		}
	}
	load(0, 4) // not: a folder listed, a flow started, something sensitive, a warning
	load(4, 0)
	files["main.hcl"] = strings.Replace(files["main.hcl"], `default = "v"`, `default = "w"`, 1)
	load(4, 1) // an entry was there, but made of another value
	load(4, 0)
	files["text.txt"] = "other"
	load(4, 1)
	opt.Version = "2.0.0"
	load(0, 4)
	for _, entry := range cache.entries {
		entry[len(entry)/2] ^= 1
	}
	load(4, 4)
	if strings.Contains(fmt.Sprint(cache.entries), "secrets") {
		t.Error("something sensitive was kept")
	}
}

// FuzzEntry: what is kept may be damaged; it is noticed, or means nothing worse
// than a finding.
func FuzzEntry(f *testing.F) {
	cache := newMemory()
	lang.Load(folder(cachedFolder()), lang.Options{JobTypes: jobTypes(), Cache: cache})
	for _, entry := range cache.entries {
		f.Add(entry[32:])
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if !lang.ReadEntry(payload) {
			return
		}
	})
}
