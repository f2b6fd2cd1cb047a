// Each program goes through each hardship, and the table of verdicts.

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/figure"
	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// longest is how long one program may take for one hardship.
const longest = time.Minute

// column is a program that is put through the hardships.
type column struct {
	head    string
	program peers.Program
	judged  bool // its wrongs are the run's
}

// run goes through what is wanted, prints the table and returns the names of what steelyard got wrong.
func run(ctx context.Context, o options, out io.Writer) (wrong []string, err error) {
	dir, err := os.MkdirTemp("", "hardship-")
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	columns, err := findColumns(ctx, o, dir)
	if err != nil {
		return nil, err
	}
	table := figure.Table{Head: []string{"hardship"}}
	for _, c := range columns {
		fmt.Fprintf(out, "- %s: %s\n", c.head, c.program.Version)
		table.Head = append(table.Head, c.head)
	}
	table.Head = append(table.Head, "right")
	for _, h := range hardships {
		if !o.wants(h) {
			continue
		}
		row := []string{h.what}
		for _, c := range columns {
			if !h.asks(c.program.Name) {
				row = append(row, "-")
				continue
			}
			v := h.on(ctx, c, dir)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			fmt.Fprintf(os.Stderr, "%s, %s: %s\n", h.name, c.head, v.text)
			row = append(row, v.text)
			if c.judged && !v.right {
				wrong = append(wrong, h.name+": "+v.text+"; right: "+h.right)
			}
		}
		table.Rows = append(table.Rows, append(row, h.right))
	}
	fmt.Fprintf(out, "\n%s", table.Markdown())
	return wrong, nil
}

// on puts one program through the hardship. What cannot be run is wrong, too.
func (h hardship) on(ctx context.Context, c column, dir string) verdict {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	s, err := newStand(c.program, dir)
	if err != nil {
		return verdict{text: err.Error()}
	}
	defer s.close()
	v, err := h.run(ctx, s)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		fmt.Fprintf(os.Stderr, "%s, %s: %v\n", h.name, c.head, err)
		return verdict{text: first}
	}
	return v
}

// findColumns goes on without what is not to be had, and says how to get it.
func findColumns(ctx context.Context, o options, dir string) ([]column, error) {
	var columns []column
	for _, name := range peers.Installable {
		if o.alone {
			continue
		}
		program, err := peers.FindOrInstall(ctx, name)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		columns = append(columns, column{head: name, program: program})
	}
	if o.before != "" {
		p, err := peers.Ours(ctx, o.before)
		if err != nil {
			return nil, err
		}
		columns = append(columns, column{head: "steelyard before", program: p})
	}
	p, err := peers.OursOrBuilt(ctx, o.binary, dir)
	return append(columns, column{head: peers.Steelyard, program: p, judged: true}), err
}
