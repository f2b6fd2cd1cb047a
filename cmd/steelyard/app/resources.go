// What nodes say of themselves, for those who scale by it.

package app

import "github.com/steelyard-proxy/steelyard/metrics/autoscale"

// resourcesOf are the figures of an upstream's servers, where they are known.
func (f *fleet) resourcesOf(string) []autoscale.Resource { return nil }
