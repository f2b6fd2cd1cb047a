// Package predict learns how much work a request will be from what can be known before it
// is sent: the model it asks for, the bytes of its prompt, its max_tokens, and whether it
// streams. It is a leaf: numbers in, numbers out.
//
// Work is measured in service time × C_i / slots_i of the endpoint that did it, so that
// one request is the same work wherever it was done. Work compares only where capacities are
// in one unit: upstreams that measure theirs otherwise need a Predictor of their own.
//
// Each model has a linear regression, fitted by mini-batch gradient descent to a bounded
// number of recent requests. What it learns is held against requests that it has not
// learned from, and against two lesser rules: the hints as they are (prompt bytes / 4 +
// max_tokens, scaled), and the mean. The best of the three is used. Where hints tell
// nothing that is the mean, and requests ordered by their work stay in the order in which
// they came. A Trainer, which learns from a log away from any traffic, and a file that is
// loaded are held to the same: what is not proven better than the mean is not used. A model
// with too few requests, or none, is predicted from all models together.
//
// Names of models come from clients, so a name counts for nothing but all together until
// some good requests had it, and one with more of them does not leave for one with fewer.
// What learning costs is bounded too, whatever comes: rows/s, models that learn at a time,
// and searches for settings. At 16,000 rows/s it takes 2 to 4 ms of a core each second.
//
// Work may be called from any goroutine: it reads one table that is replaced, never
// written. Finished may be called from any goroutine too, and never waits. The goroutine
// of Run is the only one that learns and publishes; a simulation calls Look in its place, in
// virtual time.
//
//	p := predict.New(predict.Options{})
//	err := p.Load("work.json") // a file that cannot be read is set aside: see DamagedError
//	go p.Run(ctx)
//	err = p.Keep() // now and then, and at the end
//	work := p.Work(model, predict.Features{PromptBytes: 900, MaxTokens: 200})
//	p.Finished(predict.Row{Model: "llama", Features: features, Work: 1.7, Class: "answered", Status: 200})
package predict
