package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGroupMemory reads the limits of control groups as either version has them.
func TestGroupMemory(t *testing.T) {
	for name, c := range map[string]struct {
		membership string
		files      map[string]string
		want       int64
	}{
		"container":           {"0::/\n", map[string]string{"memory.max": "1048576\n"}, 1 << 20},
		"no limit":            {"0::/\n", map[string]string{"memory.max": "max\n"}, 0},
		"the least of a path": {"0::/a/b\n", map[string]string{"a/memory.max": "4096\n", "a/b/memory.max": "8192\n"}, 4096},
		"version 1": {"5:cpu:/x\n4:memory:/m\n", map[string]string{
			"memory/memory.limit_in_bytes": "9223372036854771712\n", "memory/m/memory.limit_in_bytes": "8192\n", "cpu/x/memory.limit_in_bytes": "1\n"}, 8192},
		"nothing to read": {"0::/gone\nrubbish\n", nil, 0},
		"rubbish":         {"0::/\n", map[string]string{"memory.max": "many\n"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			membership := filepath.Join(folder, "cgroup")
			require.NoError(t, os.WriteFile(membership, []byte(c.membership), 0o600))
			for file, text := range c.files {
				require.NoError(t, os.MkdirAll(filepath.Join(folder, filepath.Dir(file)), 0o700))
				require.NoError(t, os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600))
			}
			require.Equal(t, c.want, groupMemory(membership, folder))
		})
	}
	require.Zero(t, groupMemory(filepath.Join(t.TempDir(), "none"), t.TempDir()))
}

func TestMachineMemory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "meminfo")
	require.NoError(t, os.WriteFile(file, []byte("MemFree:  12 kB\nMemTotal:       2048 kB\n"), 0o600))
	require.EqualValues(t, 2<<20, machineMemory(file))
	require.Zero(t, machineMemory(file+".gone"))
	require.EqualValues(t, 3, leastOf(0, 7, 3, 0))
	require.Zero(t, leastOf(0, 0))
}
