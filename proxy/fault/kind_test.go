package fault_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
)

// Statuses and codes are what clients and dashboards are built on.
func TestKinds(t *testing.T) {
	for kind, want := range map[fault.Kind]struct {
		source fault.Source
		status int
		code   string
	}{
		fault.Internal:         {fault.Steelyard, 500, "internal_error"},
		fault.NoRoute:          {fault.Client, 404, "no_route"},
		fault.NoEndpoint:       {fault.Upstream, 503, "no_endpoint"},
		fault.QueueFull:        {fault.Steelyard, 429, "queue_full"},
		fault.QueueTimeout:     {fault.Steelyard, 503, "queue_timeout"},
		fault.Connect:          {fault.Upstream, 502, "connect_failed"},
		fault.ConnectTimeout:   {fault.Upstream, 504, "connect_timeout"},
		fault.Closed:           {fault.Upstream, 502, "closed_before_answer"},
		fault.BadAnswer:        {fault.Upstream, 502, "bad_answer"},
		fault.FirstByteTimeout: {fault.Upstream, 504, "first_byte_timeout"},
		fault.IdleTimeout:      {fault.Upstream, 504, "idle_timeout"},
		fault.TotalTimeout:     {fault.Upstream, 504, "total_timeout"},
		fault.TotalInQueue:     {fault.Steelyard, 504, "total_timeout_in_queue"},
		fault.TotalInBody:      {fault.Steelyard, 504, "total_timeout"},
		fault.Truncated:        {fault.Upstream, 502, "truncated_answer"},
		fault.ClientGone:       {fault.Client, 499, "client_gone"},
		fault.ClientStalled:    {fault.Client, 499, "client_stalled"},
		fault.Shutdown:         {fault.Steelyard, 503, "shutting_down"},
		fault.Forsaken:         {fault.Upstream, 504, "probes_failed"},
		fault.Shortage:         {fault.Steelyard, 503, "out_of_resources"},
		fault.Loop:             {fault.Steelyard, 508, "loop_detected"},
	} {
		assert.Equal(t, want.source, kind.Source(), want.code)
		assert.Equal(t, want.status, kind.Status(), want.code)
		assert.Equal(t, want.code, kind.Code())
		assert.Equal(t, want.code, fault.New(kind, nil).Error(), "no endpoint, no cause: the code alone")
	}
	assert.Equal(t, "server_error", fault.Steelyard.ErrorType())
	assert.Equal(t, "invalid_request_error", fault.Client.ErrorType())
	assert.Equal(t, "upstream_error", fault.Upstream.ErrorType())
	assert.Equal(t, "steelyard client upstream", fault.Steelyard.String()+" "+fault.Client.String()+" "+fault.Upstream.String())
}
