package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTidierWaitsForQuiet(t *testing.T) {
	const mib = 1 << 20
	var collect tidier
	for i, c := range []struct {
		allocated, inUse uint64 // MiB
		worth            bool
	}{
		{2, 2, false},      // begins
		{2, 2, false},      // too little for it
		{60, 30, false},    // busy
		{120, 40, false},   // still
		{120, 40, true},    // over
		{120, 30, false},   // done
		{123, 30, false},   // busy, a little
		{124, 30, false},   // just as much as counts as busy
		{124, 30, false},   // not a quarter of what is in use
		{127, 30, false},   // busy
		{127, 28, true},    // a quarter
		{131, 0, false},    // busy
		{131, 0, true},     // the least that is worth it
		{900, 800, false},  // busy
		{900, 800, true},   // over
		{1050, 800, false}, // busy
		{1050, 800, false}, // not a quarter
	} {
		require.Equal(t, c.worth, collect.look(c.allocated*mib, c.inUse*mib), "look %d", i)
	}
}
