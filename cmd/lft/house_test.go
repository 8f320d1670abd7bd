package main_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/leifengta/lft"

// house is what the rules of layers_test.go look at: every Go file of the module, whatever its build tags.
type house struct {
	files []file // in order of their paths
}

type file struct {
	dir       string // folder below the root of the module, which is also the package's name here
	base      string
	pkg       string   // the package clause
	imports   []string // our own packages without the module's path
	clock     []string // functions of package time that read the clock
	comment   int      // lines of the package comment
	lines     int
	test      bool
	generated bool
}

func (f file) path() string { return path.Join(f.dir, f.base) }

// room says which entry of rows a package belongs to, and the row; -1 when to none.
func room(dir string) (string, int) {
	if exam(dir) {
		// It belongs to what it examines, also where that has other rooms below it.
		return room(path.Dir(dir))
	}
	if owner, ok := annexes[dir]; ok {
		return room(owner)
	}
	for at := dir; at != "."; at = path.Dir(at) {
		// Above a room with other rooms below it, only the room itself.
		if name, row := listed(at); row >= 0 && (at == dir || !container(name)) {
			return name, row
		}
	}
	return "", -1
}

func listed(dir string) (string, int) {
	for row, names := range rows {
		if slices.Contains(strings.Fields(names), dir) {
			return dir, row
		}
	}
	for row, names := range rows {
		for pattern := range strings.FieldsSeq(names) {
			if parent, ok := strings.CutSuffix(pattern, "/*"); ok && path.Dir(dir) == parent {
				return dir, row
			}
		}
	}
	return "", -1
}

func container(room string) bool {
	for _, names := range rows {
		for name := range strings.FieldsSeq(names) {
			if strings.HasPrefix(name, room+"/") {
				return true
			}
		}
	}
	return false
}

// exam tells packages that exist for tests, and what lies below them: store/storetest, providers/providertest.
func exam(dir string) bool {
	for ; dir != "."; dir = path.Dir(dir) {
		subject, ok := strings.CutSuffix(path.Base(dir), "test")
		if ok && subject != "" && strings.HasPrefix(path.Base(path.Dir(dir)), subject) {
			return true
		}
	}
	return false
}

// under is true for one of the import paths and all below it.
func under(importPath string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return importPath == root || strings.HasPrefix(importPath, root+"/")
	})
}

func isPure(dir string) bool {
	name, row := room(dir)
	return row >= 0 && slices.Contains(pure, name) && !exam(dir)
}

func readHouse(root fs.FS) (house, error) {
	var h house
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := name != "." && strings.ContainsAny(entry.Name()[:1], "._")
		if entry.IsDir() && (hidden || entry.Name() == "testdata") {
			return fs.SkipDir
		}
		if entry.IsDir() || hidden || path.Ext(name) != ".go" {
			return nil
		}
		f, err := readFile(root, name)
		h.files = append(h.files, f)
		return err
	})
	return h, err
}

func readFile(root fs.FS, name string) (file, error) {
	src, err := fs.ReadFile(root, name)
	if err != nil {
		return file{}, err
	}
	f := file{
		dir:   path.Dir(name),
		base:  path.Base(name),
		lines: bytes.Count(src, []byte("\n")),
		test:  strings.HasSuffix(name, "_test.go"),
	}
	mode := parser.ImportsOnly
	if isPure(f.dir) && !f.test {
		mode = parser.SkipObjectResolution
	}
	tree, err := parser.ParseFile(token.NewFileSet(), name, src, mode|parser.ParseComments)
	if err != nil {
		return file{}, err
	}
	f.pkg = tree.Name.Name
	f.generated = ast.IsGenerated(tree)
	if tree.Doc != nil {
		f.comment = strings.Count(tree.Doc.Text(), "\n")
	}
	for _, spec := range tree.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports = append(f.imports, strings.TrimPrefix(importPath, module+"/"))
	}
	f.clock = clockUses(tree)
	return f, nil
}

// clockUses finds uses, not only calls: a stored time.Now is the same leak.
func clockUses(tree *ast.File) []string {
	local := ""
	for _, spec := range tree.Imports {
		if spec.Path.Value == `"time"` {
			local = "time"
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	var uses []string
	ast.Inspect(tree, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if of, ok := selector.X.(*ast.Ident); ok && local != "" && of.Name == local && slices.Contains(clock, selector.Sel.Name) {
			uses = append(uses, selector.Sel.Name)
		}
		return true
	})
	return uses
}

// faults applies every rule; each fault names its place and what is wrong, once.
func (h house) faults() []string {
	found := slices.Concat(h.unknownRooms(), h.wrongRows(), h.reached(), h.impurities(), h.comments(), h.shapes())
	slices.Sort(found)
	return slices.Compact(found)
}

func (h house) unknownRooms() (faults []string) {
	for _, f := range h.files {
		if _, row := room(f.dir); row < 0 {
			faults = append(faults, fmt.Sprintf("%s is in no row: add it to rows in cmd/lft/layers_test.go", f.dir))
		}
	}
	return faults
}

func (h house) wrongRows() (faults []string) {
	for _, f := range h.files {
		from, fromRow := room(f.dir)
		if f.test || fromRow < 0 {
			continue
		}
		for _, imported := range f.imports {
			to, toRow := room(imported)
			switch {
			case toRow < 0 || from == to && !exam(imported):
				continue
			case slices.Contains(dead, to):
				faults = append(faults, fmt.Sprintf("%s imports %s, which nobody may", f.dir, imported))
			case exam(imported) && !exam(f.dir) && !slices.Contains(dead, from):
				faults = append(faults, fmt.Sprintf("%s imports %s, which is for tests", f.dir, imported))
			case from != to && toRow >= fromRow:
				faults = append(faults, fmt.Sprintf("%s (row %d) imports %s (row %d)", f.dir, fromRow, imported, toRow))
			}
		}
	}
	return faults
}

// reached walks our own code from each room with a deny-list, breadth first, so that the way shown is a shortest one.
func (h house) reached() (faults []string) {
	imports := map[string][]string{}
	for _, f := range h.files {
		if !f.test {
			imports[f.dir] = append(imports[f.dir], f.imports...)
		}
	}
	for _, start := range slices.Sorted(maps.Keys(imports)) {
		name, _ := room(start)
		denied := unreachable[name]
		if len(denied) == 0 || exam(start) {
			continue
		}
		way := map[string]string{start: start}
		for queue := []string{start}; len(queue) > 0; queue = queue[1:] {
			at := queue[0]
			for _, next := range slices.Sorted(slices.Values(imports[at])) {
				if way[next] != "" {
					continue
				}
				way[next] = way[at] + " → " + next
				if under(next, denied...) && !under(next, netExcept...) {
					faults = append(faults, fmt.Sprintf("%s reaches %s: %s", start, next, way[at]))
				}
				queue = append(queue, next)
			}
		}
	}
	return faults
}

func (h house) impurities() (faults []string) {
	for _, f := range h.files {
		if f.test || !isPure(f.dir) {
			continue
		}
		for _, imported := range f.imports {
			if under(imported, impure...) && !under(imported, impureExcept...) && !under(imported, netExcept...) {
				faults = append(faults, fmt.Sprintf("%s: a pure room imports %s", f.path(), imported))
			}
		}
		for _, use := range f.clock {
			faults = append(faults, fmt.Sprintf("%s: a pure room uses time.%s; time is an argument", f.path(), use))
		}
	}
	return faults
}

func (h house) comments() (faults []string) {
	longest := map[string]int{}
	for _, f := range h.files {
		if !f.test && !f.generated {
			longest[f.dir] = max(longest[f.dir], f.comment)
		}
	}
	for dir, lines := range longest {
		if lines < 2 {
			faults = append(faults, fmt.Sprintf("%s has no package comment of two lines or more", dir))
		}
	}
	return faults
}

func (h house) shapes() (faults []string) {
	for _, f := range h.files {
		if f.generated {
			continue
		}
		if f.lines > maxLines {
			faults = append(faults, fmt.Sprintf("%s: %d lines, more than %d", f.path(), f.lines, maxLines))
		}
		if name := strings.TrimSuffix(f.pkg, "_test"); slices.Contains(sayNothing, name) {
			faults = append(faults, fmt.Sprintf("%s: package name %s says nothing", f.dir, name))
		}
		name := strings.TrimSuffix(strings.TrimSuffix(f.base, ".go"), "_test")
		if slices.Contains(sayNothing, name) {
			faults = append(faults, fmt.Sprintf("%s: file name %s says nothing", f.path(), name))
		}
	}
	return faults
}
