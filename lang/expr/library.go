package expr

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// runTime are the functions of run-time expressions, with Terraform's names and
// semantics. What is not in here cannot be called in the master. Regular
// expressions are not: compiling one may take 128 MiB.
var runTime = Functions{
	"abs":          {Impl: stdlib.AbsoluteFunc},
	"alltrue":      {Impl: allTrue},
	"anytrue":      {Impl: anyTrue},
	"base64decode": {Impl: base64Decode},
	"base64encode": {Impl: onString("A text in base64.", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }), Bound: times(2, 8)},
	"base64sha256": {Impl: onString("The SHA-256 of a text in base64.", func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return base64.StdEncoding.EncodeToString(sum[:])
	}), Bound: constant},
	"base64sha512": {Impl: onString("The SHA-512 of a text in base64.", func(s string) string {
		sum := sha512.Sum512([]byte(s))
		return base64.StdEncoding.EncodeToString(sum[:])
	}), Bound: constant},
	"basename":        {Impl: onString("The last part of a path.", path.Base), Bound: times(1, 8)},
	"ceil":            {Impl: stdlib.CeilFunc, Bound: constant},
	"chomp":           {Impl: stdlib.ChompFunc},
	"chunklist":       {Impl: stdlib.ChunklistFunc, Bound: times(2, 0)},
	"cidrcontains":    {Impl: cidrContains, Bound: constant},
	"cidrhost":        {Impl: cidrHost, Bound: constant},
	"cidrnetmask":     {Impl: cidrNetmask, Bound: constant},
	"cidrsubnet":      {Impl: cidrSubnet, Bound: constant},
	"cidrsubnets":     {Impl: cidrSubnets, Bound: times(8, 256)},
	"coalesce":        {Impl: coalesce, Bound: unifying},
	"coalescelist":    {Impl: stdlib.CoalesceListFunc, Bound: unifying},
	"compact":         {Impl: stdlib.CompactFunc},
	"concat":          {Impl: stdlib.ConcatFunc, Bound: unifying},
	"contains":        {Impl: contains},
	"cron_next":       {Impl: cronNext, Bound: zoned},
	"date_add":        {Impl: dateAdd, Bound: zonedIfGiven(3)},
	"date_trunc":      {Impl: dateTrunc, Bound: zonedIfGiven(2)},
	"dirname":         {Impl: onString("A path without its last part.", path.Dir), Bound: times(1, 8)},
	"distinct":        {Impl: stdlib.DistinctFunc, Bound: pairs},
	"element":         {Impl: stdlib.ElementFunc},
	"endswith":        {Impl: onStrings("Whether a text ends with another.", "suffix", strings.HasSuffix), Bound: constant},
	"flatten":         {Impl: stdlib.FlattenFunc},
	"floor":           {Impl: stdlib.FloorFunc, Bound: constant},
	"format":          {Impl: stdlib.FormatFunc, Bound: formatBound},
	"formatdate":      {Impl: stdlib.FormatDateFunc, Bound: times(4, 64)},
	"formatlist":      {Impl: stdlib.FormatListFunc, Bound: formatListBound},
	"in_zone":         {Impl: inZone, Bound: zoned},
	"indent":          {Impl: stdlib.IndentFunc, Bound: indentBound},
	"index":           {Impl: indexOf, Bound: constant},
	"join":            {Impl: stdlib.JoinFunc, Bound: joinBound},
	"jsondecode":      {Impl: stdlib.JSONDecodeFunc, Bound: jsonDecodeBound},
	"jsonencode":      {Impl: stdlib.JSONEncodeFunc, Bound: jsonEncodeBound},
	"keys":            {Impl: stdlib.KeysFunc},
	"length":          {Impl: length, Bound: constant},
	"log":             {Impl: stdlib.LogFunc, Bound: constant},
	"lookup":          {Impl: lookup, Bound: unifying},
	"lower":           {Impl: stdlib.LowerFunc, Bound: cased},
	"matchkeys":       {Impl: matchKeys, Bound: matchBound},
	"max":             {Impl: stdlib.MaxFunc},
	"md5":             {Impl: onString("The MD5 of a text in hexadecimal.", func(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }), Bound: constant},
	"merge":           {Impl: stdlib.MergeFunc, Bound: unifying},
	"min":             {Impl: stdlib.MinFunc},
	"nonsensitive":    {Impl: nonsensitive},
	"one":             {Impl: one},
	"parseint":        {Impl: stdlib.ParseIntFunc, Bound: parseIntBound},
	"pow":             {Impl: stdlib.PowFunc, Bound: constant},
	"range":           {Impl: stdlib.RangeFunc, Bound: rangeBound},
	"replace":         {Impl: replace, Bound: replaceBound},
	"reverse":         {Impl: stdlib.ReverseListFunc},
	"sensitive":       {Impl: sensitive},
	"setintersection": {Impl: stdlib.SetIntersectionFunc, Bound: sets},
	"setsubtract":     {Impl: stdlib.SetSubtractFunc, Bound: unifying},
	"setunion":        {Impl: stdlib.SetUnionFunc, Bound: unifying},
	"sha1":            {Impl: onString("The SHA-1 of a text in hexadecimal.", func(s string) string { sum := sha1.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }), Bound: constant},
	"sha256":          {Impl: onString("The SHA-256 of a text in hexadecimal.", func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }), Bound: constant},
	"sha512":          {Impl: onString("The SHA-512 of a text in hexadecimal.", func(s string) string { sum := sha512.Sum512([]byte(s)); return hex.EncodeToString(sum[:]) }), Bound: constant},
	"signum":          {Impl: stdlib.SignumFunc, Bound: constant},
	"slice":           {Impl: stdlib.SliceFunc},
	"sort":            {Impl: stdlib.SortFunc},
	"split":           {Impl: stdlib.SplitFunc, Bound: splitBound},
	"startswith":      {Impl: onStrings("Whether a text starts with another.", "prefix", strings.HasPrefix), Bound: constant},
	"strcontains":     {Impl: onStrings("Whether a text contains another.", "substr", strings.Contains), Bound: constant},
	"strrev":          {Impl: stdlib.ReverseFunc},
	"substr":          {Impl: stdlib.SubstrFunc},
	"sum":             {Impl: sum, Bound: constant},
	"timeadd":         {Impl: stdlib.TimeAddFunc, Bound: constant},
	"timecmp":         {Impl: timeCompare, Bound: constant},
	"title":           {Impl: stdlib.TitleFunc, Bound: cased},
	"transpose":       {Impl: transpose, Bound: transposeBound},
	"trim":            {Impl: stdlib.TrimFunc, Bound: trimBound},
	"trimprefix":      {Impl: stdlib.TrimPrefixFunc},
	"trimspace":       {Impl: stdlib.TrimSpaceFunc},
	"trimsuffix":      {Impl: stdlib.TrimSuffixFunc},
	"upper":           {Impl: stdlib.UpperFunc, Bound: cased},
	"urldecode":       {Impl: urlDecode},
	"urlencode":       {Impl: onString("A text with what is special in an URL written as %XX.", url.QueryEscape), Bound: times(3, 8)},
	"uuidv5":          {Impl: uuidv5, Bound: constant},
	"values":          {Impl: stdlib.ValuesFunc},
	"zipmap":          {Impl: stdlib.ZipmapFunc},
}

// conversions are functions that bring a value to a type; the evaluator does it
// itself, within its limits.
var conversions = map[string]cty.Type{
	"tobool":   cty.Bool,
	"tolist":   cty.List(cty.DynamicPseudoType),
	"tomap":    cty.Map(cty.DynamicPseudoType),
	"tonumber": cty.Number,
	"toset":    cty.Set(cty.DynamicPseudoType),
	"tostring": cty.String,
}

func onString(description string, f func(string) string) function.Function {
	return function.New(&function.Spec{
		Description: description,
		Params:      []function.Parameter{{Name: "str", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.StringVal(f(args[0].AsString())), nil
		},
	})
}

func onStrings(description, part string, f func(s, part string) bool) function.Function {
	return function.New(&function.Spec{
		Description: description,
		Params:      []function.Parameter{{Name: "str", Type: cty.String}, {Name: part, Type: cty.String}},
		Type:        function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

var base64Decode = function.New(&function.Spec{
	Description: "The text that a base64 text stands for.",
	Params:      []function.Parameter{{Name: "str", Type: cty.String}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		data, err := base64.StdEncoding.DecodeString(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "the text is not base64: %s", err)
		}
		if !utf8.Valid(data) {
			return cty.NilVal, function.NewArgErrorf(0, "what it encodes is not UTF-8 text")
		}
		return cty.StringVal(string(data)), nil
	},
})

var urlDecode = function.New(&function.Spec{
	Description: "A text in which %XX and + stand for what is special in an URL, as it was before.",
	Params:      []function.Parameter{{Name: "str", Type: cty.String}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		text, err := url.QueryUnescape(args[0].AsString())
		if err != nil || !utf8.ValidString(text) {
			return cty.NilVal, function.NewArgErrorf(0, "the text is not encoded for an URL, or what it encodes is not UTF-8 text")
		}
		return cty.StringVal(text), nil
	},
})

// replace takes the searched text literally; only Terraform's /regexp/ form is
// refused, lest it be taken literally too.
var replace = function.New(&function.Spec{
	Description: "A text with each occurrence of a part replaced. At config time a part in slashes, such as /a+/, is a regular expression.",
	Params:      []function.Parameter{{Name: "str", Type: cty.String}, {Name: "substr", Type: cty.String}, {Name: "replace", Type: cty.String}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		old := args[1].AsString()
		if len(old) > 1 && old[0] == '/' && old[len(old)-1] == '/' {
			return cty.NilVal, function.NewArgErrorf(1, "regular expressions are not available in values that are only known when the job runs")
		}
		return cty.StringVal(strings.ReplaceAll(args[0].AsString(), old, args[2].AsString())), nil
	},
})

// length is Terraform's: of a string, its characters.
var length = function.New(&function.Spec{
	Description: "The number of elements, or of the characters of a text.",
	Params:      []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true, AllowMarked: true}},
	Type: func(args []cty.Value) (cty.Type, error) {
		ty := args[0].Type()
		if ty == cty.String || ty.IsTupleType() || ty.IsObjectType() || ty.IsCollectionType() || ty == cty.DynamicPseudoType {
			return cty.Number, nil
		}
		return cty.Number, errors.New("the value must be a string, a list, a set, a map, a tuple or an object")
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, marks := args[0].Unmark() // a sensitive element does not make the number of them a secret
		n := v
		switch ty := v.Type(); {
		case ty == cty.DynamicPseudoType || ty == cty.String && !v.IsKnown():
			n = cty.UnknownVal(cty.Number)
		case ty == cty.String:
			var err error
			if n, err = stdlib.Strlen(v); err != nil {
				return n, err //nolint:wrapcheck // callers add the function's name
			}
		case ty.IsTupleType():
			n = cty.NumberIntVal(int64(ty.Length()))
		case ty.IsObjectType():
			n = cty.NumberIntVal(int64(len(ty.AttributeTypes())))
		default:
			n = v.Length()
		}
		return n.WithMarks(marks), nil
	},
})

var allTrue = quantifier("Whether all elements are true.", true)

var anyTrue = quantifier("Whether any element is true.", false)

func quantifier(description string, all bool) function.Function {
	return function.New(&function.Spec{
		Description: description,
		Params:      []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:        function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for it := args[0].ElementIterator(); it.Next(); {
				_, v := it.Element()
				if !v.IsKnown() {
					return cty.UnknownVal(cty.Bool), nil
				}
				if holds := !v.IsNull() && v.True(); holds != all {
					return cty.BoolVal(!all), nil
				}
			}
			return cty.BoolVal(all), nil
		},
	})
}

// one is the only element of a sequence, or null when there is none.
var one = function.New(&function.Spec{
	Description: "The only element of a list, set or tuple, or null when it is empty.",
	Params:      []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
	Type: func(args []cty.Value) (cty.Type, error) {
		switch ty := args[0].Type(); {
		case ty.IsListType() || ty.IsSetType():
			return ty.ElementType(), nil
		case ty.IsTupleType() && ty.Length() == 0:
			return cty.DynamicPseudoType, nil
		case ty.IsTupleType() && ty.Length() == 1:
			return ty.TupleElementType(0), nil
		}
		return cty.NilType, errors.New("it must be a list, set or tuple of one element or none")
	},
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		switch n := args[0].LengthInt(); n {
		case 0:
			return cty.NullVal(ty), nil
		case 1:
			it := args[0].ElementIterator()
			it.Next()
			_, v := it.Element()
			return v, nil
		default:
			return cty.NilVal, fmt.Errorf("it must have one element or none, not %d", n)
		}
	},
})

var sum = function.New(&function.Spec{
	Description: "The sum of numbers.",
	Params:      []function.Parameter{{Name: "list", Type: cty.List(cty.Number)}},
	Type:        function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if args[0].LengthInt() == 0 {
			return cty.NilVal, function.NewArgErrorf(0, "an empty list has no sum")
		}
		total := cty.Zero
		for it := args[0].ElementIterator(); it.Next(); {
			_, v := it.Element()
			if v.IsNull() {
				return cty.NilVal, errors.New("an element is null")
			}
			total = total.Add(v)
		}
		return total, nil
	},
})

var timeCompare = function.New(&function.Spec{
	Description: "-1, 0 or 1, as the first time is before, at or after the second.",
	Params:      []function.Parameter{{Name: "timestamp_a", Type: cty.String}, {Name: "timestamp_b", Type: cty.String}},
	Type:        function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		var times [2]time.Time
		for i, arg := range args {
			t, err := time.Parse(time.RFC3339, arg.AsString())
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(i, "it is not a time such as 2006-01-02T15:04:05Z")
			}
			times[i] = t
		}
		return cty.NumberIntVal(int64(times[0].Compare(times[1]))), nil
	},
})
