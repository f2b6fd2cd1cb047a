package contender

import (
	"fmt"
	"net/netip"
	"strings"
	"text/template"
)

// Setting is what a contender is started with.
type Setting struct {
	Dir       string           // for its configuration and temporary files; exists, and is the contender's own
	Upstreams []netip.AddrPort // as many as Weights
	Core      int              // the only core it may run on
	Streaming bool             // answers are streams: what would hold back a chunk is switched off
	Root      bool             // it is started by root

	Listen, Admin string // where it is to listen, host:port; chosen by Start
	Policy        Policy // of a steelyard; set by Start
}

// Weights are the capacities of the endpoints, in order.
var Weights = []int{100, 200, 150}

// The request limits are raised to where a run never meets them: a proxy that closes a kept
// connection after its 1,000th request would be measured opening connections.
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
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  upstream chat {
{{- range .Endpoints}}
    server {{.Addr}} weight={{.Weight}};
{{- end}}
    keepalive 512;
    keepalive_requests 1000000000;
  }
  server {
    listen {{.Listen}} backlog=4096;
    location / {
      proxy_pass http://chat;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_read_timeout 120s;
{{- if .Streaming}}
      proxy_buffering off;
{{- end}}
    }
  }
}
`))

// HAProxy sets aside two files for each of maxconn and by default does not start where the limit forbids it; a run
// never opens that many.
var haproxyTemplate = template.Must(template.New("haproxy").Parse(`global
  nbthread 1
  maxconn 22000
  no strict-limits
defaults
  mode http
  timeout connect 2s
  timeout client 75s
  timeout server 120s
  timeout http-keep-alive 75s
  option forwardfor
  http-reuse always
{{- if .Streaming}}
  option http-no-delay
{{- end}}
frontend front
  bind {{.Listen}} backlog 4096
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  default_backend chat
backend chat
  balance roundrobin
{{- range $i, $e := .Endpoints}}
  server s{{$i}} {{$e.Addr}} weight {{$e.Weight}}
{{- end}}
`))

// Nothing but addresses, capacities and the policy asked for: the defaults are what is measured.
var steelyardTemplate = template.Must(template.New("steelyard").Parse(`listen:
  - address: "{{.Listen}}"
admin: {address: "{{.Admin}}"}
upstreams:
  - name: chat
{{- with .Policy.Name}}
    policy: {{.}}
{{- end}}
{{- with .Policy.Scale}}
    capacity_scale: {{.}}
{{- end}}
{{- with .Policy.Order}}
    queue: {order: {{.}}}
{{- end}}
    endpoints:
{{- range $i, $e := .Endpoints}}
      - {name: s{{$i}}, url: "http://{{$e.Addr}}", capacity: {{$e.Weight}}{{with $.Policy.Slots}}, slots: {{.}}{{end}}}
{{- end}}
routes:
  - {path: /, upstream: chat}
`))

type endpoint struct {
	Addr   netip.AddrPort
	Weight int
}

// Endpoints pairs the upstreams with their weights, for the templates.
func (s Setting) Endpoints() []endpoint {
	list := make([]endpoint, len(s.Upstreams))
	for i, addr := range s.Upstreams {
		list[i] = endpoint{addr, Weights[i%len(Weights)]}
	}
	return list
}

func (s Setting) render(t *template.Template) (string, error) {
	var b strings.Builder
	if err := t.Execute(&b, s); err != nil {
		return "", fmt.Errorf("write %s configuration: %w", t.Name(), err)
	}
	return b.String(), nil
}
