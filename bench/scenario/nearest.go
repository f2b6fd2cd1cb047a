package scenario

import (
	"strings"

	"github.com/steelyard-proxy/steelyard/configs"
)

// Suggest is the remedy for a name that is not among the known: the nearest of them, or all.
func Suggest(name string, known []string) string {
	best, least := "", len(name)/2+2
	for _, k := range known {
		d := configs.Slips(strings.ToLower(name), k)
		for _, part := range strings.FieldsFunc(k, func(r rune) bool { return r == '_' || r == '-' }) {
			d = min(d, configs.Slips(strings.ToLower(name), part)+1) // half a name is a hint as well
		}
		if d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "known are " + strings.Join(known, ", ")
}
