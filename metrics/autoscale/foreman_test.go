package autoscale

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// yard is an actuator and its servers in virtual time, and a foreman who is obeyed as far as the test lets it be.
type yard struct {
	t        *testing.T
	foreman  *Foreman
	now      time.Time
	wanted   int // what the controller wants
	asked    int // what the actuator was asked for
	servers  []Endpoint
	serial   int
	start    time.Duration
	orders   []string
	notes    []string
	ids      map[string]int
	scale    func(o *Order) error // nil: it is carried out
	count    func() *Count        // nil: the truth
	may      bool
	unready  bool
	inFlight int // of a new server
}

func newYard(t *testing.T, servers int) *yard {
	y := &yard{t: t, foreman: NewForeman("chat", Settings{Max: 20}), now: dawn, may: true, start: time.Minute, ids: map[string]int{}}
	y.to(servers, nil)
	for i := range y.servers {
		y.servers[i].Ready = true
	}
	y.wanted = servers
	return y
}

// to is what an honest actuator does.
func (y *yard) to(n int, victims []string) {
	y.asked = n
	for _, v := range victims {
		y.servers = slices.DeleteFunc(y.servers, func(e Endpoint) bool { return e.Name == v })
	}
	for len(y.servers) < n {
		y.servers = append(y.servers, Endpoint{Name: fmt.Sprintf("chat-%d", y.serial), Since: y.now, InFlight: y.inFlight})
		y.serial++
	}
}

func (y *yard) carryOut(o *Order) error {
	if y.scale != nil {
		if err := y.scale(o); err != nil {
			return err
		}
	}
	y.to(o.To, o.Victims)
	return nil
}

func (y *yard) step() {
	y.now = y.now.Add(5 * time.Second)
	for i := range y.servers {
		if e := &y.servers[i]; !y.unready && !e.Ready && y.now.Sub(e.Since) >= y.start {
			e.Ready = true
		}
	}
	c := &Count{Wanted: y.asked, Running: len(y.servers)}
	if y.count != nil {
		c = y.count()
	}
	d := y.foreman.Step(y.now, Scene{Decision: Decision{Wanted: y.wanted, Reason: "so it is"}, Count: c, Endpoints: slices.Clone(y.servers), May: y.may})
	for _, name := range d.Depart {
		y.mark(name, true)
	}
	for _, name := range d.Return {
		y.mark(name, false)
	}
	y.note(d.Notes)
	if o := d.Order; o != nil {
		y.orders = append(y.orders, fmt.Sprintf("%d->%d %s", o.From, o.To, strings.Join(o.Victims, ",")))
		y.ids[o.ID]++
		require.Equal(y.t, "chat", o.Upstream)
		y.note(y.foreman.Done(y.now, o.ID, y.carryOut(o)))
	}
}

func (y *yard) mark(name string, leaving bool) {
	i := slices.IndexFunc(y.servers, func(e Endpoint) bool { return e.Name == name })
	require.GreaterOrEqual(y.t, i, 0)
	require.NotEqual(y.t, leaving, y.servers[i].Leaving)
	y.servers[i].Leaving = leaving
}

func (y *yard) note(notes []Note) {
	for _, n := range notes {
		y.notes = append(y.notes, strings.TrimSuffix(fmt.Sprintf("%d %s: %s", n.Kind, n.Cause, n.Doing), ": "))
	}
}

func (y *yard) steps(d time.Duration) {
	for end := y.now.Add(d); y.now.Before(end); {
		y.step()
	}
}

func TestMoreAreOrderedOnce(t *testing.T) {
	y := newYard(t, 2)
	y.wanted = 4
	y.steps(2 * time.Minute)
	assert.Equal(t, []string{"2->4 "}, y.orders)
	assert.Equal(t, []string{"0 so it is: 4 are asked for, 2 were there"}, y.notes)
	assert.Equal(t, time.Minute, y.foreman.Usual().Round(10*time.Second))
}

// TestThoseWhoGoFinishFirst: they get no new requests, and are stopped when what they have is done, least work first.
func TestThoseWhoGoFinishFirst(t *testing.T) {
	y := newYard(t, 4)
	for i, n := range []int{5, 3, 7, 3} {
		y.servers[i].InFlight, y.servers[i].Since = n, dawn.Add(time.Duration(i)*time.Second)
	}
	y.wanted = 3
	y.steps(time.Minute)
	require.Empty(t, y.orders)
	require.True(t, y.servers[3].Leaving, "the newest of those that have least to do")
	y.servers[3].InFlight = 0
	y.steps(time.Minute)
	assert.Equal(t, []string{"4->3 chat-3"}, y.orders)
	y.wanted = 2
	y.steps(11 * time.Minute)
	assert.Equal(t, []string{"4->3 chat-3", "3->2 chat-1"}, y.orders, "no longer than drain_timeout")
}

// TestWhoIsNeededAgainStays: that is cheaper than a start.
func TestWhoIsNeededAgainStays(t *testing.T) {
	y := newYard(t, 4)
	for i := range y.servers {
		y.servers[i].InFlight = 1
	}
	y.wanted = 2
	y.steps(30 * time.Second)
	y.wanted = 5
	y.steps(30 * time.Second)
	assert.Equal(t, []string{"4->5 "}, y.orders)
	assert.Equal(t, []string{"5 they are needed again: 2 servers stay", "0 so it is: 5 are asked for, 4 were there"}, y.notes)
	for _, e := range y.servers {
		assert.False(t, e.Leaving)
	}
}

// TestAStartThatNeverEnds is given up, told, and tried again later each time.
func TestAStartThatNeverEnds(t *testing.T) {
	y := newYard(t, 1)
	y.wanted, y.unready = 2, true
	y.steps(3 * time.Hour)
	outs, ins := 0, 0
	for _, o := range y.orders {
		switch o {
		case "1->2 ":
			outs++
		default:
			require.Regexp(t, `^2->1 chat-\d+$`, o)
			ins++
		}
	}
	assert.InDelta(t, 8, outs, 3)
	assert.InDelta(t, outs, ins, 1)
	assert.Contains(t, y.notes, "2 1 server is not ready after 10 min: nothing more is started for 60 s")
	assert.Contains(t, y.notes, "2 1 server is not ready after 10 min: nothing more is started for 4 min")
	y.unready = false
	y.steps(time.Hour)
	assert.Len(t, y.servers, 2)
	assert.True(t, y.servers[1].Ready)
	assert.Contains(t, y.notes, "3 a server has become ready")
}

// TestAnOrderThatFailsIsTheSameOneAgain, so that an actuator which took it after all does it once.
func TestAnOrderThatFailsIsTheSameOneAgain(t *testing.T) {
	y := newYard(t, 1)
	y.wanted = 2
	y.scale = func(*Order) error { return errors.New("away") }
	y.steps(time.Minute)
	require.Len(t, y.ids, 1)
	require.Greater(t, len(y.orders), 3)
	require.Empty(t, y.notes)
	y.steps(90 * time.Second)
	assert.Contains(t, y.notes, "2 the actuator does not take the order: away: nothing more is started for 60 s")
	y.scale = nil
	y.steps(3 * time.Minute)
	assert.Len(t, y.servers, 2)
}

func TestARefusedOrderWaits(t *testing.T) {
	y := newYard(t, 1)
	y.wanted = 2
	y.scale = func(*Order) error { return &Refused{"no right to scale it: bind the role"} }
	y.steps(50 * time.Second)
	assert.Len(t, y.orders, 1)
	assert.Equal(t, []string{"2 the actuator refuses: no right to scale it: bind the role: nothing more is started for 60 s"}, y.notes)
	y.steps(24 * time.Hour)
	assert.Less(t, len(y.orders), 60)
}

// TestAnActuatorThatLies says that five are there, where three are.
func TestAnActuatorThatLies(t *testing.T) {
	y := newYard(t, 3)
	y.count = func() *Count { return &Count{Wanted: 5, Running: 5} }
	y.scale = func(o *Order) error { return nil }
	y.steps(6 * time.Hour)
	assert.Less(t, len(y.orders), 40, "bounded")
	assert.Contains(t, strings.Join(y.notes, "\n"), "not ready after 10 min")
	assert.Contains(t, strings.Join(y.notes, "\n"), "3 were asked for, and 5 are there by the actuator's own account")
}

// TestAnActuatorThatDoesTwiceAsMuch: what is there counts, is told, and goes again.
func TestAnActuatorThatDoesTwiceAsMuch(t *testing.T) {
	y := newYard(t, 1)
	y.wanted = 3
	y.scale = func(o *Order) error {
		if o.To > o.From {
			y.to(2*o.To, nil)
		}
		return nil
	}
	y.steps(2 * time.Minute)
	y.steps(2 * time.Minute)
	assert.Len(t, y.servers, 3)
	assert.Equal(t, []string{"1->3 ", "6->3 chat-1,chat-2,chat-3"}, y.orders)
	assert.Contains(t, y.notes, "4 6 servers are there, and 3 were asked for: from now on 6 counts")
}

// TestWhoMayNotActDoesNothing, and gives up what it had begun.
func TestWhoMayNotActDoesNothing(t *testing.T) {
	y := newYard(t, 3)
	y.servers[2].InFlight, y.servers[1].InFlight, y.servers[0].InFlight = 1, 1, 1
	y.wanted = 2
	y.step()
	require.True(t, y.servers[0].Leaving)
	y.may, y.wanted = false, 9
	y.steps(time.Hour)
	assert.Empty(t, y.orders)
	assert.False(t, y.servers[0].Leaving)
	y.may = true
	y.step()
	assert.Equal(t, []string{"3->9 "}, y.orders)
}

// TestNothingIsOrderedBlindly: as long as nobody says how many there are.
func TestNothingIsOrderedBlindly(t *testing.T) {
	y := newYard(t, 3)
	y.count = func() *Count { return nil }
	y.wanted = 9
	y.steps(time.Hour)
	assert.Empty(t, y.orders)
}

// TestARestartDecidesTheSame: a foreman who knows nothing of what was ordered before orders nothing twice.
func TestARestartDecidesTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 50 {
		y := newYard(t, 2)
		y.wanted = 6
		for range 40 {
			y.step()
			if r.IntN(4) == 0 {
				y.foreman = NewForeman("chat", Settings{Max: 20})
				for i := range y.servers {
					y.servers[i].Leaving = false // the gateway that wanted it is gone
				}
			}
			require.LessOrEqual(t, len(y.servers), 6)
		}
		require.Equal(t, []string{"2->6 "}, y.orders)
	}
}

// TestOneThatChoosesItself is asked which go.
func TestOneThatChoosesItself(t *testing.T) {
	y := newYard(t, 3)
	f := y.foreman
	d := f.Step(dawn, Scene{Decision: Decision{Wanted: 2}, Count: &Count{Wanted: 3}, Endpoints: y.servers, May: true, Chooser: lastOnes{}})
	assert.Equal(t, []string{"chat-0"}, d.Depart)
}

type lastOnes struct{}

func (lastOnes) Choose(names []string, n int) []string { return []string{"other", "chat-0"}[:n+1] }

// TestAServerThatStartsAnewWhileItGoes has to be told again: whoever crashed and came back knows nothing of it.
func TestAServerThatStartsAnewWhileItGoes(t *testing.T) {
	y := newYard(t, 2)
	y.servers[0].InFlight, y.servers[1].InFlight = 5, 3
	y.wanted = 1
	y.step()
	require.True(t, y.servers[1].Leaving)
	y.servers[1] = Endpoint{Name: "chat-1", Since: y.now} // it crashed
	y.steps(2 * time.Minute)
	assert.Equal(t, []string{"2->1 chat-1"}, y.orders)
	assert.Equal(t, []string{"chat-0"}, []string{y.servers[0].Name})
}
