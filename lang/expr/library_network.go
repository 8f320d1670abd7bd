package expr

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Terraform's functions on addresses of networks, such as 10.0.0.0/8.

var prefixParam = function.Parameter{Name: "prefix", Type: cty.String, Description: "A network in CIDR notation, such as 10.0.0.0/8 or fd00::/32."}

var cidrHost = function.New(&function.Spec{
	Description: "The address of a host in a network by its number; negative numbers count from the end.",
	Params:      []function.Parameter{prefixParam, {Name: "hostnum", Type: cty.Number}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		prefix, err := prefixOf(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		number, err := wholeNumber(args, 1)
		if err != nil {
			return cty.NilVal, err
		}
		room := new(big.Int).Lsh(big.NewInt(1), uint(prefix.Addr().BitLen()-prefix.Bits()))
		if number.Sign() < 0 {
			number.Add(number, room)
		}
		if number.Sign() < 0 || number.Cmp(room) >= 0 {
			return cty.NilVal, function.NewArgErrorf(1, "%s has no host of that number", prefix)
		}
		return cty.StringVal(offset(prefix.Addr(), number).String()), nil
	},
})

var cidrNetmask = function.New(&function.Spec{
	Description: "The netmask of an IPv4 network.",
	Params:      []function.Parameter{prefixParam},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		prefix, err := prefixOf(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		if !prefix.Addr().Is4() {
			return cty.NilVal, function.NewArgErrorf(0, "netmasks exist for IPv4 only")
		}
		mask := uint32(0xffffffff) << (32 - prefix.Bits())
		return cty.StringVal(netip.AddrFrom4([4]byte{byte(mask >> 24), byte(mask >> 16), byte(mask >> 8), byte(mask)}).String()), nil
	},
})

var cidrSubnet = function.New(&function.Spec{
	Description: "A network inside of a network: newbits longer, the netnum-th of them.",
	Params:      []function.Parameter{prefixParam, {Name: "newbits", Type: cty.Number}, {Name: "netnum", Type: cty.Number}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		prefix, err := prefixOf(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		bits, err := longer(prefix, args, 1)
		if err != nil {
			return cty.NilVal, err
		}
		number, err := wholeNumber(args, 2)
		if err != nil {
			return cty.NilVal, err
		}
		if number.Sign() < 0 || number.BitLen() > bits-prefix.Bits() {
			return cty.NilVal, function.NewArgErrorf(2, "%d more bits have no network of that number", bits-prefix.Bits())
		}
		number.Lsh(number, uint(prefix.Addr().BitLen()-bits))
		return cty.StringVal(netip.PrefixFrom(offset(prefix.Addr(), number), bits).String()), nil
	},
})

// maxNewBits is how many bits longer Terraform makes the networks of one call.
const maxNewBits = 32

var cidrSubnets = function.New(&function.Spec{
	Description: "Networks inside of a network, one after the other, each newbits longer than it.",
	Params:      []function.Parameter{prefixParam},
	VarParam:    &function.Parameter{Name: "newbits", Type: cty.Number},
	Type:        function.StaticReturnType(cty.List(cty.String)),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		prefix, err := prefixOf(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		if len(args) == 1 {
			return cty.ListValEmpty(cty.String), nil
		}
		var networks []cty.Value
		next := new(big.Int) // offset of what is free
		for i := 1; i < len(args); i++ {
			bits, err := longer(prefix, args, i)
			if err != nil {
				return cty.NilVal, err
			}
			if more := bits - prefix.Bits(); more < 1 || more > maxNewBits {
				return cty.NilVal, function.NewArgErrorf(i, "it must be from 1 to %d", maxNewBits)
			}
			size := new(big.Int).Lsh(big.NewInt(1), uint(prefix.Addr().BitLen()-bits))
			// A network starts at a multiple of its size.
			next.Add(next, size).Sub(next, big.NewInt(1)).Div(next, size).Mul(next, size)
			room := new(big.Int).Lsh(big.NewInt(1), uint(prefix.Addr().BitLen()-prefix.Bits()))
			if new(big.Int).Add(next, size).Cmp(room) > 0 {
				return cty.NilVal, function.NewArgErrorf(i, "%s has no room left for a /%d", prefix, bits)
			}
			networks = append(networks, cty.StringVal(netip.PrefixFrom(offset(prefix.Addr(), next), bits).String()))
			next.Add(next, size)
		}
		return cty.ListVal(networks), nil
	},
})

var cidrContains = function.New(&function.Spec{
	Description: "Whether an address or a network lies in a network.",
	Params:      []function.Parameter{prefixParam, {Name: "contained", Type: cty.String}},
	Type:        function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		outer, err := prefixOf(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		text := args[1].AsString()
		addr, addrErr := netip.ParseAddr(decimal(text))
		inner := netip.PrefixFrom(addr, addr.BitLen())
		if addrErr != nil {
			if inner, err = parsePrefix(text); err != nil {
				return cty.NilVal, function.NewArgErrorf(1, "%q is neither an address nor a network", text)
			}
		}
		if outer.Addr().BitLen() != inner.Addr().BitLen() {
			return cty.NilVal, function.NewArgErrorf(1, "%s and %s are of different families", outer, text)
		}
		return cty.BoolVal(inner.Bits() >= outer.Bits() && outer.Contains(inner.Addr())), nil
	},
})

// decimal takes the zeros off that lead a number of an IPv4 address: as in
// Terraform, 010 is ten.
func decimal(address string) string {
	if strings.Contains(address, ":") {
		return address
	}
	parts := strings.Split(address, ".")
	for i, part := range parts {
		parts[i] = plain(part)
	}
	return strings.Join(parts, ".")
}

// plain takes off the zeros that lead a number.
func plain(number string) string {
	for len(number) > 1 && number[0] == '0' && number[1] >= '0' && number[1] <= '9' {
		number = number[1:]
	}
	return number
}

func parsePrefix(text string) (netip.Prefix, error) {
	address, bits, _ := strings.Cut(text, "/")
	return netip.ParsePrefix(decimal(address) + "/" + plain(bits))
}

func prefixOf(v cty.Value) (netip.Prefix, error) {
	prefix, err := parsePrefix(v.AsString())
	if err != nil || prefix.Addr().Zone() != "" {
		return prefix, function.NewArgErrorf(0, "%q is no network in CIDR notation such as 10.0.0.0/8", v.AsString())
	}
	return prefix.Masked(), nil
}

func wholeNumber(args []cty.Value, i int) (*big.Int, error) {
	n, accuracy := args[i].AsBigFloat().Int(nil)
	if accuracy != big.Exact {
		return nil, function.NewArgErrorf(i, "it must be a whole number")
	}
	return n, nil
}

// longer returns how long a prefix is that is args[i] bits longer.
func longer(prefix netip.Prefix, args []cty.Value, i int) (int, error) {
	n, err := wholeNumber(args, i)
	switch {
	case err != nil:
		return 0, err
	case n.Sign() < 0:
		return 0, function.NewArgError(i, errors.New("it must not be negative"))
	case n.Cmp(big.NewInt(int64(prefix.Addr().BitLen()-prefix.Bits()))) > 0:
		return 0, function.NewArgError(i, fmt.Errorf("%s cannot be made %s bits longer", prefix, n))
	}
	return prefix.Bits() + int(n.Int64()), nil
}

// offset adds to an address; the caller has made sure that it does not overflow.
func offset(addr netip.Addr, n *big.Int) netip.Addr {
	sum := new(big.Int).Add(new(big.Int).SetBytes(addr.AsSlice()), n)
	moved, _ := netip.AddrFromSlice(sum.FillBytes(make([]byte, addr.BitLen()/8)))
	return moved
}
