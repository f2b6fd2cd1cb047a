package predict

import (
	"fmt"
	"testing"
	"time"
)

// learned is a predictor that knows some models well, by wide terms.
func learned(models int) *Predictor {
	p := New(Options{})
	random := newRandom(1)
	for m := range models {
		p.feed(fmt.Sprint("meta-llama/Llama-3-", m), curved, 1000, random)
	}
	for _, l := range p.models {
		l.formula.rule, l.formula.wide = Regression, true
	}
	p.publish()
	return p
}

func BenchmarkWork(b *testing.B) {
	p := learned(20)
	for _, model := range []string{"meta-llama/Llama-3-7", "never seen"} {
		b.Run(model, func(b *testing.B) {
			b.ReportAllocs()
			name := []byte(model)
			for i := 0; b.Loop(); i++ {
				p.Work(name, Features{PromptBytes: i & 4095, MaxTokens: i & 1023})
			}
		})
	}
}

func BenchmarkFinished(b *testing.B) {
	b.ReportAllocs()
	p := New(Options{})
	row := Row{Model: "m", Features: Features{PromptBytes: 100, MaxTokens: 20}, Work: 1, Class: "answered", Status: 200}
	for i := 0; b.Loop(); i++ {
		p.Finished(row)
		if len(p.rows) == cap(p.rows) {
			b.StopTimer()
			for len(p.rows) > 0 {
				<-p.rows
			}
			b.StartTimer()
		}
	}
}

// BenchmarkLearn is what a second's rows at 16,000/s cost, to hand over and to learn from:
// 10 ms each are 1 % of a core.
func BenchmarkLearn(b *testing.B) {
	for _, models := range []int{1, 4, 64} {
		b.Run(fmt.Sprint(models, " models"), func(b *testing.B) {
			p, random := New(Options{}), newRandom(1)
			names := make([]string, models)
			for m := range names {
				names[m] = fmt.Sprint("model ", m)
			}
			rows := make([]Row, 16_000)
			for i := range rows {
				f, work := linear(0.3)(random)
				rows[i] = *good(names[i%models], f, work)
			}
			now := time.Now()
			second := func() {
				for range 4 {
					for range 4000 {
						p.Finished(rows[random.IntN(len(rows))])
					}
					now = now.Add(LookEvery)
					p.takeAll(now)
				}
				p.learn(now)
			}
			for range 300 { // until it is full, and has chosen its settings
				second()
			}
			b.ReportAllocs()
			for b.Loop() {
				second()
			}
		})
	}
}
