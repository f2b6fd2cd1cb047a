// Which figures each table of the report shows.

package main

import (
	"fmt"
	"slices"

	"github.com/steelyard-proxy/steelyard/bench/figure"
)

// table is how one scenario is shown: a row for each target, a column for each figure.
type table struct {
	scenario string
	title    string
	columns  []column
}

// column shows a figure of each round: as it is, divided by another target's of that round, or less the direct one.
type column struct {
	head     string
	decimals int
	figure   func(Sample) float64
	over     string // a target to divide by; "" = none
	added    bool   // less the figure of the direct target
	proxy    bool   // says nothing of the direct target
}

func (r *Report) tables() []table {
	cost := func(unit string) []column {
		columns := []column{
			{head: "CPU µs/" + unit, decimals: 2, figure: cpuPerUnit, proxy: true},
			{head: "× nginx", decimals: 2, figure: cpuPerUnit, over: "nginx", proxy: true},
			{head: "× HAProxy", decimals: 2, figure: cpuPerUnit, over: "haproxy", proxy: true},
		}
		if r.Options.Before != "" {
			columns = append(columns, column{head: "× before", decimals: 2, figure: cpuPerUnit, over: before, proxy: true})
		}
		return columns
	}
	times := func(what string) []column {
		return []column{
			{head: what + " p50 µs", figure: p50}, {head: "added p50 µs", figure: p50, added: true},
			{head: what + " p99 µs", figure: p99}, {head: "added p99 µs", figure: p99, added: true},
		}
	}
	quality := []column{
		{head: "proxy busy %", proxy: true, figure: func(s Sample) float64 { return 100 * s.CPU.Seconds() / s.Elapsed.Seconds() }},
		{head: "waited %", decimals: 1, proxy: true, figure: func(s Sample) float64 { return 100 * s.Waited.Seconds() / s.Elapsed.Seconds() }},
		{head: "client busy %", figure: func(s Sample) float64 { return 100 * s.Client.Seconds() / s.Elapsed.Seconds() }},
	}
	late := column{head: "client late p99 µs", figure: func(s Sample) float64 { return micros(s.LateP99) }}
	memory := []column{
		{head: "RSS KB each", decimals: 1, figure: rssPerUnit}, {head: "PSS KB each", decimals: 1, figure: pssPerUnit},
		{head: "idle RSS MB", decimals: 1, figure: idleRSS}, {head: "idle PSS MB", decimals: 1, figure: idlePSS},
	}
	o := r.Options
	return []table{
		{saturated, fmt.Sprintf("Unary, %d connections saturated: 600 B chat POST, 300 B answer", o.Connections),
			slices.Concat(cost("request"), []column{{head: "requests/s", figure: perSecond}}, quality)},
		{paced, fmt.Sprintf("Unary, open loop of %d/s over %d connections, timed from the intended start", o.Rate, o.Connections),
			slices.Concat(cost("request"), times("response"), quality, []column{late})},
		{streamed, fmt.Sprintf("Streaming, %d streams, a chunk of 120 B each %v, delay from upstream to client", o.Streams, o.Gap),
			slices.Concat(cost("chunk"), times("delay"), quality, []column{late})},
		{shared, fmt.Sprintf("Unary, %d connections saturated: steelyard under each policy, %d endpoints", o.Connections, len(weights)),
			slices.Concat([]column{
				{head: "CPU µs/request", decimals: 2, figure: cpuPerUnit},
				{head: "× " + base.name, decimals: 3, figure: cpuPerUnit, over: base.contender()},
				{head: "requests/s", figure: perSecond},
			}, quality)},
		{silent, fmt.Sprintf("Memory at %d streams, silent after their first chunk", o.Silent), memory},
		{idle, fmt.Sprintf("Memory at %d idle connections that each made one request", o.Idle), memory},
	}
}

func (t table) head() []string {
	head := []string{"proxy"}
	for _, c := range t.columns {
		head = append(head, c.head)
	}
	return head
}

// rows has one for each target that was measured, in the order in which they took turns.
func (t table) rows(r *Report) (rows [][]string) {
	var names []string
	for _, s := range r.Samples {
		if s.Scenario == t.scenario && !slices.Contains(names, s.Target) {
			names = append(names, s.Target)
		}
	}
	for _, name := range names {
		row := []string{name}
		for _, c := range t.columns {
			row = append(row, c.cell(r, t.scenario, name))
		}
		rows = append(rows, row)
	}
	return rows
}

func (c column) cell(r *Report, scenario, target string) string {
	values := each(r.Samples, scenario, target, r.Options.Rounds, c.figure)
	switch {
	case c.over == target || (c.added && target == direct):
		return "" // itself
	case c.proxy && target == direct:
		return "-"
	case c.over != "":
		values = figure.Ratios(values, each(r.Samples, scenario, c.over, r.Options.Rounds, c.figure))
	case c.added:
		values = figure.Differences(values, each(r.Samples, scenario, direct, r.Options.Rounds, c.figure))
	}
	return figure.Summarise(values).Text(c.decimals)
}
