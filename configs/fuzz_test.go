package configs

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzParse: nothing makes the load panic; what it accepts is printed and read back as the same; what it refuses has
// a place and a reason.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"*.yaml", "testdata/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds in %s: %v", pattern, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(content, "STEELYARD_LOG_LEVEL=debug")
		}
	}
	f.Add([]byte("---\n"), "STEELYARD_ADMIN_ADDRESS=")
	f.Add([]byte("&a [*a]"), "STEELYARD_")
	f.Add([]byte("&a {*a : *a}"), "")
	folder := certificateFolder(f)
	f.Fuzz(func(t *testing.T, content []byte, env string) {
		name := filepath.Join(folder, "fuzz.yaml")
		cfg, err := Parse(name, content, []string{env})
		if err != nil {
			checkErrors(t, err)
			return
		}
		text, err := cfg.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(name, text, nil)
		if err != nil {
			t.Fatalf("printed and refused: %v\n%s", err, text)
		}
		if second, err := again.YAML(); err != nil || string(second) != string(text) {
			t.Fatalf("%v: first\n%s\nthen\n%s", err, text, second)
		}
	})
}

func checkErrors(t *testing.T, err error) {
	var problems *Errors
	if !errors.As(err, &problems) || len(problems.List) == 0 {
		t.Fatalf("refused without problems: %v", err)
	}
	for _, problem := range problems.List {
		if problem.Place == "" || problem.What == "" || problem.Remedy == "" {
			t.Fatalf("a problem says too little: %+v", problem)
		}
	}
}
