// Reading a scenario by its name or its path.

package scenario

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/steelyard-proxy/steelyard/configs"
)

//go:embed *.yaml
var embedded embed.FS

// Names are the scenarios that are part of the program, sorted.
func Names() []string {
	entries, err := embedded.ReadDir(".")
	if err != nil {
		panic("BUG: list scenarios: " + err.Error()) // they are in the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

// Load reads a scenario by its name, or by its path: what has a separator or ends in .yaml or .yml. Its policies are held to
// those given. An error is one line; one of a name that is not known names the others, too, as they can be run as well.
func Load(name string, policies []string, others ...string) (*Scenario, error) {
	if isPath(name) {
		data, err := os.ReadFile(name)
		if err != nil {
			bare := strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
			switch {
			case errors.Is(err, fs.ErrNotExist) && slices.Contains(Names(), bare):
				return nil, fmt.Errorf("read scenario %s: there is no such file: for the scenario of the program say %s", name, bare)
			case errors.Is(err, fs.ErrNotExist):
				return nil, fmt.Errorf("read scenario %s: there is no such file: give the path of yours, or one of the program: %s", name, strings.Join(Names(), ", "))
			}
			return nil, fmt.Errorf("read scenario: %w", err)
		}
		s, err := Parse(name, data, policies)
		if err != nil {
			return nil, err
		}
		for i := range s.Cases { // named from where the file is
			if c := &s.Cases[i]; c.Trace != "" && !filepath.IsAbs(c.Trace) {
				c.Trace = filepath.Join(filepath.Dir(name), c.Trace)
			}
		}
		return s, nil
	}
	data, err := embedded.ReadFile(name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("no scenario is called %q: %s (a file of your own: give its path, ending in .yaml)", name, configs.Suggest(name, append(Names(), others...)))
	}
	return Parse(name+".yaml", data, policies)
}

func isPath(name string) bool {
	return strings.ContainsRune(name, filepath.Separator) || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// Parse decodes and checks a scenario; file is for messages, and gives the name.
func Parse(file string, data []byte, policies []string) (*Scenario, error) {
	s := &Scenario{Name: strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(s); err != nil {
		return nil, fmt.Errorf("%s: %w", file, oneLine(err))
	}
	var tree yaml.Node
	if err := yaml.Unmarshal(data, &tree); err != nil {
		return nil, fmt.Errorf("%s: %w", file, oneLine(err))
	}
	if err := plainNumbers(&tree); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := decoder.Decode(new(yaml.Node)); err == nil {
		return nil, fmt.Errorf("%s: holds more than one document: keep one scenario in a file", file)
	}
	s.withDefaults()
	if err := s.check(policies); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}
