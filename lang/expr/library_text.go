package expr

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// The name spaces of RFC 4122 that have a name of their own.
var namespaces = map[string]string{
	"dns":  "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
	"oid":  "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
	"url":  "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
	"x500": "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
}

var uuidv5 = function.New(&function.Spec{
	Description: "The UUID of a name in a name space, always the same.",
	Params: []function.Parameter{
		{Name: "namespace", Type: cty.String, Description: "dns, oid, url, x500 or a UUID."},
		{Name: "name", Type: cty.String},
	},
	Type: function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		space := args[0].AsString()
		if known, ok := namespaces[space]; ok {
			space = known
		}
		id, err := parseUUID(space)
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "%q is neither dns, oid, url, x500 nor a UUID", space)
		}
		sum := sha1.Sum(append(id, args[1].AsString()...))
		sum[6] = sum[6]&0x0f | 0x50 // version 5
		sum[8] = sum[8]&0x3f | 0x80 // of RFC 4122
		return cty.StringVal(fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])), nil
	},
})

func parseUUID(s string) ([]byte, error) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return nil, fmt.Errorf("%q is no UUID", s)
	}
	return hex.DecodeString(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
}
