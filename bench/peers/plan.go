package peers

import (
	"fmt"
	"os/exec"
	"strings"
	"text/template"
	"time"
)

// Plan is what a contender is to share among which endpoints.
type Plan struct {
	Dir       string // for its files; exists, and is the contender's own
	Endpoints []Endpoint
	// Begin starts the command and says how it is scheduled; nil: as PreferSelf does with this program, in short slices.
	Begin func(*exec.Cmd) error

	// What follows is for nginx and HAProxy only, which share by what is in flight over weight and add no header.
	HoldBack  bool // HAProxy: no endpoint gets more requests at once than it has slots, the others queue
	InTurn    bool // they share by turns in proportion to weight, as they do by default
	Forwarded bool // they add X-Forwarded-For, -Proto and -Host, as steelyard does
	Buffered  bool // they may hold a piece of an answer back to send it with the next

	// What follows is for steelyard only.
	Policy string        // "": its default
	Scale  float64       // requests/s that a unit of capacity sustains; 0: unknown
	Slots  bool          // it is told the slots
	Queue  string        // fifo or shortest_first; "": none waits
	Wait   time.Duration // the longest wait in the queue; 0: the default, of the queue's length too

	Listen, Admin string // host:port; chosen by Start
}

// Endpoint is one server behind a contender.
type Endpoint struct {
	Name     string
	Addr     string  // host:port
	Capacity float64 // what the contender is told
	Slots    int
}

// longest is how many requests may wait where waiting has a bound: more than a run ever has.
const longest = 100_000

// The limits on connections and requests are raised to where a run does not meet them: a proxy that closes a kept
// connection after its 1,000th request would be measured opening connections. nginx chooses among weights of whole numbers.
var nginxTemplate = template.Must(template.New("nginx").Parse(`daemon off;
{{if .Root}}user root;
{{end}}worker_processes 1;
pid {{.Dir}}/nginx.pid;
error_log stderr error;
events { worker_connections 24000; }
http {
  access_log off;
  client_body_temp_path {{.Dir}}/body;
  proxy_temp_path {{.Dir}}/proxy;
  fastcgi_temp_path {{.Dir}}/fastcgi;
  uwsgi_temp_path {{.Dir}}/uwsgi;
  scgi_temp_path {{.Dir}}/scgi;
  client_body_buffer_size 1m;
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  upstream engines {
{{- if not .InTurn}}
    least_conn;
{{- end}}
{{- range .Weighted}}
    server {{.Addr}} weight={{.Weight}} max_fails=0;
{{- end}}
    keepalive 1024;
    keepalive_requests 1000000000;
    keepalive_timeout 4s;
  }
  server {
    listen {{.Listen}} backlog=4096;
    location / {
      proxy_pass http://engines;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
{{- if .Forwarded}}
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
{{- end}}
      proxy_read_timeout 600s;
      proxy_next_upstream off;
{{- if not .Buffered}}
      proxy_buffering off;
{{- end}}
    }
  }
}
`))

// With HoldBack a server gets at most as many requests as it has slots, and the others wait in the backend's queue, which every
// server that comes free takes the next of. timeout queue bounds the wait; by default that would be timeout connect. HAProxy
// sets aside two files for each of maxconn and by default does not start where the limit forbids it; a run never opens
// that many.
var haproxyTemplate = template.Must(template.New("haproxy").Parse(`global
  nbthread 1
  maxconn 22000
  no strict-limits
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 600s
  timeout queue 600s
  timeout http-keep-alive 75s
  retries 0
  http-reuse always
{{- if .Forwarded}}
  option forwardfor
{{- end}}
{{- if not .Buffered}}
  option http-no-delay
{{- end}}
frontend front
  bind {{.Listen}} backlog 4096
{{- if .Forwarded}}
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
{{- end}}
  default_backend engines
backend engines
  balance {{if .InTurn}}roundrobin{{else}}leastconn{{end}}
{{- range .Weighted}}
  server {{.Name}} {{.Addr}} weight {{.Weight}} pool-purge-delay 4s{{if $.HoldBack}} maxconn {{.Slots}}{{end}}
{{- end}}
`))

var steelyardTemplate = template.Must(template.New("steelyard").Parse(`listen:
  - address: "{{.Listen}}"
admin: {address: "{{.Admin}}"}
log: {level: error}
upstreams:
  - name: engines
{{- if .Policy}}
    policy: {{.Policy}}
{{- end}}
{{- if .Scale}}
    capacity_scale: {{.Scale}}
{{- end}}
{{- if .Queue}}
    queue: {order: {{.Queue}}{{if .Wait}}, max_requests: {{.Longest}}, max_wait: {{.Wait}}{{end}}}
{{- end}}
    endpoints:
{{- range .Endpoints}}
      - {name: "{{.Name}}", url: "http://{{.Addr}}", capacity: {{.Capacity}}{{if $.Slots}}, slots: {{.Slots}}{{end}}}
{{- end}}
routes:
  - {path: /, upstream: engines}
`))

// rendered is a Plan as the templates see it.
type rendered struct {
	Plan
	Root bool
}

// Longest is the bound on the queue.
func (rendered) Longest() int { return longest }

// weighted is an endpoint for those who know whole weights only.
type weighted struct {
	Name, Addr    string
	Weight, Slots int
}

// Weighted are the endpoints with weights in proportion to capacity: whole numbers from 1 to 256, which is the most that HAProxy
// takes, as near as they can be.
func (r rendered) Weighted() []weighted {
	list := make([]weighted, len(r.Endpoints))
	for i, weight := range Weights(r.capacities()) {
		e := r.Endpoints[i]
		list[i] = weighted{fmt.Sprintf("e%d", i), e.Addr, weight, e.Slots}
	}
	return list
}

func (r rendered) capacities() []float64 {
	list := make([]float64, len(r.Endpoints))
	for i, e := range r.Endpoints {
		list[i] = e.Capacity
	}
	return list
}

func (p Plan) render(t *template.Template, root bool) (string, error) {
	var b strings.Builder
	if err := t.Execute(&b, rendered{p, root}); err != nil {
		return "", fmt.Errorf("write %s configuration: %w", t.Name(), err)
	}
	return b.String(), nil
}
