package sim

import (
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

const (
	firstLearning = 200  // rows, from which on more than hints counts, as a predict.Predictor has it
	mostRows      = 5120 // that are learned from: the latest, as many as it keeps
)

// learner is what one balancer learns of the work of requests. What learns in a program that runs goes by the time of day;
// here a predict.Trainer, which does not, makes a new Predictor each time the rows have doubled.
type learner struct {
	predictor *predict.Predictor
	alike     float64       // what every request is taken for while hints tell nothing; 0: they do
	rows      []predict.Row // a ring of the latest
	seen, due int           // rows ever, and with how many the next Predictor is made
	seed      uint64
}

func newLearner(seed uint64) *learner {
	return &learner{predictor: predict.New(predict.Options{Seed: seed}), due: firstLearning, seed: seed}
}

func features(r trace.Request) predict.Features {
	return predict.Features{PromptBytes: r.PromptBytes, MaxTokens: r.MaxTokens, Stream: r.Stream}
}

func (l *learner) work(r trace.Request) float64 {
	if l.alike > 0 {
		return l.alike
	}
	return l.predictor.Work(nil, features(r))
}

// finished learns from a request that is done.
func (l *learner) finished(row predict.Row) error {
	if len(l.rows) < mostRows {
		l.rows = append(l.rows, row)
	} else {
		l.rows[l.seen%mostRows] = row
	}
	if l.seen++; l.seen < l.due {
		return nil
	}
	l.due *= 2
	trainer, sum := predict.NewTrainer(predict.TrainOptions{Seed: l.seed, Epochs: 30}), 0.0
	for i := range l.rows {
		trainer.Add(&l.rows[i])
		sum += l.rows[i].Work
	}
	if trainer.Cleaned()[predict.Kept] < firstLearning/2 {
		return nil // engines that fail teach nothing
	}
	next, trained, err := trainer.Train()
	if err != nil {
		return err
	}
	l.predictor, l.alike = next, 0
	// A Trainer chooses its rule by the rows that it chose its settings by, and few of them take noise for a regression. What
	// learns in a program chooses by others.
	if rules := trained[0].Score.Rules; rules[trained[0].Rule].R2 <= rules[predict.Mean].R2 {
		l.alike = sum / float64(len(l.rows))
	}
	return nil
}

// learn tells the learner of its balancer what request i was, which held its endpoint for so long.
func (f *fleet) learn(i int32, service time.Duration) {
	p := f.pool[i]
	r, e := f.loop.trace.Requests[i], f.told[p][f.loop.results.Served[i]]
	err := f.learners[p].finished(predict.Row{
		Features: features(r), Work: service.Seconds() * e.Capacity / float64(max(e.Slots, 1)),
		Service: service, Class: f.outcome.Class.String(), Status: f.outcome.Status,
	})
	if err != nil {
		f.err = err
	}
}
