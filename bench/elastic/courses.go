// All courses: published hours and generated days.

package elastic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"

	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// usualSetup is the fleet of a course: replicas of 8 slots, a mean request takes 10 s of one (330 tokens at 30 ms), and a start
// takes 90 s.
var usualSetup = setup{slots: 8, unit: 10, start: 90, min: 1, max: 16, first: 3, wait: 2, most: 60, queue: 1000, from: 1800}

// busiest is how many replicas the usual greatest level keeps busy.
const busiest = 7

// rate is the requests per second of level 1.
func (s *setup) rate() float64 { return busiest * s.capacity() }

// kind is one kind of course.
type kind struct {
	name  string
	about string
	file  string // as it is published; "": it is generated
	start float64
	days  float64
	least float64 // days that it needs
	make  func(k kind, seed uint64) *course
}

// kinds are all that there are.
var kinds = []kind{
	{name: "azure conv", about: "Azure's conversations of 2023, the hour as it was, twice", file: "azure-2023-conv.csv.gz"},
	{name: "azure code", about: "Azure's code of 2023, the hour as it was, twice", file: "azure-2023-code.csv.gz"},
	{name: "mooncake conv", about: "Mooncake's conversations, the hour as it was, twice", file: "mooncake-conversation.jsonl.gz"},
	{name: "mooncake docs", about: "Mooncake's synthetic trace, 17 minutes as they were, four times", file: "mooncake-synthetic.jsonl.gz"},
	{name: "week", about: "a working week", days: 7, make: ofSeason(working, nil)},
	{name: "week, 20 s", about: "the same, a start takes 20 s", days: 2, start: 20, make: ofSeason(working, nil)},
	{name: "week, 277 s", about: "the same, a start takes 277 s", days: 2, start: 277, make: ofSeason(working, nil)},
	{name: "bursty week", about: "the same, with the gaps and answers of Azure's conversations", days: 2, make: burstyWeek},
	{name: "peaks", about: "three short rushes each day", days: 2, make: ofSeason(peaks, nil)},
	{name: "viral", about: "a working week, and at an unforeseen time three times as many within a minute, which fades over hours", days: 2, least: 2, make: ofSeason(working, viral)},
	{name: "on/off", about: "a low level, and spells of seven times as many at any time, half an hour in the mean", days: 2, make: ofSeason(flat, onOff)},
	{name: "ramp", about: "after weeks of quiet a day that rises for four hours and falls again", days: 1, make: ofSeason(flat, ramp)},
	{name: "closed loop", about: "up to 250 users who ask, wait, think for 30 s and ask again; fewer at night", days: 2, make: closedLoop},
}

// change makes a level of the usual one.
type change func(k kind, chance *rand.Rand) func(at, usual float64) float64

// ofSeason are days of a season, with something else in them.
func ofSeason(usual func(float64, bool) float64, other change) func(kind, uint64) *course {
	return func(k kind, seed uint64) *course {
		c, s := k.begin(seed, usual)
		chance := rand.New(rand.NewPCG(seed, 79))
		level := s.level
		if other != nil {
			of := other(k, chance)
			level = func(at float64) float64 { return of(at, s.level(at)) }
		}
		c.draw(c.setup.rate(), level, chance.ExpFloat64, func() float32 { return drawWork(chance) })
		return c
	}
}

// begin is a course without requests, and its season.
func (k kind) begin(seed uint64, usual func(float64, bool) float64) (*course, *season) {
	c := &course{name: k.name, setup: usualSetup}
	c.setup.span = k.days * daySeconds
	if k.start > 0 {
		c.setup.start = k.start
	}
	s := newSeason(seed, k.days, usual)
	c.past = s.before(seed, c.setup.rate())
	return c, s
}

func viral(k kind, chance *rand.Rand) func(at, usual float64) float64 {
	begin := daySeconds * (0.4 + chance.Float64()*(k.days-1.5))
	return func(at, usual float64) float64 {
		since := at - begin
		if since < 0 {
			return usual
		}
		return usual + 0.7*min(since/60, 1)*math.Exp(-since/(3*3600))
	}
}

func onOff(k kind, chance *rand.Rand) func(at, usual float64) float64 {
	var turns []float64
	for at := 3600.0; at < k.days*daySeconds; {
		at += 5400 * chance.ExpFloat64()
		turns = append(turns, at)
		at += 1800 * chance.ExpFloat64()
		turns = append(turns, at)
	}
	i := 0
	return func(at, usual float64) float64 {
		for i < len(turns) && turns[i] <= at {
			i++
		}
		if i%2 == 1 {
			return 7 * usual * 0.6
		}
		return usual * 0.6
	}
}

func ramp(kind, *rand.Rand) func(at, usual float64) float64 {
	return func(at, usual float64) float64 {
		hours := at / 3600
		return usual + 0.8*max(min((hours-4)/4, 1, (16-hours)/4), 0)
	}
}

// burstyWeek has the gaps and the works of requests as Azure's conversations have them, in their order.
func burstyWeek(k kind, seed uint64) *course {
	c, s := k.begin(seed, working)
	t, err := trace.Workload{Name: "chat"}.Trace(seed)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	mean := t.Duration().Seconds() / float64(len(t.Requests)-1)
	i, j, n := 0, 0, len(t.Requests)
	gap := func() float64 {
		i = i%(n-1) + 1
		return (t.Requests[i].At - t.Requests[i-1].At).Seconds() / mean
	}
	work := func() float32 {
		j = (j + 1) % n
		return float32(t.Requests[j].Work)
	}
	c.draw(c.setup.rate(), s.level, gap, work)
	return c
}

// closedLoop has users in place of requests.
func closedLoop(k kind, seed uint64) *course {
	c, s := k.begin(seed, working)
	const most = 250
	for at := 0.0; at < c.setup.span; at += rateSeconds {
		c.rates = append(c.rates, 0.55*most*s.level(at)*c.setup.unit/(thinks+c.setup.unit)/float64(c.setup.slots))
	}
	c.users = &crowd{seed: seed, most: most, until: c.setup.span, there: func(at float64) float64 { return 0.55 * most * s.level(at) }}
	for i := range c.past { // so many of them ask at a time
		c.past[i] *= 0.55 * most / (thinks + c.setup.unit) / c.setup.rate()
	}
	return c
}

// busyReplicas is how many replicas a published hour keeps busy in the mean: engines are as large as that.
const busyReplicas = 4

// mostPublished is how many may be: code comes in bursts of 13 times the spread of chance.
const mostPublished = 48

// publishedCourse is a published trace, repeated; the first time is not judged.
func publishedCourse(k kind, folder string, seed uint64) (*course, error) {
	t, err := trace.Workload{Name: k.name, File: filepath.Join(folder, k.file)}.Trace(seed)
	if err != nil {
		return nil, err
	}
	if len(t.Requests) < 100 || t.Duration() <= 0 {
		return nil, fmt.Errorf("read trace %s: has %d requests: give the published file", k.file, len(t.Requests))
	}
	c := &course{name: k.name, setup: usualSetup, public: true}
	length := t.Duration().Seconds() + 1
	times := max(math.Ceil(3000/length), 1) + 1
	c.setup.unit = busyReplicas * float64(c.setup.slots) / t.Rate()
	c.setup.first, c.setup.from, c.setup.span, c.setup.max = busyReplicas+1, length, times*length, mostPublished
	for i := range int(times) {
		for j := range t.Requests {
			c.at = append(c.at, float64(i)*length+t.Requests[j].At.Seconds())
			c.work = append(c.work, float32(t.Requests[j].Work))
		}
	}
	return c, nil
}

// course is one of the kind; of a published one the seed draws only what its file leaves open.
func (k kind) course(folder string, seed uint64) (*course, error) {
	if k.file != "" {
		return publishedCourse(k, folder, seed)
	}
	return k.make(k, seed), nil
}
