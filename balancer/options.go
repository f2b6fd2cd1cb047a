package balancer

// Options is what a pool is told of its upstream as a whole.
type Options struct {
	Policy Builder // by what rule requests are shared; must be given
}

// same reports whether both ask for the same. Options without a policy are like no others.
func (o Options) same(other Options) bool {
	return o.Policy != nil && o.Policy.Name() == other.Policy.Name()
}
