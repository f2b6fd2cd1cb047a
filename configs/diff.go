// How two files differ, line by line.

package configs

import (
	"fmt"
	"strings"
)

// Diff says in the unified form by which lines a file differs from the one before; "" if it does not.
func Diff(name string, was, is []byte) string {
	before, after := split(was), split(is)
	from := 0
	for from < len(before) && from < len(after) && before[from] == after[from] {
		from++
	}
	end := 0
	for end < len(before)-from && end < len(after)-from && before[len(before)-1-end] == after[len(after)-1-end] {
		end++
	}
	ops := common(before[from:len(before)-end], after[from:len(after)-end])
	var all []op
	for _, line := range before[:from] {
		all = append(all, op{' ', line})
	}
	all = append(all, ops...)
	for _, line := range before[len(before)-end:] {
		all = append(all, op{' ', line})
	}
	hunks := hunksOf(all)
	if hunks == "" {
		return ""
	}
	return "--- " + name + "\n+++ " + name + "\n" + hunks
}

func split(text []byte) (list []string) {
	for line := range strings.Lines(string(text)) {
		list = append(list, strings.TrimSuffix(line, "\n"))
	}
	return list
}

// op is a line that stays, goes or comes: ' ', '-' or '+'.
type op struct {
	what byte
	line string
}

// common finds the longest common subsequence.
func common(before, after []string) (ops []op) {
	longest := make([][]int, len(before)+1)
	for i := range longest {
		longest[i] = make([]int, len(after)+1)
	}
	for i := len(before) - 1; i >= 0; i-- {
		for j := len(after) - 1; j >= 0; j-- {
			longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			if before[i] == after[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			}
		}
	}
	i, j := 0, 0
	for i < len(before) || j < len(after) {
		switch {
		case i < len(before) && j < len(after) && before[i] == after[j]:
			ops = append(ops, op{' ', before[i]})
			i, j = i+1, j+1
		case j == len(after) || i < len(before) && longest[i+1][j] >= longest[i][j+1]:
			ops = append(ops, op{'-', before[i]})
			i++
		default:
			ops = append(ops, op{'+', after[j]})
			j++
		}
	}
	return ops
}

// around is how many lines that stay are shown about those that do not.
const around = 3

func hunksOf(ops []op) string {
	var b strings.Builder
	was, is := 1, 1 // the lines of the next op
	for i := 0; i < len(ops); {
		if ops[i].what == ' ' {
			i, was, is = i+1, was+1, is+1
			continue
		}
		begin := max(i-around, 0)
		end, quiet := i, 0
		for end < len(ops) && quiet <= 2*around {
			if quiet++; ops[end].what != ' ' {
				quiet = 0
			}
			end++
		}
		end -= max(quiet-around, 0)
		lead := i - begin
		var text strings.Builder
		gone, come := 0, 0
		for _, o := range ops[begin:end] {
			fmt.Fprintf(&text, "%c%s\n", o.what, o.line)
			if o.what != '+' {
				gone++
			}
			if o.what != '-' {
				come++
			}
		}
		fmt.Fprintf(&b, "@@ -%d,%d +%d,%d @@\n%s", was-lead, gone, is-lead, come, text.String())
		was, is, i = was-lead+gone, is-lead+come, end
	}
	return b.String()
}
