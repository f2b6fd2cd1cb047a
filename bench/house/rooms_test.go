package house

// room is one package of the module, and whom it may know.
type room struct {
	path  string
	level int    // only lower levels may be imported, by code and tests alike
	sees  string // the rooms it may import, separated by spaces
	tests string // more that its tests may import; in bench also of its own level
	why   string
}

// rooms is the plan of the house. The levels go one way, from what knows nothing of ours to what puts everything
// together; within them each room names whom it needs. A new package gets a row here, and a reason.
var rooms = []room{
	{path: "configs", level: 0,
		why: "plain data: what was asked for, not what becomes of it; so the schema can change without touching a room"},
	{path: "metrics", level: 0,
		why: "instruments that anybody may hold, so it can know nobody"},
	{path: "metrics/event", level: 0,
		why: "what happened, told by anybody and read by those who pass it on, so it can know nobody"},
	{path: "balancer/dispatch", level: 0,
		why: "take, mask or wait: numbers in, numbers out"},
	{path: "balancer/estimate", level: 0,
		why: "arithmetic over finished requests; app gives what it finds to the pool"},
	{path: "balancer/statefile", level: 0,
		why: "a file that somebody named: the same care whoever keeps something in it"},
	{path: "balancer/predict", level: 1, sees: "balancer/statefile",
		why: "numbers in, numbers out: what a request will cost, learned from what others did"},
	{path: "health/names", level: 0,
		why: "where a server is that has a name: requests and probes must go to the same addresses"},
	{path: "health/shortage", level: 0,
		why: "which errors say nothing of a server, being ours alone: the data path and the probes must know the same ones"},
	{path: "proxy/fault", level: 0,
		why: "the errors of the request path, named by every room on it"},
	{path: "proxy/retry", level: 0,
		why: "numbers in, a verdict out: what may be sent again can be read and tested in one place"},
	{path: "proxy/admission", level: 0,
		why: "numbers in, a reason out: who is turned away must not depend on what a request is"},
	{path: "proxy/requestlog", level: 1, sees: "balancer/statefile",
		why: "what is written of requests, and read again to learn from: plain rows, whoever makes them"},
	{path: "proxy/strict", level: 0,
		why: "bytes in, meaning out: what a message says must not depend on who reads it"},
	{path: "proxy/wire", level: 0,
		why: "one socket, the same on the client's side and the endpoint's"},

	{path: "balancer/predict/table", level: 2, sees: "balancer/statefile", tests: "balancer/predict",
		why: "a model of any table"},

	{path: "balancer", level: 1, sees: "balancer/dispatch",
		why: "who may serve and who should; knows neither HTTP nor configuration, so a simulation runs the same code"},

	{path: "balancer/policy", level: 2, sees: "balancer",
		why: "arithmetic over the balancer's snapshot"},
	{path: "health/outlier", level: 2,
		why: "counts and judges real traffic, whoever serves it: plain numbers in, decisions out, through a sink that app connects"},
	{path: "metrics/notify", level: 2, sees: "metrics/event",
		why: "events in, messages to receivers out; it knows neither where events come from nor how it is configured"},
	{path: "health/probe", level: 2, sees: "health/names health/shortage",
		why: "judges endpoints through a sink of its own; it never routes, so it needs neither balancer nor the data path"},
	{path: "proxy/front", level: 2, sees: "metrics proxy/strict proxy/wire",
		why: "the client's side: sockets, heads and bodies; it does not know that there are endpoints"},
	{path: "proxy/payload", level: 2,
		why: "a body's bytes in, hints out: what a request asks for is the same whoever forwards or balances it"},
	{path: "proxy/route", level: 2,
		why: "names an upstream by number, never touches one; plain values, so that another listener can share it"},
	{path: "proxy/transport", level: 2, sees: "metrics proxy/fault health/names health/shortage proxy/strict proxy/wire",
		why: "the endpoint's side: connections and answers; it does not know that there are clients"},

	{path: "proxy", level: 3,
		sees:  "balancer balancer/estimate balancer/predict metrics metrics/event proxy/admission proxy/fault proxy/front proxy/payload proxy/requestlog proxy/retry proxy/route health/shortage proxy/strict proxy/transport proxy/wire",
		tests: "balancer/policy",
		why:   "the life of one request joins both sides with a lease; rules come in plain, not as configuration"},
	{path: "proxy/admin", level: 3, sees: "metrics/event",
		why: "the operator's listener asks for what it shows through one interface, so it serves any fleet"},

	{path: "cmd/steelyard/app", level: 4,
		sees: "balancer balancer/estimate balancer/policy balancer/predict configs health/names health/outlier health/probe metrics metrics/event metrics/notify proxy proxy/admin proxy/admission proxy/front proxy/requestlog proxy/retry proxy/route proxy/transport",
		why:  "the only room that turns configuration into rooms"},
	{path: "bench/alarm", level: 3,
		why: "waiting precisely is the same on both sides of what is measured"},
	{path: "bench/heap", level: 2,
		why: "one order of events for engines and the simulations around them"},
	{path: "bench/engine", level: 3, sees: "bench/heap configs",
		why: "time in, events out: what is simulated and what is measured are one model, so it may know neither; of configs it has the slips of a keyboard"},
	{path: "bench/backend", level: 4, sees: "bench/alarm bench/engine",
		why: "a simulated server is a peer: it speaks HTTP and shares nothing with what it tests"},
	{path: "bench/trace", level: 3, sees: "configs",
		why: "numbers only: what is asked for is the same for real servers and simulated ones; of configs it has the slips of a keyboard"},
	{path: "bench/theory", level: 3,
		why: "formulas, so that what they are held against cannot leak into them"},
	{path: "bench/sim", level: 4, sees: "balancer balancer/predict bench/engine bench/heap bench/trace", tests: "balancer/estimate balancer/policy bench/figure bench/theory",
		why: "the real balancer in virtual time: it takes policies as values, and the formulas check it from outside"},
	{path: "bench/load", level: 4, sees: "bench/alarm bench/trace", tests: "bench/backend bench/engine",
		why: "a client is a peer as well"},
	{path: "bench/scenario", level: 4, sees: "bench/engine bench/trace configs",
		why: "what is to be run, as plain data: it knows neither the policies' code nor how anything is started; traces and engines say themselves what they cannot be"},
	{path: "bench/peers", level: 3, tests: "configs",
		why: "starts and weighs proxies as programs, ours among them, from a plan of its own; only its tests read our configuration back"},
	{path: "bench/figure", level: 2, why: "numbers in, tables out: one statistic for all benches"},
	{path: "bench/report", level: 3, sees: "balancer/statefile bench/figure",
		why: "figures in, files out: what made the figures is told in them"},
	{path: "bench/lab", level: 5,
		sees: "balancer balancer/policy bench/alarm bench/backend bench/engine bench/figure bench/load bench/peers bench/report bench/scenario bench/sim bench/theory bench/trace",
		why:  "runs a scenario: the one room that joins traces, engines, simulation, theory and the programs compared"},
	{path: "bench/chaos", level: 5,
		sees: "bench/backend bench/engine bench/figure bench/load bench/peers bench/report bench/trace configs",
		why:  "breaks servers under load before several programs, which it knows from outside only; of configs it has the slips of a keyboard"},
	{path: "bench/bare", level: 3, tests: "bench/peers",
		why: "what fasthttp alone makes of a proxy, with no code of ours in it"},
	{path: "bench/conformance", level: 4, tests: "bench/bare",
		why: "black box: looks at nothing but bytes on both sides of the real program"},
	{path: "bench/e2e", level: 4, tests: "bench/backend bench/engine",
		why: "the real program among real peers; the simulated servers are processes of their own"},
	{path: "bench/house", level: 4, tests: "configs metrics/event",
		why: "reads everything as text; the schema and the kinds of events it holds pages to are the real ones"},
	{path: "bench/overhead", level: 5, sees: "bench/alarm bench/bare bench/figure bench/overhead/wire bench/peers bench/report",
		why: "compares programs from outside, ours among others"},
	{path: "bench/hardship", level: 5, sees: "bench/figure bench/peers",
		why: "does the same to several programs from outside"},
	{path: "bench/overhead/wire", level: 3, why: "client and upstream in one thread, with no code of the proxies they time"},

	{path: "cmd/steelyard/demo", level: 5,
		sees:  "balancer bench/backend bench/engine bench/load bench/trace cmd/steelyard/app configs metrics",
		tests: "balancer/policy",
		why:   "everything in one process: the simulated servers and the load of bench, the gateway of app"},
	{path: "cmd/steelyard/filewatch", level: 0,
		why: "files and their changes; it does not know what they hold"},
	{path: "cmd/steelyard/signals", level: 0,
		why: "imports nothing that takes time to initialise, so that signals are heard before main"},
	{path: "cmd/steelyard", level: 6, sees: "balancer/policy balancer/predict balancer/predict/table balancer/statefile bench/backend bench/chaos bench/engine bench/lab bench/peers bench/report bench/scenario bench/trace cmd/steelyard/app cmd/steelyard/demo cmd/steelyard/filewatch cmd/steelyard/signals configs metrics proxy/admin proxy/requestlog",
		why: "commands, flags and exit codes"},
}

// laws hold whatever the rows say: a row that breaks one is a mistake in the row.
var laws = []struct {
	importer, imported string // folders
	unless             []string
	why                string
}{
	{"", "bench", []string{"bench", "cmd"}, "laboratory code is no part of what serves; only the demo shows it"},
	{"", "configs", []string{"cmd", "bench"}, "rooms take plain options, so that they are tested without YAML and the schema can change alone"},
	{"", "cmd", []string{"cmd"}, "cmd is how things are put together, so nothing may depend on it"},
	{"health", "proxy", nil, "health judges, it never routes"},
	{"health", "balancer", nil, "health acts through a sink that app connects"},
	{"balancer", "metrics", nil, "the balancer is a snapshot and arithmetic; app reads it for the gauges"},
	{"proxy/route", "balancer", nil, "route names an upstream, it never touches one"},
	{"metrics", "", []string{"metrics"}, "a leaf"},
	{"configs", "", []string{"configs"}, "a leaf"},
}
