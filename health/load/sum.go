// From the lines of a page to a reading.

package load

// sum is what the tallies of one engine say together, and how many figures of it are the engine's own.
func sum(tallies []*tally) (r Reading, known int) {
	r = nothing()
	var figures [figureCount]Figure
	for i := range figures {
		figures[i] = Unknown
	}
	said := false // the one before
	for _, t := range tallies {
		v := t.total()
		switch at := &figures[t.gives]; {
		case !v.Known():
			said = false
			continue
		case t.plus:
			if said {
				*at += v
			}
			continue
		case at.Known():
			continue // by a newer name
		default:
			*at, said = v, true
		}
		if t.gives != started { // that many programs say
			known++
		}
	}
	r.Running, r.Waiting, r.Finished = figures[running], figures[waiting], figures[finished]
	r.progress, r.started = figures[progress], figures[started]
	if r.CacheTokens = figures[cacheTokens]; !r.CacheTokens.Known() && figures[cacheBlocks].Known() && figures[blockTokens].Known() {
		r.CacheTokens = figureOf(float64(figures[cacheBlocks] * figures[blockTokens]))
	}
	if r.CacheUsedRatio = figures[cacheUsed]; !r.CacheUsedRatio.Known() && figures[usedBlocks].Known() && figures[cacheBlocks] > 0 {
		r.CacheUsedRatio = figures[usedBlocks] / figures[cacheBlocks]
	}
	if r.CacheTokens == 0 {
		r.CacheTokens = Unknown // not measured yet
	}
	r.CacheUsedRatio = min(r.CacheUsedRatio, 1)
	return r, known
}

// total adds the lines of a series up. Of ratios it is the mean, and of times the latest.
func (t *tally) total() Figure {
	if len(t.lines) == 0 {
		return Unknown
	}
	all, latest := Figure(0), Figure(0)
	for _, v := range t.lines {
		all += v
		latest = max(latest, v)
	}
	switch t.gives {
	case cacheUsed:
		return all / Figure(len(t.lines))
	case started, blockTokens:
		return latest
	}
	return figureOf(float64(all))
}
