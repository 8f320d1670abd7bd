package kernel

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/leifengta/lft/engine/record"
)

// maxSlots bounds agents and pools, so that sums never overflow.
const maxSlots = math.MaxInt32 / 4

func validID(id string) bool { return id != "" && len(id) <= record.MaxID }

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
