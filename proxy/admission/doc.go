// Package admission turns requests away when the process has all that it can bear: when as
// many are under way as may be, or when its memory runs out. Whoever has the lowest priority
// goes first, so that what matters most is served to the last.
//
// A Guard counts the requests under way and knows how much memory is in use, which its Run
// measures ten times a second. To ask it costs two atomic operations.
//
//	limits := admission.Limits{Requests: 1000, Memory: 2 << 30}
//	class := limits.Classes([]uint8{0, 5})[5] // for each priority that some route has
//	if why := guard.Enter(class); why != admission.Admitted {
//	    … 503
//	}
//	defer guard.Leave()
package admission
