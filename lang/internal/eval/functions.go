package eval

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/format"
)

// Functions returns the functions of config time: those of run time, regular
// expressions, and files of the folder. The set remembers files it has read and
// is for one goroutine.
func Functions(fsys fs.FS) expr.Functions {
	functions := maps.Clone(expr.RunTimeFunctions())
	files := &files{fsys: fsys, text: map[string]string{}}
	maps.Copy(functions, expr.Functions{
		"csvdecode":  {Impl: stdlib.CSVDecodeFunc, Bound: csvBound},
		"file":       {Impl: files.function(cty.String, files.content), Bound: files.bound},
		"fileexists": {Impl: files.function(cty.Bool, files.exists)},
		"regex":      {Impl: stdlib.RegexFunc, Bound: regexBound},
		"regexall":   {Impl: stdlib.RegexAllFunc, Bound: regexBound},
		"replace":    {Impl: replace, Bound: replaceBound},
		"setproduct": {Impl: stdlib.SetProductFunc, Bound: productBound},
	})
	return functions
}

type files struct {
	fsys fs.FS
	text map[string]string
}

func (f *files) function(ty cty.Type, read func(name string) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(ty),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := path.Clean(args[0].AsString())
			if !fs.ValidPath(name) {
				return cty.NilVal, fmt.Errorf("%q is not a path inside the folder: paths are relative to it, without \"..\"", args[0].AsString())
			}
			return read(name)
		},
	})
}

func (f *files) content(name string) (cty.Value, error) {
	if text, ok := f.text[name]; ok {
		return cty.StringVal(text), nil
	}
	info, err := fs.Stat(f.fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return cty.NilVal, fmt.Errorf("there is no file %q", name)
	case err != nil:
		return cty.NilVal, fmt.Errorf("file %q: %w", name, err)
	case !info.Mode().IsRegular():
		return cty.NilVal, fmt.Errorf("%q is not a file", name)
	case info.Size() > format.MaxFile:
		return cty.NilVal, fmt.Errorf("file %q has %d bytes, more than %d", name, info.Size(), format.MaxFile)
	}
	data, err := fs.ReadFile(f.fsys, name)
	if err != nil {
		return cty.NilVal, fmt.Errorf("file %q: %w", name, err)
	}
	if !utf8.Valid(data) {
		return cty.NilVal, fmt.Errorf("file %q is not UTF-8 text", name)
	}
	f.text[name] = string(data)
	return cty.StringVal(string(data)), nil
}

// bound is the size of the file; content refuses what is larger than format.MaxFile.
func (f *files) bound(args []cty.Value, _ int) (int, error) {
	name := path.Clean(args[0].AsString())
	if text, ok := f.text[name]; ok {
		return len(text) + 8, nil
	}
	info, err := fs.Stat(f.fsys, name)
	if err != nil {
		return 0, nil //nolint:nilerr // the function itself says what is wrong
	}
	return int(min(info.Size(), format.MaxFile)) + 8, nil
}

func (f *files) exists(name string) (cty.Value, error) {
	info, err := fs.Stat(f.fsys, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cty.NilVal, fmt.Errorf("file %q: %w", name, err)
	}
	return cty.BoolVal(err == nil && info.Mode().IsRegular()), nil
}

// replace is Terraform's: a searched text in slashes is a regular expression.
var replace = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "str", Type: cty.String}, {Name: "substr", Type: cty.String}, {Name: "replace", Type: cty.String}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		s, old, replacement := args[0].AsString(), args[1].AsString(), args[2].AsString()
		if !isRegexp(old) {
			return cty.StringVal(strings.ReplaceAll(s, old, replacement)), nil
		}
		re, err := regexp.Compile(old[1 : len(old)-1])
		if err != nil {
			return cty.NilVal, function.NewArgError(1, err)
		}
		return cty.StringVal(re.ReplaceAllString(s, replacement)), nil
	},
})

func isRegexp(old string) bool { return len(old) > 1 && old[0] == '/' && old[len(old)-1] == '/' }

func replaceBound(args []cty.Value, size int) (int, error) {
	s, old, replacement := args[0].AsString(), args[1].AsString(), args[2].AsString()
	if !isRegexp(old) {
		return len(s) + 8 + strings.Count(s, old)*max(0, len(replacement)-len(old)), nil
	}
	if len(old) > maxRegexp {
		return 0, fmt.Errorf("the regular expression is longer than %d bytes", maxRegexp)
	}
	// Each match may insert the whole text by a group, as often as it is named.
	groups := 1 + strings.Count(replacement, "$")
	matches := len(s) + 1
	if !strings.Contains(replacement, "$") {
		return len(s) + 8 + matches*len(replacement), nil
	}
	return size + 8 + matches*len(replacement) + groups*len(s), nil
}

// maxRegexp keeps what a regular expression compiles to small.
const maxRegexp = 1000

func regexBound(args []cty.Value, _ int) (int, error) {
	pattern, s := args[0].AsString(), args[1].AsString()
	if len(pattern) > maxRegexp {
		return 0, fmt.Errorf("the regular expression is longer than %d bytes", maxRegexp)
	}
	groups := 1 + strings.Count(pattern, "(")
	return (len(s)+1)*(len(pattern)+8*groups) + groups*len(s) + 16, nil
}

func csvBound(args []cty.Value, _ int) (int, error) {
	s := args[0].AsString()
	header, _, _ := strings.Cut(s, "\n")
	rows, fields := 1+strings.Count(s, "\n"), strings.Count(s, ",")+strings.Count(s, "\n")
	return len(s) + rows*(len(header)+8) + fields*8, nil
}

func productBound(args []cty.Value, size int) (int, error) {
	tuples := 1
	for _, arg := range args {
		if tuples *= max(1, arg.LengthInt()); tuples > MaxForEach*100 {
			return 0, errors.New("it would make more than a million tuples")
		}
	}
	bound := tuples * 16
	for _, arg := range args {
		if n := arg.LengthInt(); n > 0 {
			bound += expr.Size(arg, size) * (tuples / n)
		}
	}
	return bound, nil
}
