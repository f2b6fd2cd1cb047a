// What one answer of an engine said.

package load

import "github.com/steelyard-proxy/steelyard/health/failure"

// Figure is a number that an engine has said, 0 or more, or Unknown.
type Figure float64

// Unknown is a figure that the engine did not say.
const Unknown Figure = -1

// Known reports whether the engine has said it.
func (f Figure) Known() bool { return f >= 0 }

// Reading is what one answer of an engine said.
type Reading struct {
	Engine         string // by its name in the table
	Running        Figure // requests in its batch
	Waiting        Figure // requests that wait for it
	CacheUsedRatio Figure // of its KV cache
	CacheTokens    Figure // for which the cache has room
	Finished       Figure // requests, since it started

	progress Figure   // tokens, since it started
	started  Figure   // when its process did, in a unit of its own
	models   []string // that are in memory, sorted; nil: it says nothing of them
}

// nothing is a reading in which all is unknown.
func nothing() Reading {
	return Reading{
		Running: Unknown, Waiting: Unknown, CacheUsedRatio: Unknown, CacheTokens: Unknown, Finished: Unknown,
		progress: Unknown, started: Unknown,
	}
}

// requests is how many the engine has, running or waiting.
func (r *Reading) requests() Figure {
	switch {
	case !r.Running.Known() && !r.Waiting.Known():
		return Unknown
	case !r.Running.Known():
		return Unknown // those that wait are not all
	}
	return r.Running + max(r.Waiting, 0)
}

// restarted says in what the engine shows that it has lost its cache since an earlier reading; ""
// if it does not.
func (r *Reading) restarted(since *Reading) string {
	back := func(now, then Figure) bool { return now.Known() && then.Known() && now < then }
	switch {
	case r.started.Known() && since.started.Known() && r.started != since.started:
		return "its process has another time of start"
	case back(r.Finished, since.Finished):
		return "its count of finished requests went back"
	case back(r.progress, since.progress):
		return "its count of tokens went back"
	}
	for _, model := range since.models {
		if r.models != nil && !contains(r.models, model) {
			return "model " + failure.Short(model) + " has left its memory"
		}
	}
	return ""
}
