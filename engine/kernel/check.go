package kernel

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/leifengta/lft/engine/record"
)

// maxSlots bounds agents and pools, so that sums never overflow.
const maxSlots = math.MaxInt32 / 4

func validID(id string) bool { return id != "" && len(id) <= record.MaxID }

// cut shortens a text for a column, at the end of a rune.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
