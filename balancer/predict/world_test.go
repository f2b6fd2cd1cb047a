package predict

import (
	"math"
	"math/rand/v2"
)

// world is a made-up truth: what requests look like, and what work they are.
type world func(*rand.Rand) (Features, float64)

// linear work is a sum over the plain terms, which the hints cannot follow: a token of the answer costs ten times one of
// the prompt, and every request has a cost of its own.
func linear(noise float64) world {
	return func(random *rand.Rand) (Features, float64) {
		f := someFeatures(random)
		prompt, tokens, said := f.parts()
		work := 2 + 0.001*prompt + 0.01*tokens
		if !said {
			work += 5
		}
		if f.Stream {
			work += 0.5
		}
		return f, work * (1 + noise*(random.Float64()-0.5))
	}
}

func (f Features) parts() (prompt, tokens float64, said bool) {
	tokens, said = f.tokens()
	return f.prompt(), tokens, said
}

func someFeatures(random *rand.Rand) Features {
	f := Features{
		PromptBytes: int(2000 * math.Exp(random.NormFloat64())),
		MaxTokens:   1 + int(300*random.ExpFloat64()),
		Stream:      random.IntN(2) == 0,
	}
	if random.IntN(4) == 0 {
		f.MaxTokens = 0
	}
	return f
}

// uninformed work has nothing to do with what is said of it.
func uninformed(random *rand.Rand) (Features, float64) {
	return someFeatures(random), random.ExpFloat64()
}

// hinted work is what the hints say, but for noise.
func hinted(random *rand.Rand) (Features, float64) {
	f := Features{PromptBytes: 1 + random.IntN(4000), MaxTokens: 1 + random.IntN(1000)}
	return f, 0.01 * f.hints() * (0.9 + 0.2*random.Float64())
}

// curved work grows with max_tokens only as far as answers go by themselves.
func curved(random *rand.Rand) (Features, float64) {
	f := Features{PromptBytes: 100 + random.IntN(1000), MaxTokens: int(math.Exp2(4 + 8*random.Float64()))}
	return f, math.Min(float64(f.MaxTokens), 100*random.ExpFloat64()) + 1
}

// feed gives a predictor n good rows of a world, as Run would take them, and lets it learn
// once every so often, with time enough in between for a search each time.
func (p *Predictor) feed(model string, w world, n int, random *rand.Rand) {
	now := p.searched.Add(searchEvery)
	for i := range n {
		f, work := w(random)
		p.take(good(model, f, work), now)
		if i%200 == 199 {
			p.learn(now)
			now = now.Add(searchEvery)
		}
	}
	p.learn(now)
}

func good(model string, f Features, work float64) *Row {
	return &Row{Model: model, Features: f, Work: work, Class: "answered", Status: 200}
}

func (p *Predictor) stateOf(model string) ModelState {
	for _, m := range p.State().Models {
		if m.Model == model {
			return m
		}
	}
	return ModelState{}
}
