// Turning requests of low priorities away because somebody said so.

package admission

import "sync/atomic"

// Shedding turns requests of low priorities away for as long as somebody says so. The zero Shedding, and a
// nil one, turn nobody away. It is safe for concurrent use.
type Shedding struct{ below atomic.Uint32 }

// Set says which priorities are turned away from now on: those below; 0: none.
func (s *Shedding) Set(below uint8) { s.below.Store(uint32(below)) }

// Turns says whether a request of a priority is turned away.
func (s *Shedding) Turns(priority uint8) bool { return s != nil && uint32(priority) < s.below.Load() }
