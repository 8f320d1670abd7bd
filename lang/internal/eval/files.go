package eval

import (
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/leifengta/lft/lang/format"
)

// Bounds of what functions look at.
const (
	maxHashed  = 256 << 20 // bytes of a file that is only hashed
	maxFileset = 10_000    // files of one fileset
	maxVisited = 200_000   // names looked at for one fileset
)

// files are the functions that look at files. What was read is kept: files do
// not change while a folder is loaded.
type files struct {
	fsys   fs.FS
	data   map[string]string
	hashes map[string]string

	text, base64, exists, set function.Function
}

func newFiles(fsys fs.FS) *files {
	f := &files{fsys: fsys, data: map[string]string{}, hashes: map[string]string{}}
	f.text = f.function("The text of a file.", cty.String, f.content)
	f.base64 = f.function("The bytes of a file in base64.", cty.String, func(name string) (cty.Value, error) {
		data, err := f.read(name)
		return cty.StringVal(base64.StdEncoding.EncodeToString([]byte(data))), err
	})
	f.exists = f.function("Whether there is such a file.", cty.Bool, f.isFile)
	f.set = f.fileset()
	return f
}

// function makes a function of a path in the folder.
func (f *files) function(description string, ty cty.Type, read func(name string) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		Description: description,
		Params:      []function.Parameter{{Name: "path", Type: cty.String, Description: "Relative to the folder."}},
		Type:        function.StaticReturnType(ty),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, err := f.inside(args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			return read(name)
		},
	})
}

// inside checks a path; modules outside of the folder are known to the file
// system that holds them too.
func (f *files) inside(name string) (string, error) {
	clean := path.Clean(name)
	if wider, ok := f.fsys.(interface{ Holds(name string) bool }); ok && wider.Holds(clean) {
		return clean, nil
	}
	if !fs.ValidPath(clean) {
		return "", fmt.Errorf("%q is not a path inside the folder: paths are relative to it, without \"..\"", name)
	}
	return clean, nil
}

func (f *files) content(name string) (cty.Value, error) {
	data, err := f.read(name)
	if err != nil {
		return cty.NilVal, err
	}
	if !utf8.ValidString(data) {
		return cty.NilVal, fmt.Errorf("file %q is not UTF-8 text; filebase64 reads any file", name)
	}
	return cty.StringVal(data), nil
}

func (f *files) read(name string) (string, error) {
	if data, ok := f.data[name]; ok {
		return data, nil
	}
	if err := f.regular(name, format.MaxFile); err != nil {
		return "", err
	}
	data, err := fs.ReadFile(f.fsys, name)
	if err != nil {
		return "", fmt.Errorf("file %q: %w", name, err)
	}
	if len(data) > format.MaxFile { // it has grown
		return "", tooLong(name, int64(len(data)), format.MaxFile)
	}
	f.data[name] = string(data)
	return f.data[name], nil
}

// regular refuses what is no file of at most limit bytes.
func (f *files) regular(name string, limit int64) error {
	info, err := fs.Stat(f.fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no file %q", name)
	case err != nil:
		return fmt.Errorf("file %q: %w", name, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%q is not a file", name)
	case info.Size() > limit:
		return tooLong(name, info.Size(), limit)
	}
	return nil
}

func tooLong(name string, size, limit int64) error {
	return fmt.Errorf("file %q has %d bytes, more than %d", name, size, limit)
}

// bound is the size of the file times a factor; read refuses what is larger than
// format.MaxFile.
func (f *files) bound(factor int) func([]cty.Value, int) (int, error) {
	return func(args []cty.Value, _ int) (int, error) {
		name := path.Clean(args[0].AsString())
		if data, ok := f.data[name]; ok {
			return factor*len(data) + 8, nil
		}
		info, err := fs.Stat(f.fsys, name)
		if err != nil {
			return 0, nil //nolint:nilerr // the function itself says what is wrong
		}
		return factor*int(min(info.Size(), format.MaxFile)) + 8, nil
	}
}

func (f *files) isFile(name string) (cty.Value, error) {
	info, err := fs.Stat(f.fsys, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cty.NilVal, fmt.Errorf("file %q: %w", name, err)
	}
	if err == nil && !info.Mode().IsRegular() {
		return cty.NilVal, fmt.Errorf("%q is there, but it is not a file", name)
	}
	return cty.BoolVal(err == nil), nil
}

// hash makes a function that hashes a file of any kind without keeping it.
func (f *files) hash(algorithm, encoding string, start func() hash.Hash, encode func([]byte) string) function.Function {
	description := fmt.Sprintf("The %s of a file in %s.", algorithm, encoding)
	return f.function(description, cty.String, func(name string) (cty.Value, error) {
		key := algorithm + encoding + ":" + name
		if sum, ok := f.hashes[key]; ok {
			return cty.StringVal(sum), nil
		}
		if err := f.regular(name, maxHashed); err != nil {
			return cty.NilVal, err
		}
		file, err := f.fsys.Open(name)
		if err != nil {
			return cty.NilVal, fmt.Errorf("file %q: %w", name, err)
		}
		defer file.Close() //nolint:errcheck // it was only read
		h := start()
		if n, err := io.Copy(h, io.LimitReader(file, maxHashed+1)); err != nil || n > maxHashed {
			return cty.NilVal, fmt.Errorf("file %q: it could not be read, or it grew beyond %d bytes: %w", name, maxHashed, err)
		}
		f.hashes[key] = encode(h.Sum(nil))
		return cty.StringVal(f.hashes[key]), nil
	})
}

// hashBound pays for the reading of many files; it is spent again for each call.
func hashBound([]cty.Value, int) (int, error) { return 16 << 10, nil }

func (f *files) fileset() function.Function {
	return function.New(&function.Spec{
		Description: "The files below a folder whose path matches a pattern with *, **, ?, [a-z] and {a,b}.",
		Params: []function.Parameter{
			{Name: "path", Type: cty.String, Description: "A folder, relative to this one."}, {Name: "pattern", Type: cty.String},
		},
		Type: function.StaticReturnType(cty.Set(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, err := f.inside(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			names, err := f.match(name, args[1].AsString())
			if err != nil || len(names) == 0 {
				return cty.SetValEmpty(cty.String), err
			}
			return cty.SetVal(names), nil
		},
	})
}

func (f *files) match(folder, pattern string) ([]cty.Value, error) {
	if len(pattern) > maxRegexp || !doublestar.ValidatePattern(pattern) {
		return nil, function.NewArgErrorf(1, "%.60q is no pattern such as **/*.sql", pattern)
	}
	var names []cty.Value
	visited := 0
	err := fs.WalkDir(f.fsys, folder, func(name string, entry fs.DirEntry, err error) error {
		if visited++; visited > maxVisited {
			return fmt.Errorf("%q holds more than %d names", folder, maxVisited)
		}
		if err != nil || !entry.Type().IsRegular() || name == folder {
			return err
		}
		below := name
		if folder != "." {
			below = name[len(folder)+1:]
		}
		if ok, err := doublestar.Match(pattern, below); !ok {
			return err
		}
		if names = append(names, cty.StringVal(below)); len(names) > maxFileset {
			return fmt.Errorf("more than %d files match %q", maxFileset, pattern)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return names, err
}

// filesetBound pays for the names and for hashing them.
func filesetBound([]cty.Value, int) (int, error) { return 1 << 20, nil }
