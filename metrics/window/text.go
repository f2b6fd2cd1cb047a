// A window as text, to be kept over a restart.

package window

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"
)

// version is the first byte of the text: another form gets another.
const version = 1

// MarshalText writes the window: for each tier the time spent in the newest slot, and the slots from the
// newest back, in variable-length numbers. A run of empty slots is a 0 and its length.
func (w *Window) MarshalText() ([]byte, error) {
	b := binary.AppendUvarint([]byte{version}, uint64(w.age))
	for i := range w.rings {
		b = w.rings[i].append(b)
	}
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

func (r *ring) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(r.spent))
	empty := uint64(0)
	flush := func() {
		if empty > 0 {
			b = binary.AppendUvarint(append(b, 0), empty)
			empty = 0
		}
	}
	for i := range r.slots {
		c := r.slots[(r.newest-i+len(r.slots))%len(r.slots)]
		if c.All == 0 {
			empty++
			continue
		}
		flush()
		b = binary.AppendUvarint(binary.AppendUvarint(b, c.All), c.Bad)
	}
	flush()
	return b
}

var errText = errors.New("it is no window, or of another version")

// UnmarshalText reads what MarshalText wrote. The window is as it was if the text is damaged.
func (w *Window) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil || len(b) == 0 || b[0] != version {
		return errText
	}
	read, fresh := reader{b[1:]}, New()
	age, ok := read.number(uint64(Kept))
	fresh.age = time.Duration(age)
	for i := range fresh.rings {
		ok = ok && read.ring(&fresh.rings[i])
	}
	if !ok || len(read.rest) > 0 {
		return errText
	}
	*w = *fresh
	return nil
}

type reader struct{ rest []byte }

func (r *reader) number(most uint64) (n uint64, ok bool) {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > most {
		return 0, false
	}
	r.rest = r.rest[size:]
	return n, true
}

// mostEvents in a slot: far more than any gateway serves, and far from where a sum over all slots would wrap.
const mostEvents = 1 << 50

func (r *reader) ring(to *ring) bool {
	spent, ok := r.number(uint64(to.step) - 1)
	if !ok {
		return false
	}
	to.spent, to.newest = time.Duration(spent), len(to.slots)-1
	for i := len(to.slots) - 1; i >= 0; {
		all, ok := r.number(mostEvents)
		if !ok {
			return false
		}
		if all == 0 {
			run, ok := r.number(uint64(i) + 1)
			if !ok || run == 0 {
				return false
			}
			i -= int(run)
			continue
		}
		bad, ok := r.number(all)
		if !ok {
			return false
		}
		to.slots[i] = Count{all, bad}
		i--
	}
	return true
}
