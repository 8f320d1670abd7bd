package diag

// Suggest returns the candidate that the name was most likely meant to be, or ""
// when none is close. Ties go to the earlier candidate.
func Suggest(name string, candidates []string) string {
	limit, found := min(len(name)/3+1, len(name)-1), ""
	for _, c := range candidates {
		if d := distance(name, c, limit); d <= limit {
			limit, found = d-1, c
		}
	}
	return found
}

// distance is Levenshtein's, with a swap of neighbours as one step; more than
// limit is not counted out.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit || len(a) > 200 {
		return limit + 1
	}
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
