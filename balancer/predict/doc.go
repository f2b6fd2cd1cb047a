// Package predict learns how much work a request will be from what can be known before it
// is sent: the model it asks for, the bytes of its prompt, its max_tokens, and whether it
// streams. It is a leaf: numbers in, numbers out.
//
// Work is measured in service time × C_i / slots_i of the endpoint that did it, so that
// one request is the same work wherever it was done. Work compares only where capacities are
// in one unit: upstreams that measure theirs otherwise need a Predictor of their own.
//
// Each model has a linear regression, fitted by mini-batch gradient descent to a bounded
// number of recent requests. It is tested on requests that it has not learned from, and
// compared with two simpler rules: the hints as they are (prompt bytes / 4 + max_tokens,
// scaled), and the mean. The best of the three is used. Where hints say nothing of the work
// that is the mean, so that requests ordered by their work stay in the order in which they
// came. The same holds for a Trainer, which learns from a log away from any traffic, and for a
// file that is loaded: what is not proven better than the mean is not used. A model with too
// few requests is predicted from all models together.
//
// Names of models come from clients. So requests of a new name count only for all models
// together, until there were some good ones; and no name pushes out one that has had more
// requests. The cost of learning is bounded, whatever comes: rows/s, models that learn at a
// time, and searches for settings. At 16,000 rows/s it takes 2 to 4 ms of a core each second.
//
// Any goroutine may call Work, which reads one table that is replaced and never written, and
// Finished, which never waits. Only the goroutine of Run learns and publishes. A simulation
// calls Look in its place, in virtual time.
//
//	p := predict.New(predict.Options{})
//	err := p.Load("work.json") // a file that cannot be read is set aside: see DamagedError
//	go p.Run(ctx)
//	err = p.Keep() // now and then, and at the end
//	work := p.Work(model, predict.Features{PromptBytes: 900, MaxTokens: 200})
//	p.Finished(predict.Row{Model: "llama", Features: features, Work: 1.7, Class: "answered", Status: 200})
package predict
