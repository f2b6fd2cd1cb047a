// What is asked of a run.

package elastic

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/configs"
)

// Name and Title are those of the bench.
const (
	Name  = "elastic"
	Title = "As many servers as the work needs: replica-hours and seconds over the objective, by rule"
)

// Options describe a run.
type Options struct {
	Only     []string // courses by name; none: all
	Folder   string   // of the published traces; "": only generated courses
	Seed     uint64   // the first
	Seeds    int      // of generated courses; 3 when 0
	Days     int      // of generated courses, at most; 0: as many as each has
	Live     bool     // measured through sockets, in place of all courses
	Program  string   // steelyard, for Live
	Command  []string
	Progress func(Step) // is called now and then, from any goroutine
}

// Step is how far a run is.
type Step struct {
	Doing string
	Done  float64 // 0 to 1
	Left  time.Duration
}

func (o Options) withDefaults() Options {
	o.Seed, o.Seeds = cmp.Or(o.Seed, 1), cmp.Or(o.Seeds, 3)
	return o
}

// Names are those of the courses.
func Names() (list []string) {
	for _, k := range kinds {
		list = append(list, k.name)
	}
	return list
}

// Check refuses what cannot be meant.
func (o Options) Check() error {
	if o.Live && (len(o.Only) > 0 || o.Folder != "" || o.Seeds > 1 || o.Days != 0) {
		return errors.New("--live: is one day of its own, so leave out --only, --traces, --seeds and --days")
	}
	for _, name := range o.Only {
		i := slices.Index(Names(), name)
		if i < 0 {
			return fmt.Errorf("--only: there is no course %q: %s", name, configs.Suggest(name, Names()))
		}
		if kinds[i].file != "" && o.Folder == "" {
			return fmt.Errorf("--only %q: is published in %s, give its folder by --traces", name, kinds[i].file)
		}
	}
	if o.Folder != "" && !slices.ContainsFunc(kinds, func(k kind) bool { return k.file != "" && o.has(k) }) {
		return fmt.Errorf("--traces %s: none of the published files is there, such as %s: give the folder that has them", o.Folder, kinds[0].file)
	}
	if o.Seeds < 0 || o.Seeds > 1000 {
		return fmt.Errorf("--seeds %d: give 1 to 1000, or leave it out for 3", o.Seeds)
	}
	if o.Days < 0 || o.Days > 28 {
		return fmt.Errorf("--days %d: give 1 to 28, or leave it out for as many as each course has", o.Days)
	}
	return nil
}

// has says whether the file of a published course is there.
func (o Options) has(k kind) bool {
	_, err := os.Stat(filepath.Join(o.Folder, k.file))
	return err == nil
}

// wanted are the courses of a run, and those that are left out for want of a file.
func (o Options) wanted() (list []kind, missing []string) {
	for _, k := range kinds {
		switch {
		case len(o.Only) > 0 && !slices.Contains(o.Only, k.name):
		case k.file != "" && !o.has(k):
			missing = append(missing, k.name)
		default:
			if o.Days > 0 {
				k.days = min(k.days, max(float64(o.Days), k.least))
			}
			list = append(list, k)
		}
	}
	return list, missing
}

// List names the courses, for people.
func List() string { return strings.Join(Names(), ", ") }
