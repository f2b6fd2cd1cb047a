// From a file and the environment to a configuration.

package configs

import (
	"errors"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// Load reads the configuration file at the given path. env is the environment as [os.Environ] gives it; variables
// called STEELYARD_… override the file's scalars outside lists. The error, if any, is *Errors and holds every problem
// that was found. Load keeps no state and is safe for concurrent use.
func Load(path string, env []string) (*Config, error) {
	cfg, _, err := Examine(path, env)
	return cfg, err
}

// Parse is Load for a file's content. Messages call the file name, and relative file names in the content start at
// name's folder.
func Parse(name string, data []byte, env []string) (*Config, error) {
	return newReport(name).parse(data, env)
}

func (r *report) parse(data []byte, env []string) (*Config, error) {
	settings, ok := r.readFile(data)
	if !ok {
		return nil, r.err()
	}
	overrides := r.readEnv(env)
	cfg, err := decode(settings, overrides)
	if err != nil {
		r.addAt(place{}, "", "", "decode configuration: %v", err)
		return nil, r.err()
	}
	folder, err := filepath.Abs(filepath.Dir(r.file))
	if err != nil {
		r.addAt(place{}, "", "give its absolute path", "find the folder of the file: %v", err)
		return nil, r.err()
	}
	cfg.resolve(folder, r.places)
	r.validate(cfg)
	if err := r.err(); err != nil {
		return nil, err
	}
	return cfg, nil
}

// readFile turns the file's content into plain values. ok is false if there is nothing to go on with.
func (r *report) readFile(data []byte) (settings map[string]any, ok bool) {
	tree, ok := r.parseTree(data)
	if !ok {
		return nil, false
	}
	if tree == nil || isNull(tree) {
		return map[string]any{}, true
	}
	settings, ok = r.read(tree, reflect.TypeFor[Config](), "").(map[string]any)
	return settings, ok
}

// decode lays the settings over the defaults, and the overrides over the settings. Viper joins keys by "::", because it
// would split a name at its dots. Each load has a viper of its own, because viper must not be read while it changes.
func decode(settings map[string]any, overrides map[path]any) (*Config, error) {
	const delimiter = "::"
	v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
	if err := v.MergeConfigMap(settings); err != nil {
		return nil, err
	}
	for p, value := range overrides {
		v.Set(strings.ReplaceAll(string(p), ".", delimiter), value)
	}
	cfg := defaults()
	strictly := func(c *mapstructure.DecoderConfig) {
		c.TagName = "yaml"
		c.WeaklyTypedInput = false
	}
	if err := v.UnmarshalExact(cfg, viper.DecodeHook(layDefaults), strictly); err != nil {
		return nil, err
	}
	return cfg, nil
}

// fileRemedy is what to do about a configuration file that cannot be read.
func fileRemedy(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "let the user that steelyard runs as read it"
	}
	return "give the path of a YAML file"
}

// fileCause is an error of the file system without the path, which the message already names.
func fileCause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
