// The list of hardships, and what one is.

//go:build linux

package main

import (
	"context"
	"slices"

	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// hardship is one row of the table.
type hardship struct {
	name  string   // for -only
	what  string   // what happens, in a few words
	right string   // what should come of it
	asked []string // the programs put through it; nil: all
	run   func(context.Context, *stand) (verdict, error)
}

// verdict is what a program did.
type verdict struct {
	text  string
	right bool
}

// hardships in the order of the table.
var hardships = []hardship{
	logReaderLeaves,
	reloadWhileDraining,
	reloadAtStart,
	fewDescriptors,
	slowConnections,
	slowUploads,
	startedUploads,
	workThenDeath,
	workThenDeathOfAll,
	hungServer,
	patienceByDefault,
	bodyMemory,
	connectionTokens,
	heavyScrape,
	quietTLS,
}

// steelyardOnly is for what the others do not have.
var steelyardOnly = []string{peers.Steelyard}

func (h hardship) asks(program string) bool {
	return h.asked == nil || slices.Contains(h.asked, program)
}

func names(list []hardship) []string {
	var all []string
	for _, h := range list {
		all = append(all, h.name)
	}
	return all
}
