package discovery

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// servers are endpoints by number.
func servers(numbers ...int) (list []Endpoint) {
	for _, n := range numbers {
		list = append(list, Endpoint{Name: fmt.Sprintf("s%d", n), URL: fmt.Sprintf("http://10.0.0.%d:8000", n)})
	}
	return list
}

// leaving are servers that depart.
func leaving(numbers ...int) []Endpoint {
	list := servers(numbers...)
	for i := range list {
		list[i].Departing = true
	}
	return list
}

func upTo(n int) (numbers []int) {
	for i := range n {
		numbers = append(numbers, i+1)
	}
	return numbers
}

// names are those in force.
func inForce(d *Damper) (list []string) {
	for _, e := range d.Endpoints() {
		list = append(list, e.Name)
	}
	return list
}

var start = time.Unix(1_000_000, 0)

func after(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)))
}

func newTestDamper(numbers ...int) *Damper {
	d := NewDamper(Limits{MaxGoneRatio: 0.5, Grace: 30 * time.Second})
	if len(numbers) > 0 {
		d.Found(start, List{Endpoints: servers(numbers...)})
	}
	return d
}

func TestDamperTakesAdditionsAndSmallRemovalsAtOnce(t *testing.T) {
	d := newTestDamper(1, 2, 3, 4)
	require.Equal(t, []string{"s1", "s2", "s3", "s4"}, inForce(d))
	assert.True(t, d.Found(after(1), List{Endpoints: servers(1, 2, 3, 4, 5)}))
	assert.False(t, d.Found(after(2), List{Endpoints: servers(5, 4, 3, 2, 1)}), "their order means nothing")
	assert.True(t, d.Found(after(3), List{Endpoints: servers(1, 2, 3, 5)}))
	require.Equal(t, []string{"s1", "s2", "s3", "s5"}, inForce(d))
	require.Equal(t, None, d.State(after(4)).Trouble)
	require.Zero(t, d.Next())
}

func TestDamperHoldsWhatDropsMuch(t *testing.T) {
	for name, test := range map[string]struct {
		then func(d *Damper) // from 1 s on, when 1 of 4 is named
		want []string
	}{
		"at first all stay":           {func(d *Damper) {}, []string{"s1", "s2", "s3", "s4"}},
		"a second note of one change": {func(d *Damper) { d.Found(after(1.5), List{Endpoints: servers(1)}) }, []string{"s1", "s2", "s3", "s4"}},
		"a second reading":            {func(d *Damper) { d.Found(after(2), List{Endpoints: servers(1)}) }, []string{"s1"}},
		"another part, read second":   {func(d *Damper) { d.Found(after(2), List{Endpoints: servers(2)}) }, []string{"s1", "s2", "s3", "s4"}},
		"that part once more": {func(d *Damper) {
			d.Found(after(2), List{Endpoints: servers(2)})
			d.Found(after(4), List{Endpoints: servers(2)})
		}, []string{"s2"}},
		"that part after its own grace":  {func(d *Damper) { d.Found(after(2), List{Endpoints: servers(2)}); d.Step(after(32)) }, []string{"s2"}},
		"not after the grace of another": {func(d *Damper) { d.Found(after(2), List{Endpoints: servers(2)}); d.Step(after(31.9)) }, []string{"s1", "s2", "s3", "s4"}},
		"all depart, said twice": {func(d *Damper) {
			d.Found(after(2), List{Endpoints: leaving(1, 2, 3, 4)})
			d.Found(after(4), List{Endpoints: leaving(1, 2, 3, 4)})
			d.Step(after(60))
		}, []string{"s1", "s2", "s3", "s4"}},
		"a second reading with all":       {func(d *Damper) { d.Found(after(2), List{Endpoints: servers(1, 2, 3, 4)}) }, []string{"s1", "s2", "s3", "s4"}},
		"not yet":                         {func(d *Damper) { d.Step(after(30.9)) }, []string{"s1", "s2", "s3", "s4"}},
		"after the grace":                 {func(d *Damper) { d.Step(after(31)) }, []string{"s1"}},
		"after the grace of a failure":    {func(d *Damper) { d.Failed(after(2), errors.New("away")); d.Step(after(60)) }, []string{"s1", "s2", "s3", "s4"}},
		"then nobody":                     {func(d *Damper) { d.Found(after(2), List{}); d.Step(after(60)) }, []string{"s1", "s2", "s3", "s4"}},
		"then nobody, for sure":           {func(d *Damper) { d.Found(after(2), List{Sure: true}) }, nil},
		"then one, for sure":              {func(d *Damper) { d.Found(after(1.1), List{Endpoints: servers(3), Sure: true}) }, []string{"s3"}},
		"an addition with it, at once":    {func(d *Damper) { d.Found(after(1.1), List{Endpoints: servers(1, 9)}) }, []string{"s1", "s2", "s3", "s4", "s9"}},
		"an addition with it, in the end": {func(d *Damper) { d.Found(after(1.1), List{Endpoints: servers(1, 9)}); d.Step(after(31)) }, []string{"s1", "s9"}},
		"a failure and the same once more": {func(d *Damper) {
			d.Failed(after(2), errors.New("away"))
			d.Found(after(3), List{Endpoints: servers(1)})
		}, []string{"s1", "s2", "s3", "s4"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newTestDamper(1, 2, 3, 4)
			d.Found(after(1), List{Endpoints: servers(1)})
			require.Equal(t, Held, d.State(after(1)).Trouble)
			require.Equal(t, after(31), d.Next())
			test.then(d)
			require.Equal(t, test.want, inForce(d))
		})
	}
}

// Endpoints that only leave one by one, but fast, are as suspicious as those that leave together.
func TestDamperBoundsWhatGoesWithinAGrace(t *testing.T) {
	d := newTestDamper(upTo(8)...)
	for n := 7; n >= 4; n-- {
		d.Found(after(float64(8-n)), List{Endpoints: servers(upTo(n)...)})
		require.Len(t, d.Endpoints(), n)
	}
	d.Found(after(5), List{Endpoints: servers(1, 2, 3)})
	require.Len(t, d.Endpoints(), 4)
	require.Equal(t, Held, d.State(after(5)).Trouble)
	require.True(t, d.Step(after(35)))
	require.Len(t, d.Endpoints(), 3)
	d.Found(after(66), List{Endpoints: servers(1, 2)})
	require.Len(t, d.Endpoints(), 2, "the time of grace has begun anew")
}

func TestDamperNeverBelievesAnEmptyList(t *testing.T) {
	d := newTestDamper(1)
	for second := 1.0; second < 1000; second += 10 {
		d.Found(after(second), List{})
		d.Step(after(second))
		require.Equal(t, []string{"s1"}, inForce(d))
	}
	s := d.State(after(1000))
	require.Equal(t, Empty, s.Trouble)
	require.Equal(t, 999*time.Second, s.Stale)
	d.Found(after(1001), List{Endpoints: servers(1)})
	require.Zero(t, d.State(after(1002)).Stale)

	d = newTestDamper()
	require.False(t, d.Found(start, List{}), "nobody was there before")
	require.True(t, d.State(start).Known)
	require.Equal(t, None, d.State(start).Trouble)
}

// The same name with another ID or address is another server: while that waits, the one that was there stays.
func TestDamperOfServersThatAreReplaced(t *testing.T) {
	other := servers(1, 2)
	other[0].ID, other[1].URL = "b", "http://10.0.1.2:8000"
	d := newTestDamper(1, 2)
	d.Found(after(1), List{Endpoints: other})
	require.Equal(t, servers(1, 2), d.Endpoints())
	d.Step(after(31))
	require.Equal(t, other, d.Endpoints())
	back := servers(1, 2)
	d.Found(after(32), List{Endpoints: back, Sure: true})
	require.Equal(t, servers(1, 2), d.Endpoints())
}

func TestDamperOfThoseThatDepart(t *testing.T) {
	leaving := servers(1, 2, 3)
	leaving[0].Departing = true
	d := newTestDamper(1, 2, 3)
	require.True(t, d.Found(after(1), List{Endpoints: leaving}))
	require.True(t, d.Endpoints()[0].Departing)
	all := slices.Clone(leaving)
	all[1].Departing, all[2].Departing = true, true
	d.Found(after(2), List{Endpoints: all})
	require.False(t, d.Endpoints()[1].Departing, "to let all depart is to drop all")
	d.Found(after(3), List{Endpoints: all, Sure: true})
	require.True(t, d.Endpoints()[1].Departing)
}

// What is wrong with one endpoint leaves the others alone, and itself as it was.
func TestDamperKeepsWhatIsBroken(t *testing.T) {
	d := newTestDamper(1, 2, 3)
	broken := servers(1, 2, 3, 4)
	broken[1].URL, broken[3].Capacity = "10.0.0.2", -1
	d.Found(after(1), List{Endpoints: broken})
	require.Equal(t, servers(1, 2, 3), d.Endpoints())
	require.Len(t, d.State(after(1)).Faults, 2)
	require.Equal(t, None, d.State(after(1)).Trouble)

	twice := append(servers(1, 2, 3), Endpoint{Name: "s2", URL: "http://10.9.9.9:1"}, Endpoint{Name: "s4", URL: "http://10.0.0.4:1"}, Endpoint{Name: "s4", URL: "http://10.0.0.5:1"})
	slices.Reverse(twice)
	d.Found(after(2), List{Endpoints: twice})
	require.Equal(t, append(servers(1, 2, 3), Endpoint{Name: "s4", URL: "http://10.0.0.5:1"}), d.Endpoints())
}

func TestDamperOfTooMany(t *testing.T) {
	d := newTestDamper(1, 2)
	require.False(t, d.Found(after(1), List{Endpoints: make([]Endpoint, Most+1), Sure: true}))
	require.Equal(t, servers(1, 2), d.Endpoints())
	require.Equal(t, Away, d.State(after(1)).Trouble)
}

func TestDamperRestores(t *testing.T) {
	d := newTestDamper()
	d.Failed(start, errors.New("away"))
	require.True(t, d.Restore(servers(1, 2, 3)))
	require.False(t, d.Found(after(1), List{}), "it names nobody, and what was kept is better")
	require.Len(t, d.Endpoints(), 3)
	require.True(t, d.Found(after(2), List{Endpoints: servers(7)}), "its first word counts")
	require.Equal(t, servers(7), d.Endpoints())
	require.False(t, d.Restore(servers(1)))
}

// Whatever a source says, nothing that is in force goes without cause: by a list that is sure, a second reading, or time.
func FuzzDamper(f *testing.F) {
	f.Add([]byte{0, 3, 1, 1, 4, 0, 200, 0, 5, 60})
	f.Fuzz(func(t *testing.T, script []byte) {
		d, now := newTestDamper(), start
		for len(script) >= 2 {
			what, n := script[0], int(script[1])
			script = script[2:]
			now = now.Add(time.Duration(n) * 100 * time.Millisecond)
			before := len(d.Endpoints())
			switch what % 4 {
			case 0:
				d.Failed(now, errors.New("away"))
				require.Len(t, d.Endpoints(), before)
			case 1:
				d.Step(now)
				require.False(t, before > 0 && len(d.Endpoints()) == 0)
			case 2:
				d.Found(now, List{Endpoints: servers(upTo(n % 9)...)})
				require.False(t, before > 0 && len(d.Endpoints()) == 0)
			case 3:
				d.Found(now, List{Endpoints: servers(upTo(n % 9)...), Sure: true})
				require.Len(t, d.Endpoints(), n%9)
			}
			require.True(t, slices.IsSortedFunc(d.Endpoints(), func(a, b Endpoint) int { return len(a.Name) - len(b.Name) }))
		}
	})
}

func BenchmarkDamper1000(b *testing.B) {
	d := newTestDamper()
	var list []Endpoint
	for i := range 1000 {
		list = append(list, Endpoint{Name: fmt.Sprintf("pod-%d", i), URL: fmt.Sprintf("http://10.1.%d.%d:8000", i/250, i%250+1), ID: "u"})
	}
	for i := 0; b.Loop(); i++ {
		d.Found(start, List{Endpoints: slices.Clone(list[i%100:]), Sure: true})
	}
}

// A start goes by what was in force before it: a first list that lacks most of that waits, as one that comes later.
func TestFirstListIsHeldAgainstWhatIsRemembered(t *testing.T) {
	remembering := func(n int) *Damper {
		d := newTestDamper()
		d.Remember(servers(upTo(n)...))
		require.Empty(t, d.Endpoints(), "nothing is in force before the source was asked")
		return d
	}
	for name, d := range map[string]*Damper{"before": remembering(10), "in force": remembering(10)} {
		if name == "in force" {
			require.True(t, d.Restore(servers(upTo(10)...)))
		}
		d.Found(after(1), List{Endpoints: servers(1, 11)})
		require.Len(t, d.Endpoints(), 11, name)
		require.Equal(t, Held, d.State(after(1)).Trouble)
		require.False(t, d.Step(after(30)))
		require.True(t, d.Step(after(31)))
		require.Equal(t, []string{"s1", "s11"}, inForce(d), name)
	}
	d := remembering(10)
	require.True(t, d.Found(after(1), List{}))
	require.Len(t, d.Endpoints(), 10)
	require.Equal(t, Empty, d.State(after(1)).Trouble)

	d = remembering(10)
	d.Found(after(1), List{Endpoints: servers(1), Sure: true})
	require.Equal(t, []string{"s1"}, inForce(d))
	d.Remember(servers(2))
	d.Found(after(2), List{Endpoints: servers(1)})
	require.Equal(t, None, d.State(after(2)).Trouble, "what is in force counts, whatever is remembered later")

	d = remembering(10)
	d.Found(after(1), List{Endpoints: servers(2, 3, 4, 5, 6, 7, 8, 9, 10)})
	require.Len(t, d.Endpoints(), 9, "few may go at once")
}
