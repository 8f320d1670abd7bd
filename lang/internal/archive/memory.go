package archive

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// memory is a file system by full name; "." is its root.
type memory struct{ nodes map[string]*node }

// node is a file, or a folder with its entries.
type node struct {
	name    string // without its folder
	folder  bool
	data    []byte
	entries []fs.DirEntry
}

func newTree() *memory { return &memory{nodes: map[string]*node{".": {name: ".", folder: true}}} }

// maxDepth bounds the folders around a file.
const maxDepth = 100

// add puts a file at its place and makes the folders around it. Of two files
// with one name the later counts, as it does when an archive is unpacked.
func (m *memory) add(name string, data []byte) error {
	if strings.Count(name, "/") > maxDepth {
		return fmt.Errorf("the name %.100q… has more than %d folders", name, maxDepth)
	}
	if old, ok := m.nodes[name]; ok {
		if old.folder {
			return fmt.Errorf("%q is a file and a folder", name)
		}
		old.data = data
		return nil
	}
	n := &node{name: path.Base(name), data: data}
	m.nodes[name] = n
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		parent, ok := m.nodes[dir]
		if !ok {
			parent = &node{name: path.Base(dir), folder: true}
			m.nodes[dir] = parent
		}
		if !parent.folder {
			return fmt.Errorf("%q is a file and a folder", dir)
		}
		parent.entries = append(parent.entries, n)
		if ok {
			return nil
		}
		n = parent
	}
}

// Open opens a file or a folder.
func (m *memory) Open(name string) (fs.File, error) {
	n, ok := m.nodes[name]
	if !ok || !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if n.folder {
		entries := slices.Clone(n.entries)
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		return &openFolder{node: n, entries: entries}, nil
	}
	return &openFile{node: n, Reader: bytes.NewReader(n.data)}, nil
}

// The node is its own description, as an entry and when it is open.

func (n *node) Name() string               { return n.name }
func (n *node) IsDir() bool                { return n.folder }
func (n *node) Type() fs.FileMode          { return n.Mode().Type() }
func (n *node) Info() (fs.FileInfo, error) { return n, nil }
func (n *node) Size() int64                { return int64(len(n.data)) }
func (n *node) ModTime() time.Time         { return time.Time{} }
func (n *node) Sys() any                   { return nil }

func (n *node) Mode() fs.FileMode {
	if n.folder {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

type openFile struct {
	*node
	*bytes.Reader
}

func (f *openFile) Size() int64                { return f.node.Size() }
func (f *openFile) Stat() (fs.FileInfo, error) { return f.node, nil }
func (f *openFile) Close() error               { return nil }

type openFolder struct {
	*node

	entries []fs.DirEntry
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return f.node, nil }
func (f *openFolder) Close() error               { return nil }

func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrInvalid}
}

// ReadDir gives the next n entries, or all that are left.
func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(f.entries) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(f.entries) {
		n = len(f.entries)
	}
	next := f.entries[:n]
	f.entries = f.entries[n:]
	return next, nil
}
