// The table of engines: what each publishes, under which names, and where.

package load

// figure is which number of a reading a series gives.
type figure uint8

const (
	running figure = iota
	waiting
	cacheUsed   // as a ratio
	usedBlocks  // cacheUsed is usedBlocks / cacheBlocks where the engine does not say it
	cacheTokens // or the product of the next two
	cacheBlocks
	blockTokens
	finished
	progress
	started
	figureCount
)

// series is one kind of line in an engine's answer. Of several that give the same figure the first
// of the table counts that the engine has: newer names stand before older ones.
type series struct {
	gives  figure
	name   string
	label  string   // only lines of which this label has this value; "": all
	value  string   //
	per    string   // for each value of this label the largest counts: other labels repeat it
	labels []string // the figure is the product of these labels, and not the line's value
	plus   bool     // it comes on top of the one before
}

// engine is what is known of one kind of engine.
type engine struct {
	name   string
	path   string // where it publishes
	port   string // if it does so on another port; "": on the one that serves
	json   bool   // it publishes JSON, as Ollama does
	header bool   // it is not asked; it says its load with its answers
	series []series
	remedy string // if it publishes nothing
}

// engines is the table. Their own sources and pages say the same; where versions differ all names
// are here.
var engines = []engine{
	{
		name: "vllm", path: "/metrics",
		// Each engine of a data-parallel server has a label of its own: they add up.
		series: []series{
			{gives: running, name: "vllm:num_requests_running"},
			{gives: waiting, name: "vllm:num_requests_waiting"},
			{gives: waiting, name: "vllm:num_requests_swapped", plus: true}, // before 0.8
			{gives: cacheUsed, name: "vllm:kv_cache_usage_perc"},
			{gives: cacheUsed, name: "vllm:gpu_cache_usage_perc"}, // before 0.10
			{gives: cacheTokens, name: "vllm:cache_config_info", labels: []string{"kv_cache_size_tokens"}},
			{gives: cacheTokens, name: "vllm:cache_config_info", labels: []string{"num_gpu_blocks", "block_size"}},
			{gives: finished, name: "vllm:request_success_total"},
			{gives: progress, name: "vllm:generation_tokens_total"},
			{gives: started, name: "process_start_time_seconds"},
		},
		remedy: "start vLLM without --disable-log-stats",
	},
	{
		name: "sglang", path: "/metrics",
		// Ranks of one tensor-parallel group repeat each other; those of data parallelism add up.
		series: []series{
			{gives: running, name: "sglang:num_running_reqs", per: "dp_rank"},
			{gives: waiting, name: "sglang:num_queue_reqs", per: "dp_rank"},
			{gives: waiting, name: "sglang:num_grammar_queue_reqs", per: "dp_rank", plus: true},
			{gives: cacheUsed, name: "sglang:token_usage", per: "dp_rank"},
			{gives: cacheTokens, name: "sglang:max_total_num_tokens", per: "dp_rank"},
			{gives: cacheTokens, name: "sglang:cache_config_info", labels: []string{"num_pages", "page_size"}},
			{gives: finished, name: "sglang:num_requests_total"},
			{gives: progress, name: "sglang:generation_tokens_total"},
			{gives: started, name: "process_start_time_seconds"},
		},
		remedy: "start SGLang with --enable-metrics",
	},
	{
		name: "tgi", path: "/metrics",
		series: []series{
			{gives: running, name: "tgi_batch_current_size"},
			{gives: waiting, name: "tgi_queue_size"},
			{gives: finished, name: "tgi_request_count"},
			{gives: progress, name: "tgi_request_generated_tokens_sum"},
		},
	},
	{
		name: "llamacpp", path: "/metrics",
		series: []series{
			{gives: running, name: "llamacpp:requests_processing"},
			{gives: waiting, name: "llamacpp:requests_deferred"},
			{gives: cacheUsed, name: "llamacpp:kv_cache_usage_ratio"}, // until the middle of 2025
			{gives: progress, name: "llamacpp:tokens_predicted_total"},
		},
		remedy: "start llama-server with --metrics",
	},
	{
		name: "triton", path: "/metrics", port: "8002",
		series: []series{
			{gives: running, name: "nv_trt_llm_request_metrics", label: "request_type", value: "scheduled"},
			{gives: waiting, name: "nv_trt_llm_request_metrics", label: "request_type", value: "waiting"},
			{gives: waiting, name: "nv_inference_pending_request_count"},
			{gives: cacheUsed, name: "nv_trt_llm_kv_cache_block_metrics", label: "kv_cache_block_type", value: "fraction"},
			{gives: usedBlocks, name: "nv_trt_llm_kv_cache_block_metrics", label: "kv_cache_block_type", value: "used"},
			{gives: cacheBlocks, name: "nv_trt_llm_kv_cache_block_metrics", label: "kv_cache_block_type", value: "max"},
			{gives: blockTokens, name: "nv_trt_llm_kv_cache_block_metrics", label: "kv_cache_block_type", value: "tokens_per"},
			{gives: finished, name: "nv_inference_request_success"},
			{gives: progress, name: "nv_inference_count"},
		},
		remedy: "start Triton without --allow-metrics=false, and give signals.port if it is not 8002",
	},
	{
		name: "trtllm", path: "/prometheus/metrics",
		series: []series{
			{gives: running, name: "trtllm_num_requests_running"},
			{gives: waiting, name: "trtllm_num_requests_waiting"},
			{gives: cacheUsed, name: "trtllm_kv_cache_utilization"},
			{gives: cacheBlocks, name: "trtllm_kv_cache_max_blocks"},
			{gives: blockTokens, name: "trtllm_kv_cache_tokens_per_block"},
			{gives: finished, name: "trtllm_request_success_total"},
			{gives: progress, name: "trtllm_generation_tokens_total"},
			{gives: started, name: "process_start_time_seconds"},
		},
		remedy: "let trtllm-serve return its metrics (return_perf_metrics: true)",
	},
	{name: "ollama", path: "/api/ps", json: true},
	{name: "orca", header: true},
}

// Auto is asked for where the engine is to be known by what it publishes.
const Auto = "auto"

// Engines are the names that Options.Engine may have.
func Engines() []string {
	names := []string{Auto}
	for i := range engines {
		names = append(names, engines[i].name)
	}
	return names
}

// find returns the engine of that name, or nil for Auto.
func find(name string) *engine {
	for i := range engines {
		if engines[i].name == name {
			return &engines[i]
		}
	}
	return nil
}
