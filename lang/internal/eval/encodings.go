package eval

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
)

var base64Gzip = function.New(&function.Spec{
	Description: "A text compressed by gzip, in base64.",
	Params:      []function.Parameter{{Name: "str", Type: cty.String}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write([]byte(args[0].AsString()))
		// Terraform flushes before it closes, which shows in the bytes.
		if err = errors.Join(err, w.Flush(), w.Close()); err != nil {
			return cty.NilVal, fmt.Errorf("gzip: %w", err)
		}
		return cty.StringVal(base64.StdEncoding.EncodeToString(b.Bytes())), nil
	},
})

// gzipBound pays for the tables of the compressor too.
func gzipBound(_ []cty.Value, size int) (int, error) { return 2*size + 512<<10, nil }

// maxUnpacked bounds what a text may be unpacked to, in bytes.
const maxUnpacked = 1 << 20

var base64Gunzip = function.New(&function.Spec{
	Description: "The text that was compressed by gzip, given in base64.",
	Params:      []function.Parameter{{Name: "str", Type: cty.String}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		data, err := base64.StdEncoding.DecodeString(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "the text is not base64: %s", err)
		}
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "what it encodes is not compressed by gzip")
		}
		text, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
		switch {
		case err != nil:
			return cty.NilVal, function.NewArgErrorf(0, "what it encodes is not whole: %s", err)
		case len(text) > maxUnpacked:
			return cty.NilVal, function.NewArgErrorf(0, "unpacked it has more than %d bytes", maxUnpacked)
		case !utf8.Valid(text):
			return cty.NilVal, function.NewArgErrorf(0, "what it encodes is not UTF-8 text")
		}
		return cty.StringVal(string(text)), nil
	},
})

// gunzipBound: gzip makes at most 1032 bytes of one.
func gunzipBound(args []cty.Value, _ int) (int, error) {
	return min(1032*len(args[0].AsString()), maxUnpacked) + 64, nil
}

var encodingParam = function.Parameter{Name: "encoding", Type: cty.String, Description: "A name of the IANA registry, such as UTF-16LE or GBK."}

var textEncodeBase64 = function.New(&function.Spec{
	Description: "A text in another character encoding, in base64.",
	Params:      []function.Parameter{{Name: "string", Type: cty.String}, encodingParam},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		enc, err := encodingOf(args[1].AsString())
		if err != nil {
			return cty.NilVal, err
		}
		data, err := enc.NewEncoder().Bytes([]byte(args[0].AsString()))
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "the text has characters that %s has not", args[1].AsString())
		}
		return cty.StringVal(base64.StdEncoding.EncodeToString(data)), nil
	},
})

var textDecodeBase64 = function.New(&function.Spec{
	Description: "The text of bytes in another character encoding, given in base64.",
	Params:      []function.Parameter{{Name: "source", Type: cty.String}, encodingParam},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		enc, err := encodingOf(args[1].AsString())
		if err != nil {
			return cty.NilVal, err
		}
		data, err := base64.StdEncoding.DecodeString(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "the text is not base64: %s", err)
		}
		text, err := enc.NewDecoder().Bytes(data)
		if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
			return cty.NilVal, function.NewArgErrorf(0, "the bytes are no text in %s", args[1].AsString())
		}
		return cty.StringVal(string(text)), nil
	},
})

func encodingOf(name string) (encoding.Encoding, error) {
	enc, err := ianaindex.IANA.Encoding(name)
	if err != nil || enc == nil {
		return nil, function.NewArgErrorf(1, "%q is no character encoding that is known", name)
	}
	return enc, nil
}

// codedBound: a byte may become three of UTF-8 or four of UTF-32, and base64
// takes four for three.
func codedBound(_ []cty.Value, size int) (int, error) { return 6*size + 64, nil }

// maxYAMLDepth bounds the nesting of a document by what could open a level.
const maxYAMLDepth = 200

// yamlBound refuses aliases, which make much of little, and depth.
func yamlBound(args []cty.Value, _ int) (int, error) {
	s := args[0].AsString()
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		case '*':
			if i+1 < len(s) && (i == 0 || strings.IndexByte(" \n\t[{,:-", s[i-1]) >= 0) && s[i+1] > ' ' && s[i+1] != '*' && strings.Contains(s, "&") {
				return 0, errors.New("aliases such as *name are not read")
			}
		}
		if depth > maxYAMLDepth {
			return 0, fmt.Errorf("the document nests deeper than %d", maxYAMLDepth)
		}
	}
	for line := range strings.Lines(s) {
		if indent(line) > maxYAMLDepth {
			return 0, fmt.Errorf("a line is indented by more than %d", maxYAMLDepth)
		}
	}
	return 9*len(s) + 64, nil
}

// indent counts what stands before a line's text: spaces, and the dashes and
// question marks that open levels of their own.
func indent(line string) int {
	return len(line) - len(strings.TrimLeft(line, " -?"))
}

// yamlEncodeBound: each line is indented by two for each level, and text is quoted.
func yamlEncodeBound(args []cty.Value, size int) (int, error) {
	return 8*size + lines(args[0], 0), nil
}

// lines adds up the indentation and the marks of each element.
func lines(v cty.Value, level int) int {
	n := 2*level + 16
	if ty := v.Type(); v.IsNull() || !v.IsKnown() || !ty.IsCollectionType() && !ty.IsTupleType() && !ty.IsObjectType() {
		if !v.IsNull() && v.Type() == cty.String {
			n += strings.Count(v.AsString(), "\n") * (2*level + 8)
		}
		return n + 512
	}
	for it := v.ElementIterator(); it.Next(); {
		key, element := it.Element()
		if key.Type() == cty.String {
			n += 8 * len(key.AsString())
		}
		n += lines(element, level+1)
	}
	return n
}
