// Keys as other proxies name them, and what says the same here.

package configs

// foreign has what to write in place of a key of nginx, HAProxy or Envoy, where no key here is named like it.
var foreign = map[string]string{
	"per_try":                  perTry,
	"per_try_timeout":          perTry,
	"per_try_idle_timeout":     "timeouts.idle bounds each silence of an answer",
	"num_retries":              attempts,
	"max_retries":              attempts,
	"retry_on":                 "retry.statuses has the answers after which another endpoint is asked; failed connections need no key",
	"retriable_status_codes":   "retry.statuses has the answers after which another endpoint is asked",
	"hedge_on_per_try_timeout": "hedge.after asks a second endpoint, and leaves the first at its work",
	"weight":                   "capacity says which part of the requests an endpoint gets",
	"load_balancing_weight":    "capacity says which part of the requests an endpoint gets",
	"lb_policy":                "policy says how requests are shared",
	"maxconn":                  slotted,
	"max_conns":                slotted,
	"backup":                   "tier: 1 makes an endpoint a backup",
	"servers":                  listed,
	"backends":                 listed,
	"lb_endpoints":             listed,
	"proxy_read_timeout":       "timeouts.first_byte bounds the wait for an answer, timeouts.idle each silence of it",
}

const (
	perTry   = "timeouts.first_byte bounds each try by itself, until it is answered"
	attempts = "retry.attempts has the number of tries, the first included"
	listed   = "endpoints lists the servers of an upstream"
	slotted  = "slots says how many requests an endpoint works on at once"
)
