// Package figure turns samples into the numbers a reader compares, the same way in all benches: medians with their range,
// quantiles, ratios of rounds that ran side by side, and tables.
//
// A ratio is taken round by round, between two targets that were measured seconds apart, and only then summarised:
// what changes slowly (a busy neighbour on the host, the clock of the core) cancels out of it, which it would not in
// a ratio of two medians.
//
// Everything here is a pure function over plain numbers. Nothing is shared; whoever calls owns the slices.
//
//	cpu := figure.Summarise([]float64{12.1, 12.4, 11.9})          // 12.1 [11.9 to 12.4]
//	ratio := figure.Summarise(figure.Ratios(ours, theirs))        // by round
//	t := figure.Table{Head: []string{"proxy", "CPU"}, Rows: [][]string{{"nginx", cpu.Text(1)}}}
//	fmt.Print(t.Markdown())
package figure
