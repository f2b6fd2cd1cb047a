package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/health/outlier"
	"github.com/steelyard-proxy/steelyard/proxy"
)

// What is the client's doing, or ours, says nothing of the endpoint.
func TestWhatAnAttemptSaysOfItsEndpoint(t *testing.T) {
	const some = time.Second
	for _, c := range []struct {
		class     balancer.OutcomeClass
		status    int
		firstByte time.Duration
		overran   bool
		pushBack  time.Duration
		want      outlier.Ending
	}{
		{class: balancer.Answered, status: 200, firstByte: some, want: outlier.Served},
		{class: balancer.Answered, status: 404, firstByte: some, want: outlier.Served},
		{class: balancer.Answered, status: 429, firstByte: some, want: outlier.PushedBack},
		{class: balancer.Answered, status: 500, firstByte: some, want: outlier.ServerError},
		{class: balancer.Answered, status: 501, firstByte: some, want: outlier.Nothing},
		{class: balancer.Answered, status: 503, firstByte: some, want: outlier.ServerError},
		{class: balancer.Answered, status: 503, firstByte: some, pushBack: some, want: outlier.PushedBack},
		{class: balancer.Answered, status: 505, firstByte: some, want: outlier.Nothing},
		{class: balancer.Answered, status: 599, firstByte: some, want: outlier.ServerError},
		{class: balancer.ConnectFailed, want: outlier.ConnectFailed},
		{class: balancer.Failed, want: outlier.Reset},
		{class: balancer.Truncated, status: 200, firstByte: some, want: outlier.Reset},
		{class: balancer.TimedOut, want: outlier.TimedOut},
		{class: balancer.TimedOut, status: 200, firstByte: some, want: outlier.TimedOut},
		{class: balancer.TimedOut, status: 200, firstByte: some, overran: true, want: outlier.Nothing},
		{class: balancer.ClientGone, want: outlier.Abandoned},
		{class: balancer.ClientGone, status: 200, firstByte: some, want: outlier.Nothing},
		{class: balancer.ClientGone, status: 500, firstByte: some, want: outlier.ServerError},
		{class: balancer.ClientGone, status: 429, firstByte: some, want: outlier.PushedBack},
		{class: balancer.Refused, want: outlier.Nothing},
		{class: balancer.Refused, status: 200, firstByte: some, want: outlier.Nothing},
		{class: balancer.Unknown, want: outlier.Nothing},
	} {
		a := &proxy.Attempted{Overran: c.overran}
		a.Class, a.Status, a.FirstByte, a.Service, a.PushBack = c.class, c.status, c.firstByte, 2*some, c.pushBack
		assert.Equal(t, c.want, attemptEnding(a), "%v %d", c.class, c.status)
	}
	never := &proxy.Attempted{}
	never.Class = balancer.ClientGone
	assert.Equal(t, outlier.Nothing, attemptEnding(never), "the endpoint never had the request")
}
