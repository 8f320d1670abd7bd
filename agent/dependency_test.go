package agent_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leifengta/lft/agent"
	launcher "github.com/leifengta/lft/agent/launch"
	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/blob/dirblob"
	"github.com/leifengta/lft/engine/pack"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/lang/tree"
	"github.com/leifengta/lft/providers"
)

// depot makes a bucket of the tests' cluster in a directory.
func depot(t *testing.T) (address string, b *dirblob.Bucket) {
	t.Helper()
	dir := t.TempDir()
	b, err := dirblob.Open(dir)
	if err == nil {
		err = blob.Claim(t.Context(), b, "test")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return dirblob.Address(dir), b
}

// put stores a tree and returns it as a task names it.
func put(t *testing.T, b blob.Bucket, name string, contents map[string]string) providers.Dependency {
	t.Helper()
	var files []tree.File
	for _, path := range slices.Sorted(maps.Keys(contents)) {
		files = append(files, tree.File{
			Path: path, Executable: strings.HasSuffix(path, ".sh"),
			Size: int64(len(contents[path])), SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(contents[path]))),
		})
	}
	d := providers.Dependency{Name: name, Variable: "LFT_DEP_" + strings.ToUpper(name), Digest: tree.Digest(files)}
	d.Object = blob.DependencyKey(d.Digest, "1")
	content := pack.Encode(files, func(path string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(contents[path])), nil
	})
	if err := b.Put(t.Context(), d.Object, content, pack.Size(files)); err != nil {
		t.Fatal(err)
	}
	return d
}

// orderWith orders a script that uses dependencies.
func (m *master) orderWith(token, script string, list ...providers.Dependency) {
	m.t.Helper()
	m.orderTask(token, anyTask(m.t, map[string]any{"script": script}, func(t *providers.Task) {
		t.Dependencies = list
		t.Outputs = []*spec.Output{{Name: "out", Type: spec.Type(`"string"`)}}
	}))
}

// succeeded is what an attempt wrote as its output.
func (m *master) succeeded(token, want string) {
	m.t.Helper()
	r := m.end(token)
	if r.GetOutcome() != string(record.OutcomeSucceeded) || string(r.GetOutput()) != fmt.Sprintf(`{"out":%q}`, want) {
		m.t.Errorf("%s: %s %s %q, output %s, want %q", token, r.GetOutcome(), r.GetReason(), r.GetMessage(), r.GetOutput(), want)
	}
}

// launchWithCache is launch, and lets the test's directory be removed.
func launchWithCache(t *testing.T, c agent.Config) *process {
	t.Helper()
	t.Cleanup(func() { _ = launcher.RemoveAll(filepath.Join(c.Dir, "deps")) })
	return launch(t, c)
}

func TestDependencies(t *testing.T) {
	m := newMaster(t)
	address, b := depot(t)
	m.bucket = address
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	_ = w.WriteHeader(&tar.Header{Name: "lib/x.jar", Mode: 0o644, Size: 1})
	_, _ = w.Write([]byte("j"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	etl := put(t, b, "etl", map[string]string{"run.sh": "#!/bin/sh\necho out=$(cat \"$(dirname \"$0\")/conf/a\")$1 > \"$LFT_OUTPUT\"\n", "conf/a": "A"})
	lib := put(t, b, "lib", map[string]string{"lib.tar": archive.String()})
	lib.Form = spec.FormArchive
	c := config(t, t.TempDir(), m)
	launchWithCache(t, c)
	m.connected(1)
	m.orderWith("t1", `deps/etl/run.sh $(cat "$LFT_DEP_LIB/lib/x.jar")$(ls deps | tr -d '\n')`, etl, lib)
	m.succeeded("t1", "Ajetllib")
	m.orderWith("t2", `"$LFT_DEP_ETL/run.sh" 2; test ! -e deps/lib`, etl)
	m.succeeded("t2", "A2")
	m.orderWith("t3", `test ! -e deps; env | grep -c LFT_DEP_ | sed s/^/out=/ > "$LFT_OUTPUT"`)
	m.succeeded("t3", "0")

	// What a job does to the files is its own affair.
	m.orderWith("t4", `d=$(readlink deps/etl); chmod -R u+w "$d"; echo B > "$d/conf/a"; echo out=done > "$LFT_OUTPUT"`, etl)
	m.succeeded("t4", "done")
	// Many starts at a time share a look at the cache, so the very next one may be
	// too early to notice.
	begin := time.Now()
	for n := 5; ; n++ {
		token := fmt.Sprint("t", n)
		m.orderWith(token, "deps/etl/run.sh 6", etl)
		if r := m.end(token); string(r.GetOutput()) == `{"out":"A6"}` {
			break
		} else if time.Since(begin) > patience || string(r.GetOutput()) != `{"out":"B6"}` {
			t.Fatalf("%s: %s %q, output %s", token, r.GetOutcome(), r.GetMessage(), r.GetOutput())
		}
	}
}

func TestDependencyThatIsNotThere(t *testing.T) {
	m := newMaster(t)
	address, b := depot(t)
	m.bucket = address
	d := put(t, b, "etl", map[string]string{"a": "A"})
	if err := b.Delete(t.Context(), d.Object); err != nil {
		t.Fatal(err)
	}
	launchWithCache(t, config(t, t.TempDir(), m))
	m.connected(1)
	m.orderWith("t1", "true", d)
	m.orderWith("t2", `echo out=2 > "$LFT_OUTPUT"`)
	m.succeeded("t2", "2") // held up by nobody
	r := m.end("t1")
	if r.GetOutcome() != string(record.OutcomeRejected) || r.GetReason() != string(record.ReasonDependency) || r.GetStartedAt() != 0 {
		t.Errorf("t1: %s %s %q, started at %d", r.GetOutcome(), r.GetReason(), r.GetMessage(), r.GetStartedAt())
	}
}

// An agent that dies while it holds an order knows nothing of it afterwards; it
// is ordered again, and runs once. What runs by then keeps its files.
func TestDeathWhileAnOrderIsHeld(t *testing.T) {
	m := newMaster(t)
	c := config(t, t.TempDir(), m)
	c.DependencyBytes = 40_000
	p := launchWithCache(t, c)
	m.connected(1)
	address, b := depot(t)
	file := strings.Repeat("x", 20_000)
	etl := put(t, b, "etl", map[string]string{"a": file + "1"})
	other := put(t, b, "other", map[string]string{"a": file + "2"})
	marks := filepath.Join(t.TempDir(), "marks")
	script := `echo fork >> ` + marks + `; until [ -e ` + marks + `.go ]; do sleep 0.05; done
		echo out=$(tail -c 1 deps/etl/a) > "$LFT_OUTPUT"`
	m.orderWith("t1", script, etl) // no bucket is known yet
	m.orderWith("t2", `echo out=2 > "$LFT_OUTPUT"`)
	m.succeeded("t2", "2")
	p.kill()
	m.change(func() { m.bucket = address })
	p.start(c)
	for _, s := range m.connected(2).GetReconcile() {
		if s.GetToken() == "t1" {
			t.Error("the agent answers for an order that it never took")
		}
	}
	m.start("t1")
	p.kill()
	p.start(c)
	m.connected(3)
	m.orderWith("t3", "true", other) // does not fit beside what t1 uses
	if r := m.end("t3"); r.GetReason() != string(record.ReasonDependency) {
		t.Errorf("t3: %s %s %q", r.GetOutcome(), r.GetReason(), r.GetMessage())
	}
	if err := os.WriteFile(marks+".go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m.succeeded("t1", "1")
	m.orderWith("t4", `echo out=$(tail -c 1 deps/other/a) > "$LFT_OUTPUT"`, other)
	m.succeeded("t4", "2")
	if text, err := os.ReadFile(marks); err != nil || string(text) != "fork\n" {
		t.Errorf("forks: %q, %v", text, err)
	}
}
