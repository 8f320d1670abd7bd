package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScript plays what a person types in testdata/script, each script in a folder of its own.
func TestScript(t *testing.T) {
	scripts(t, "testdata/script", nil)
}

// TestScriptOnMariaDB does the same with servers and agents on one shared state, which is a script's own.
func TestScriptOnMariaDB(t *testing.T) {
	files, err := filepath.Glob("testdata/mariadb/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	states := map[string]string{}
	for _, file := range files {
		states["script-"+strings.TrimSuffix(filepath.Base(file), ".txtar")] = newDatabase(t)
	}
	scripts(t, "testdata/mariadb", states)
}

// scripts plays the scripts of a folder; states are by the name of a script's folder.
func scripts(t *testing.T, dir string, states map[string]string) {
	t.Helper()
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, "EXAMPLES="+examples, "NO_COLOR=1", "USER=ann", "STATE="+states[filepath.Base(env.WorkDir)])
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": await,
			"code":  code,
			"post":  post,
			"query": query,
		},
	})
}

// awaitIn bounds what a script waits for; nothing in one takes as long.
const awaitIn = 30 * time.Second

// await [-text TEXT] PROGRAM ARGS… repeats a program until it succeeds and its output holds the text.
func await(ts *testscript.TestScript, neg bool, args []string) {
	text := ""
	if len(args) > 2 && args[0] == "-text" {
		text, args = args[1], args[2:]
	}
	if neg || len(args) == 0 {
		ts.Fatalf("usage: await [-text TEXT] PROGRAM [ARGS…]")
	}
	for deadline := time.Now().Add(awaitIn); ; time.Sleep(20 * time.Millisecond) {
		err := ts.Exec(args[0], args[1:]...)
		if err == nil && strings.Contains(ts.ReadFile("stdout"), text) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%v; it did not happen within %s", err, awaitIn)
		}
	}
}

// code CODE PROGRAM ARGS… runs a program and compares its exit code.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code CODE PROGRAM [ARGS…]")
	}
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.String()[len("exit status "):]
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// post SERVICE/RPC JSON FILE asks the acting master as curl does, and writes the answer into a file.
func post(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: post SERVICE/RPC JSON FILE")
	}
	ts.Check(ts.Exec("lft", "master", "-json"))
	var master struct{ Leader string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &master))
	res, err := http.Post(master.Leader+"/lft.v1."+args[0], "application/json", strings.NewReader(args[1]))
	ts.Check(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ts.Check(err)
	var indented bytes.Buffer
	ts.Check(json.Indent(&indented, body, "", "  "))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), append(indented.Bytes(), '\n'), 0o666))
}

// query PATH VALUE takes one value out of the JSON on stdout and compares it. A path is like 0.jobs.2.name; len is the
// length of a list. The value is JSON.
func query(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: query PATH VALUE")
	}
	var at any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &at))
	for step := range strings.SplitSeq(args[0], ".") {
		switch v := at.(type) {
		case map[string]any:
			member, ok := v[step]
			if !ok {
				ts.Fatalf("%s: there is no %s", args[0], step)
			}
			at = member
		case []any:
			var i int
			if step == "len" {
				at = len(v)
				continue
			}
			if err := json.Unmarshal([]byte(step), &i); err != nil || i >= len(v) {
				ts.Fatalf("%s: no %s in a list of %d", args[0], step, len(v))
			}
			at = v[i]
		default:
			ts.Fatalf("%s: %s of %v", args[0], step, at)
		}
	}
	got, err := json.Marshal(at)
	ts.Check(err)
	if (string(got) == args[1]) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}
