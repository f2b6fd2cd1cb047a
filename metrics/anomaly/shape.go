// How the times of requests are spread in calm hours, and what one says of its server.

package anomaly

import "math"

const (
	// grain is the width of a bin, of logarithms of times, and bins how many there are around the usual time: from a
	// 600th of it to 600 times as much. What is farther away is in the outermost bin.
	grain, bins = 0.1, 128
	// blur is over how many bins a request is spread (a standard deviation): few requests make no smooth shape.
	blur = 2.5
	// supposed is how many requests a plain shape counts for before any are known, and supposedWide how wide that is.
	supposed, supposedWide = 50, 1.0
	// shapeOver is the number of looks after which a request counts for a third.
	shapeOver = 6 * 60 * looksPerMinute
	// shapeKnown is how many requests it takes for a shape to count.
	shapeKnown = 300
	// mostPerRequest bounds what one request says, as a logarithm of how much likelier it makes a slow server.
	mostPerRequest = 2.0
	// farthest is the largest shift that is looked for, in bins.
	farthest = 40
)

// spread counts requests by their time.
type spread [bins]float32

// binOf is where a time belongs, as a logarithm beside the usual.
func binOf(x float64) int { return int(min(max(math.Floor(x/grain)+bins/2, 0), bins-1)) }

// shape is the spread of times in calm times, and what follows from it. Whatever it looks like, a server that is slower
// moves it; how likely its times are then, beside how likely they are now, says all that they say (Neyman and Pearson).
type shape struct {
	Counts [bins]float64 // they fade
	All    float64
	logs   [bins]float64 // of how likely a time is
	score  [bins]float64 // of how much likelier it is where the server is slower
	mean   float64       // of score, in calm times
	spread float64       // its variance
}

// known says whether there is enough to go by.
func (s *shape) known() bool { return s.All >= shapeKnown }

// learn takes the requests of a calm look.
func (s *shape) learn(c *spread) {
	const fade = 1 - 1.0/shapeOver
	s.All *= fade
	for i := range c {
		s.Counts[i] = s.Counts[i]*fade + float64(c[i])
		s.All += float64(c[i])
	}
}

// settle works out what follows; slower is the logarithm of the factor that a slow server is taken to be slower by.
func (s *shape) settle(slower float64) {
	const reach = 8 // bins to each side, three deviations
	var kernel [2*reach + 1]float64
	sum := 0.0
	for i := range kernel {
		kernel[i] = bell(float64(i-reach) / blur)
		sum += kernel[i]
	}
	var part [bins]float64
	for i := range part {
		// Everywhere something is possible: one request is no proof.
		part[i] = supposed*bell((float64(i-bins/2)+0.5)*grain/supposedWide)*grain/supposedWide + (s.All+supposed)*1e-4/bins
	}
	for i, n := range s.Counts {
		for j := range kernel {
			part[min(max(i+j-reach, 0), bins-1)] += n * kernel[j] / sum
		}
	}
	all := 0.0
	for _, p := range part {
		all += p
	}
	s.mean, s.spread = 0, 0
	for i, p := range part {
		s.logs[i] = math.Log(p / all)
	}
	for i, p := range part {
		s.score[i] = min(max(s.at(float64(i)-slower/grain)-s.logs[i], -mostPerRequest), mostPerRequest)
		s.mean += p / all * s.score[i]
		s.spread += p / all * s.score[i] * s.score[i]
	}
	s.spread = max(s.spread-s.mean*s.mean, 1e-6)
}

// bell is the normal curve.
func bell(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }

// at is the logarithm of how likely a place between two bins is.
func (s *shape) at(place float64) float64 {
	low := math.Floor(place)
	part := place - low
	in := func(i float64) float64 { return s.logs[int(min(max(i, 0), bins-1))] }
	return in(low)*(1-part) + in(low+1)*part
}

// moved is by how much the shape must be moved for some requests to be likeliest.
func (s *shape) moved(c *spread) float64 {
	var likely [2*farthest + 1]float64
	for i, n := range c {
		if n == 0 {
			continue
		}
		for shift := range likely {
			likely[shift] += float64(n) * s.logs[min(max(i-shift+farthest, 0), bins-1)]
		}
	}
	best := 0
	for i := range likely {
		if likely[i] > likely[best] {
			best = i
		}
	}
	top := float64(best)
	if best > 0 && best < len(likely)-1 { // the top of the curve through the best and its neighbours
		before, after := likely[best-1], likely[best+1]
		if bend := before - 2*likely[best] + after; bend < 0 {
			top += (before - after) / (2 * bend)
		}
	}
	return (top - farthest) * grain
}
