// What an engine says of itself, by the names and in the format of vLLM.

package backend

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// memoryBlock is how many tokens vLLM counts as one block of memory.
const memoryBlock = 16

// signals are an engine's state, and what its clock knows beside it.
type signals struct {
	engine.State
	since time.Time // it was started
	ended int64     // requests answered since
}

func (s signals) prompts() float64 { return float64(s.CachedTokens + s.ComputedTokens) }

// gauges and counters of vLLM's page. Of an engine of slots, which has no memory, those of memory are left out.
var (
	gauges = []signal{
		{"num_requests_running", "Number of requests in model execution batches.", func(s signals) float64 { return float64(s.Running) }, false},
		{"num_requests_waiting", "Number of requests waiting to be processed.", func(s signals) float64 { return float64(s.Waiting) }, false},
		{"kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", func(s signals) float64 { return float64(s.UsedTokens) / float64(s.TotalTokens) }, true},
	}
	counters = []signal{
		{"request_success_total", "Count of successfully processed requests.", func(s signals) float64 { return float64(s.ended) }, false},
		{"prompt_tokens_total", "Number of prefill tokens processed.", signals.prompts, true},
		{"generation_tokens_total", "Number of generation tokens processed.", func(s signals) float64 { return float64(s.MadeTokens) }, true},
		{"num_preemptions_total", "Cumulative number of preemption from the engine.", func(s signals) float64 { return float64(s.ThrownBack) }, true},
		{"prefix_cache_queries_total", "Prefix cache queries, in terms of number of queried tokens.", signals.prompts, true},
		{"prefix_cache_hits_total", "Prefix cache hits, in terms of number of cached tokens.", func(s signals) float64 { return float64(s.CachedTokens) }, true},
	}
)

// signal is one figure of the page.
type signal struct {
	name, help string
	of         func(signals) float64
	memory     bool
}

// showSignals is GET /metrics.
func (s *Server) showSignals(w http.ResponseWriter, _ *http.Request) {
	now := s.clock.signals()
	var page bytes.Buffer
	show := func(list []signal, kind string) {
		for _, l := range list {
			if !l.memory || now.TotalTokens > 0 {
				fmt.Fprintf(&page, "# HELP vllm:%s %s\n# TYPE vllm:%s %s\nvllm:%s{engine=\"0\",model_name=%q} %s\n",
					l.name, l.help, l.name, kind, l.name, s.options.Model, strconv.FormatFloat(l.of(now), 'g', -1, 64))
			}
		}
	}
	show(gauges, "gauge")
	show(counters, "counter")
	if now.TotalTokens > 0 {
		fmt.Fprintf(&page, "# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig\n# TYPE vllm:cache_config_info gauge\n"+
			"vllm:cache_config_info{block_size=\"%d\",enable_prefix_caching=\"True\",engine=\"0\",num_gpu_blocks=\"%d\"} 1\n", memoryBlock, now.TotalTokens/memoryBlock)
	}
	fmt.Fprintf(&page, "# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.\n# TYPE process_start_time_seconds gauge\n"+
		"process_start_time_seconds %.3f\n", float64(now.since.UnixMilli())/1e3)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(page.Bytes()) // a client that left needs no answer
}
