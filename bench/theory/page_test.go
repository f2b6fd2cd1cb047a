package theory

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The figures of the case study in bench/README.md are those of the formulas.
func TestPageHasTheFiguresOfTheStudy(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	list := func(decimals int, values []float64) string {
		var texts []string
		for _, v := range values {
			texts = append(texts, fmt.Sprintf("%.*f", decimals, v))
		}
		return strings.Join(texts, ", ")
	}
	published := Published(study, studyRate)
	proportional, best := ProportionalSplit(study, studyRate), OptimalSplit(study, studyRate)
	for rule, figures := range map[string][]string{
		"T/n each":     {list(0, EvenSplit(study, studyRate).Rates)},
		"T/(n·C_i)":    {list(1, PublishedSplit(study, studyRate).Rates), fmt.Sprintf("%.3f times", PublishedSplit(study, studyRate).Utilisation[0])},
		"T/C_i":        {fmt.Sprintf("%.2f", (published[1].Values[0]+published[1].Values[1]+published[1].Values[2])/3), fmt.Sprintf("%.2f", published[2].Values[0])},
		"T·C_i/ΣC":     {strings.ReplaceAll(list(1, proportional.Rates), "100.0", "100"), fmt.Sprintf("%.0f ms", 1000*proportional.Mean)},
		"the best":     {list(1, best.Rates), fmt.Sprintf("%.1f ms", 1000*best.Mean)},
		"all in one s": {fmt.Sprintf("%.2f ms", 1000*PooledBound(study, studyRate))},
	} {
		_, row, found := strings.Cut(string(page), "\n| "+rule)
		require.True(t, found, rule)
		row, _, _ = strings.Cut(row, "\n")
		for _, figure := range figures {
			require.Contains(t, row, figure, rule)
		}
	}
}
