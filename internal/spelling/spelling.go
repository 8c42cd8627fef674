// Package spelling finds the known name that a person most likely meant.
package spelling

import "slices"

// Nearest returns the known name at the least distance from name; of several, the first. There must be one.
func Nearest(name string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int { return Distance(name, a) - Distance(name, b) })
}

// Distance returns the Levenshtein distance of two names: how many bytes have to be added, removed or replaced.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
