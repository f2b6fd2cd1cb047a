// What gateways learn of requests from each other: how much work they are, and how long their answers.

package app

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/cost"
)

const (
	// lessonsEvery is how often others are told, and lessonsKept for how long what one of them told counts.
	lessonsEvery, lessonsKept = 10 * time.Second, time.Minute
	// lessonsRoom is how many bytes of it are told at a time, of upstreams in turn.
	lessonsRoom = 64 << 10
)

// lessons are what other gateways have told, and when we told them.
type lessons struct {
	told  time.Time
	turn  int // the upstream that is told first
	heard map[lessonOf]lesson
}

// lessonOf is which gateway has told of which upstream.
type lessonOf struct{ upstream, gateway string }

type lesson struct {
	at      time.Time
	learned []byte
	answers *cost.Lesson
}

// tell adds what was learned here, of as many upstreams as there is room for.
func (l *lessons) tell(told *facts, upstreams []upstream, now time.Time) {
	if now.Sub(l.told) < lessonsEvery || len(upstreams) == 0 {
		return
	}
	l.told = now
	told.Learned, told.Answers = map[string]json.RawMessage{}, map[string]cost.Lesson{}
	room := lessonsRoom
	for i := range upstreams {
		u := &upstreams[(l.turn+i)%len(upstreams)]
		if answers, known := u.pool.Learned().Lesson(); known {
			told.Answers[u.name] = answers
		}
		if u.learner == nil {
			continue
		}
		text := u.learner.Tell()
		if room -= len(text); room < 0 && i > 0 {
			l.turn = (l.turn + i) % len(upstreams)
			return
		}
		if text != nil {
			told.Learned[u.name] = text
		}
	}
}

// note keeps what another gateway has told.
func (l *lessons) note(gateway string, told *facts, now time.Time) {
	if l.heard == nil {
		l.heard = map[lessonOf]lesson{}
	}
	keep := func(upstream string, change func(*lesson)) {
		of := lessonOf{upstream, gateway}
		is, known := l.heard[of]
		if !known && len(l.heard) >= mostFacts {
			return
		}
		is.at = now
		change(&is)
		l.heard[of] = is
	}
	for upstream, text := range told.Learned {
		keep(upstream, func(is *lesson) { is.learned = text })
	}
	for upstream, answers := range told.Answers {
		keep(upstream, func(is *lesson) { is.answers = &answers })
	}
}

// teach hands on what was heard lately.
func (l *lessons) teach(upstreams []upstream, now time.Time) {
	maps.DeleteFunc(l.heard, func(_ lessonOf, is lesson) bool { return now.Sub(is.at) > lessonsKept })
	learned, answers := map[string][][]byte{}, map[string][]cost.Lesson{}
	for _, of := range slices.SortedFunc(maps.Keys(l.heard), func(a, b lessonOf) int { return cmp.Compare(a.gateway, b.gateway) }) {
		is := l.heard[of]
		if is.learned != nil {
			learned[of.upstream] = append(learned[of.upstream], is.learned)
		}
		if is.answers != nil {
			answers[of.upstream] = append(answers[of.upstream], *is.answers)
		}
	}
	for i := range upstreams {
		u := &upstreams[i]
		if answers[u.name] != nil {
			u.pool.Learned().Hear(answers[u.name])
		}
		if u.learner != nil && !slices.EqualFunc(learned[u.name], u.learner.heard, bytes.Equal) {
			u.learner.heard = learned[u.name]
			_ = u.learner.Hear(learned[u.name]) // what cannot be true is left out; the others count
		}
	}
}
