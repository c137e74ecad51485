package config

import "strings"

// suggestion is the end of a sentence about an unknown name: what may have
// been meant, or nothing.
func suggestion(name string, known []string, show func(string) string) string {
	best, least := "", 1+max(2, len(name)/3)
	for _, k := range known {
		d := distance(name, k)
		if strings.HasPrefix(k, name) || strings.HasPrefix(name, k) {
			d = min(d, 2)
		}
		if d < least {
			best, least = k, d
		}
	}
	if best == "" || name == "" {
		return ""
	}
	return "; did you mean " + show(best) + "?"
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that make b of a.
func distance(a, b string) int {
	before, last, this := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		this[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			this[j] = min(last[j]+1, this[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				this[j] = min(this[j], before[j-2]+1)
			}
		}
		before, last, this = last, this, before
	}
	return last[len(b)]
}

// names are those of all settings.
func names() []string {
	list := make([]string, len(settings))
	for i, s := range settings {
		list[i] = s.name
	}
	return list
}
