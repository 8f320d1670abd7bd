package main_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// The rows of the house, highest first. A package imports packages of rows above its own and what lies below
// itself, nothing beside it. A room without rooms of its own in this table owns all folders below it; "providers/*"
// is each provider by itself. What is not in here does not build.
var rows = []string{
	0:  "examples lang/diag lang/dag lang/cron lang/tree engine/api engine/blob engine/lease agent/brain agent/launch",
	1:  "lang/schema lang/spec lang/format engine/auth engine/pack agent/journal agent/keeper agent/logship",
	2:  "lang/expr providers planner engine/record agent/depcache",
	3:  "lang providers/* engine/placement",
	4:  "engine/kernel providers/builtin",
	5:  "engine/preview engine/generate engine/store engine/web engine/master",
	6:  "engine/deploy",
	7:  "engine/server",
	8:  "engine agent",
	9:  "cmd/lft/internal/view engine/sim",
	10: "cmd/lft/internal/cli",
	11: "cmd/lft",
}

// Folders that belong to a room which has other rooms below it.
var annexes = map[string]string{
	"lang/internal/archive":    "lang",
	"lang/internal/eval":       "lang",
	"lang/internal/jsonsyntax": "lang",
}

// Rooms that nobody enters from product code: they import everything and would carry it along.
var dead = []string{"engine/sim"}

// What a room must not reach, however long the way through our own code. Each entry is an import path and all below.
var unreachable = map[string][]string{
	"engine/kernel":  {hcl, cty, "providers"},
	"engine/preview": {hcl, cty, "providers"},
	"agent":          {"engine/store", "engine/kernel"},
	"lang":           {"net"},
}

const (
	hcl = "github.com/hashicorp/hcl"
	cty = "github.com/zclconf/go-cty"
)

// Pure rooms decide; they do not ask the world. Equal input gives equal output.
var pure = strings.Fields("lang/spec lang/cron lang/dag lang/tree lang/expr planner engine/record engine/kernel " +
	"engine/placement engine/preview agent/brain")

// What a pure room must not import: an import path and all below, less the exceptions.
var (
	impure       = strings.Fields("os io net context sync math/rand crypto/rand log database/sql syscall unsafe")
	impureExcept = strings.Fields("io/fs")
	// Names and addresses without a network behind them.
	netExcept = strings.Fields("net/netip net/url")
)

// Functions of package time that read the clock or wait for it.
var clock = strings.Fields("Now Since Until Sleep After AfterFunc Tick NewTimer NewTicker")

// Names that say nothing about what is inside, for packages and for files.
var sayNothing = strings.Fields("base common helper helpers misc model models type types util utils")

const maxLines = 600

func TestLayers(t *testing.T) {
	h, err := readHouse(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(h.files) < 10 {
		t.Fatalf("only %d Go files found: is ../.. the root of the module?", len(h.files))
	}
	for _, fault := range h.faults() {
		t.Error(fault)
	}
}

// TestLayersCatch plants one fault at a time in a small house; a rule that catches nothing is no rule.
func TestLayersCatch(t *testing.T) {
	long := strings.Repeat("// line\n", maxLines)
	for _, tc := range []struct {
		name string
		file string // path, then its source after the package comment
		body string
		want []string
	}{
		{"row above", "engine/kernel/a.go", `package kernel; import _ "lft/engine/record"`, nil},
		{"own folder", "engine/blob/a.go", `package blob; import _ "lft/engine/blob/dirblob"`, nil},
		{"lower row", "engine/record/a.go", `package record; import _ "lft/engine/kernel"`, []string{
			"engine/record (row 2) imports engine/kernel (row 4)",
		}},
		{"same row", "engine/store/a.go", `package store; import _ "lft/engine/master"`, []string{
			"engine/store (row 5) imports engine/master (row 5)",
		}},
		{"one provider imports another", "providers/http/a.go", `package http; import _ "lft/providers/shell"`, []string{
			"providers/http (row 3) imports providers/shell (row 3)",
		}},
		{"a room listed apart is no own folder", "providers/a.go", `package providers; import _ "lft/providers/shell"`, []string{
			"providers (row 2) imports providers/shell (row 3)",
		}},
		{"annex", "lang/internal/eval/a.go", `package eval; import _ "lft/engine/kernel"`, []string{
			"lang/internal/eval (row 3) imports engine/kernel (row 4)",
		}},
		{"test files may look down", "engine/record/a_test.go", `package record_test; import _ "lft/engine/kernel"`, nil},
		{"unknown room", "engine/cache/a.go", `package cache`, []string{
			"engine/cache is in no row: add it to rows in cmd/lft/layers_test.go",
		}},
		{"unknown top folder", "tools/x/a.go", `package x`, []string{
			"tools/x is in no row: add it to rows in cmd/lft/layers_test.go",
		}},
		{"unknown room, tests alone", "engine/cache/a_test.go", `package cache`, []string{
			"engine/cache is in no row: add it to rows in cmd/lft/layers_test.go",
		}},
		{"exam in product code", "engine/server/a.go", `package server; import _ "lft/engine/store/storetest"`, []string{
			"engine/server imports engine/store/storetest, which is for tests",
		}},
		{"exam in tests", "engine/server/a_test.go", `package server; import _ "lft/engine/store/storetest"`, nil},
		{"a name that only ends like an exam", "engine/store/latest/a.go", `package latest; import _ "lft/engine/record"`, nil},
		{"exam of a room with rooms below", "agent/agenttest/a.go", `package agenttest; import _ "lft/engine/server"`, nil},
		{"simulator in product code", "cmd/lft/internal/cli/a.go", `package cli; import _ "lft/engine/sim"`, []string{
			"cmd/lft/internal/cli imports engine/sim, which nobody may",
		}},
		{"kernel reaches hcl by a detour", "engine/placement/a.go", `package placement; import _ "lft/lang/expr"`, []string{
			"engine/kernel reaches github.com/hashicorp/hcl/v2: engine/kernel → engine/placement → lang/expr",
			"engine/preview reaches github.com/hashicorp/hcl/v2: engine/preview → engine/kernel → engine/placement → lang/expr",
		}},
		{"preview reaches providers", "engine/preview/a.go", `package preview; import _ "lft/providers/shell"`, []string{
			"engine/preview reaches providers/shell: engine/preview",
			"engine/preview reaches providers: engine/preview → providers/shell",
		}},
		{"agent reaches the kernel", "agent/a.go", `package agent; import _ "lft/engine/kernel"`, []string{
			"agent reaches engine/kernel: agent",
		}},
		{"lang reaches net", "lang/diag/a.go", `package diag; import _ "net/http"`, []string{
			"lang reaches net/http: lang → lang/diag",
		}},
		{"lang computes with addresses", "lang/diag/a.go", `package diag; import _ "net/netip"`, nil},
		{"os in a pure room", "engine/kernel/a.go", `package kernel; import _ "os/exec"`, []string{
			"engine/kernel/a.go: a pure room imports os/exec",
		}},
		{"io in a pure room", "lang/tree/a.go", `package tree; import (_ "io"; _ "io/fs")`, []string{
			"lang/tree/a.go: a pure room imports io",
		}},
		{"more in a pure room", "planner/a.go", `package planner; import (_ "context"; _ "crypto/rand"; _ "database/sql"; _ "log/slog"; _ "math/rand/v2"; _ "net"; _ "sync/atomic")`, []string{
			"planner/a.go: a pure room imports context",
			"planner/a.go: a pure room imports crypto/rand",
			"planner/a.go: a pure room imports database/sql",
			"planner/a.go: a pure room imports log/slog",
			"planner/a.go: a pure room imports math/rand/v2",
			"planner/a.go: a pure room imports net",
			"planner/a.go: a pure room imports sync/atomic",
		}},
		{"a folder of a pure room is pure", "engine/kernel/queue/a.go", `package queue; import _ "sync"`, []string{
			"engine/kernel/queue/a.go: a pure room imports sync",
		}},
		{"tests of a pure room may", "engine/kernel/a_test.go", `package kernel; import _ "os"; import "time"; var _ = time.Now`, nil},
		{"the clock, called", "agent/brain/a.go", `package brain; import "time"; func f() time.Time { return time.Now() }`, []string{
			"agent/brain/a.go: a pure room uses time.Now; time is an argument",
		}},
		{"the clock, renamed and as a value", "agent/brain/a.go", `package brain; import t "time"; var wait = t.After`, []string{
			"agent/brain/a.go: a pure room uses time.After; time is an argument",
		}},
		{"times without a clock", "agent/brain/a.go", `package brain; import "time"; type c struct{ Now int }; func f(c c) (int, time.Duration) { return c.Now, time.Second }`, nil},
		{"the clock in a shell", "engine/master/a.go", `package master; import "time"; var now = time.Now`, nil},
		{"too long", "engine/web/a.go", "package web\n" + long, []string{
			"engine/web/a.go: 603 lines, more than 600",
		}},
		{"generated may be long", "engine/api/lft/v1/a.pb.go", "package lftv1\n" + long, nil},
		{"package name", "engine/store/util/a.go", `package util`, []string{
			"engine/store/util: package name util says nothing",
		}},
		{"package name other than the folder's", "engine/store/x/a.go", `package common`, []string{
			"engine/store/x: package name common says nothing",
		}},
		{"file name", "engine/store/helpers_test.go", `package store`, []string{
			"engine/store/helpers_test.go: file name helpers says nothing",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			house := plainHouse()
			comment := "// Package x is one of the planted ones.\n// It promises nothing.\n"
			if strings.HasSuffix(tc.file, ".pb.go") {
				comment = "// Code generated by hand. DO NOT EDIT.\n\n"
			}
			house[tc.file] = source(comment + tc.body)
			if diff := cmp.Diff(tc.want, faultsIn(t, house)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPackageCommentIsAsked(t *testing.T) {
	for _, tc := range []struct {
		name, source string
		want         []string
	}{
		{"none", "package web", []string{"engine/web has no package comment of two lines or more"}},
		{"one line", "// Package web shows.\npackage web", []string{"engine/web has no package comment of two lines or more"}},
		{"detached", "// Package web shows.\n// It reads.\n\npackage web", []string{"engine/web has no package comment of two lines or more"}},
		{"two lines", "// Package web shows.\n// It reads.\npackage web", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			house := plainHouse()
			house["engine/web/web.go"] = source(tc.source)
			// A comment in a test file tells no reader of the package anything.
			house["engine/web/web_test.go"] = source("// Package web shows.\n// It reads.\npackage web")
			if diff := cmp.Diff(tc.want, faultsIn(t, house)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// plainHouse is a house without fault, with one package in most rooms that the planted ones touch.
func plainHouse() fstest.MapFS {
	house := fstest.MapFS{}
	for _, p := range []struct{ path, imports string }{
		{"lang/diag", ""},
		{"lang/expr", `"lft/lang/diag"; _ "github.com/hashicorp/hcl/v2"`},
		{"lang/tree", `"io/fs"`},
		{"lang", `"lft/lang/diag"; _ "lft/lang/expr"; _ "lft/lang/internal/eval"`},
		{"lang/internal/eval", `"github.com/zclconf/go-cty/cty"`},
		{"providers", ""},
		{"providers/shell", `"lft/providers"`},
		{"providers/builtin", `"lft/providers/shell"`},
		{"engine/record", ""},
		{"engine/placement", `"lft/engine/record"`},
		{"engine/kernel", `"lft/engine/placement"`},
		{"engine/preview", `"lft/engine/kernel"`},
		{"engine/store", ""},
		{"engine/store/storetest", `"lft/engine/store/storetest/x"`},
		{"engine/store/storetest/x", ""},
		{"engine/master", `"lft/engine/kernel"`},
		{"engine/sim", `"lft/engine/master"; _ "lft/engine/store/storetest"`},
		{"agent", `"lft/providers/builtin"`},
		{"cmd/lft", `"lft/agent"`},
	} {
		text := fmt.Sprintf("// Package %s is a plain one.\n// It has no fault.\npackage %[1]s\n", path.Base(p.path))
		if p.imports != "" {
			text += fmt.Sprintf("import (_ %s)\n", p.imports)
		}
		house[p.path+"/plain.go"] = source(text)
	}
	return house
}

func source(text string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, `"lft/`, `"`+module+`/`))}
}

func faultsIn(t *testing.T, root fs.FS) []string {
	t.Helper()
	h, err := readHouse(root)
	if err != nil {
		t.Fatal(err)
	}
	return h.faults()
}

func TestRowsNameEachRoomOnce(t *testing.T) {
	var rooms []string
	for _, row := range rows {
		rooms = append(rooms, strings.Fields(row)...)
	}
	slices.Sort(rooms)
	if unique := slices.Compact(slices.Clone(rooms)); !slices.Equal(unique, rooms) {
		t.Errorf("a room stands in two rows: %v", rooms)
	}
	for _, room := range slices.Concat(pure, dead) {
		if !slices.Contains(rooms, room) {
			t.Errorf("%s has rules but no row", room)
		}
	}
	for room := range unreachable {
		if !slices.Contains(rooms, room) {
			t.Errorf("%s has rules but no row", room)
		}
	}
}
