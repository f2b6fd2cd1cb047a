// Means with their errors, and histograms by factor.

package advice

import "math"

// spread is the mean of some values, how far it may be off in one case of ten, and their number.
type spread struct {
	mean, error float64
	n           int
}

// spreadOf takes the values for independent. Of fewer than two nothing is known of the error.
func spreadOf(values []float64) spread {
	s := spread{n: len(values), error: math.Inf(1)}
	if s.n == 0 {
		return s
	}
	for _, v := range values {
		s.mean += v / float64(s.n)
	}
	if s.n < 2 {
		return s
	}
	sum := 0.0
	for _, v := range values {
		sum += (v - s.mean) * (v - s.mean)
	}
	s.error = student(s.n-1) * math.Sqrt(sum/float64(s.n-1)/float64(s.n))
	return s
}

// students are the 95 % quantiles of Student's distribution, by degrees of freedom from 1 on.
var students = []float64{6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753}

func student(freedom int) float64 {
	if freedom <= len(students) {
		return students[freedom-1]
	}
	return 1.645 + 1.6/float64(freedom) // within 0.005 of it
}

// blocks cuts n things into so many blocks, as equal as can be, and calls each with its ends.
func blocks(n, count int, each func(from, to int)) {
	for i := range count {
		each(i*n/count, (i+1)*n/count)
	}
}

// factor is the ratio from one bucket of a histogram to the next.
const factor = 1.05

var logFactor = math.Log(factor)

// histogram counts positive values in buckets of 5 %. Its zero value is empty.
type histogram struct {
	low    int // the bucket that counts begins with
	counts []int
	n      int // of all buckets
	extra  int // over all values that were added: how many each stands for beside itself, times for how many it stands
}

// add counts a value that stands for n.
func (h *histogram) add(x float64, n int) {
	if x > 0 && !math.IsInf(x, 1) {
		h.put(int(math.Round(math.Log(x)/logFactor)), n)
		h.extra += n * (n - 1)
	}
}

// each is for how many a value stands, weighed by that; 1 of an empty one.
func (h *histogram) each() float64 { return 1 + float64(h.extra)/float64(max(h.n, 1)) }

// worth is how many values that stand for themselves say as much (Kish's effective number).
func (h *histogram) worth() int { return int(float64(h.n) / h.each()) }

// put counts n values of a bucket.
func (h *histogram) put(bucket, n int) {
	const room = 8 // buckets that are added at once
	if h.counts == nil {
		h.low = bucket - room/2
	}
	if missing := h.low - bucket; missing > 0 {
		h.counts = append(make([]int, missing+room), h.counts...)
		h.low -= missing + room
	}
	if missing := bucket - h.low + 1 - len(h.counts); missing > 0 {
		h.counts = append(h.counts, make([]int, missing+room)...)
	}
	h.counts[bucket-h.low] += n
	h.n += n
}

// of is how many values a bucket has.
func (h *histogram) of(bucket int) int {
	if at := bucket - h.low; at >= 0 && at < len(h.counts) {
		return h.counts[at]
	}
	return 0
}

// all yields the buckets that have values, and how many, the least first.
func (h *histogram) all(yield func(bucket, n int) bool) {
	for i, n := range h.counts {
		if n > 0 && !yield(h.low+i, n) {
			return
		}
	}
}

// quantile is 0 of an empty one.
func (h *histogram) quantile(q float64) float64 {
	left := q * float64(h.n)
	for b, n := range h.all {
		if left -= float64(n); left <= 0 {
			return middle(b)
		}
	}
	return 0
}

func middle(bucket int) float64 { return math.Pow(factor, float64(bucket)) }

func (h *histogram) join(other *histogram) (sum histogram) {
	for _, one := range []*histogram{h, other} {
		for b, n := range one.all {
			sum.put(b, n)
		}
		sum.extra += one.extra
	}
	return sum
}
