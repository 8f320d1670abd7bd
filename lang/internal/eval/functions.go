package eval

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"strings"

	yaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/leifengta/lft/lang/expr"
)

// Functions returns the functions of config time: those of run time, regular
// expressions, encodings, templates, and files of the folder. The set remembers
// files it has read and is for one goroutine.
func Functions(fsys fs.FS) expr.Functions {
	functions := maps.Clone(expr.RunTimeFunctions())
	files := newFiles(fsys)
	maps.Copy(functions, expr.Functions{
		"base64gunzip":     {Impl: base64Gunzip, Bound: gunzipBound},
		"base64gzip":       {Impl: base64Gzip, Bound: gzipBound},
		"csvdecode":        {Impl: stdlib.CSVDecodeFunc, Bound: csvBound},
		"file":             {Impl: files.text, Bound: files.bound(1)},
		"filebase64":       {Impl: files.base64, Bound: files.bound(2)},
		"filebase64sha256": {Impl: files.hash("SHA-256", "base64", sha256.New, base64.StdEncoding.EncodeToString), Bound: hashBound},
		"filebase64sha512": {Impl: files.hash("SHA-512", "base64", sha512.New, base64.StdEncoding.EncodeToString), Bound: hashBound},
		"fileexists":       {Impl: files.exists},
		"filemd5":          {Impl: files.hash("MD5", "hexadecimal", md5.New, hex.EncodeToString), Bound: hashBound},
		"fileset":          {Impl: files.set, Bound: filesetBound},
		"filesha1":         {Impl: files.hash("SHA-1", "hexadecimal", sha1.New, hex.EncodeToString), Bound: hashBound},
		"filesha256":       {Impl: files.hash("SHA-256", "hexadecimal", sha256.New, hex.EncodeToString), Bound: hashBound},
		"filesha512":       {Impl: files.hash("SHA-512", "hexadecimal", sha512.New, hex.EncodeToString), Bound: hashBound},
		"issensitive":      expr.IsSensitiveFunction(),
		"range":            {Impl: stdlib.RangeFunc, Bound: rangeBound},
		"regex":            {Impl: stdlib.RegexFunc, Bound: regexBound},
		"regexall":         {Impl: regexAll, Bound: regexBound},
		"replace":          {Impl: replace, Bound: replaceBound},
		"setproduct":       {Impl: stdlib.SetProductFunc, Bound: productBound},
		"textdecodebase64": {Impl: textDecodeBase64, Bound: codedBound},
		"textencodebase64": {Impl: textEncodeBase64, Bound: codedBound},
		"yamldecode":       {Impl: yaml.YAMLDecodeFunc, Bound: yamlBound},
		"yamlencode":       {Impl: yaml.YAMLEncodeFunc, Bound: yamlEncodeBound},
	})
	templates := newTemplates(files, functions)
	functions["templatefile"] = expr.Function{Impl: templates.file, Bound: templates.bound}
	functions["templatestring"] = expr.Function{Impl: templates.string, Bound: templates.bound}
	return functions
}

// replace is Terraform's: a searched text in slashes is a regular expression.
var replace = function.New(&function.Spec{
	Description: "A text with each occurrence of a part replaced. A part in slashes, such as /a+/, is a regular expression, which only config time has.",
	Params:      []function.Parameter{{Name: "str", Type: cty.String}, {Name: "substr", Type: cty.String}, {Name: "replace", Type: cty.String}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		s, old, replacement := args[0].AsString(), args[1].AsString(), args[2].AsString()
		if !isRegexp(old) {
			return cty.StringVal(strings.ReplaceAll(s, old, replacement)), nil
		}
		p, err := compilePattern(old[1 : len(old)-1])
		if err != nil {
			return cty.NilVal, function.NewArgError(1, err)
		}
		replaced, err := p.replaceAll(s, replacement)
		if err != nil {
			return cty.NilVal, err
		}
		return cty.StringVal(replaced), nil
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

// rangeBound pays for the numbers that cty makes on the way to each element; it
// ends a range after 1024.
func rangeBound(args []cty.Value, _ int) (int, error) {
	limits := [3]float64{0, 0, 1} // start, end, step
	for i, arg := range args[:min(3, len(args))] {
		limits[i], _ = arg.AsBigFloat().Float64()
	}
	if len(args) == 1 {
		limits[0], limits[1] = limits[1], limits[0]
	}
	n := min(1024, math.Abs((limits[1]-limits[0])/limits[2]))
	if math.IsNaN(n) {
		n = 1024
	}
	return 512*int(n) + 1024, nil
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
