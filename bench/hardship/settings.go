//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"text/template"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// settings are what hardships vary, the same for every program that has such a thing. What is not named here stays at the
// program's own default.
type settings struct {
	Servers    []string      // host:port, of equal weight
	Slots      int           // most requests at once for each server; 0: no limit
	QueueWait  time.Duration // the longest wait for a slot
	Answer     time.Duration // the longest wait for an answer's head; 0: a minute, and steelyard's default
	AccessLog  bool          // a line for each request, to standard error
	Probes     bool          // every 500 ms by GET, two failures take a server out; nginx has none
	Files      int           // it may open no more; nginx and HAProxy are told what fits, steelyard has to find out; 0: enough
	Master     bool          // HAProxy has one, which is what can be told to reload
	BodyMemory string        // steelyard's bound on held bodies
	TLS        *papers       // on both sides

	Dir, listen, admin string // set by start
}

var templates = map[string]*template.Template{
	peers.Nginx: template.Must(template.New("nginx").Parse(`daemon off;
{{if .Root}}user root;
{{end}}worker_processes 1;
pid {{.Dir}}/nginx.pid;
error_log stderr error;
events { worker_connections {{.NginxConnections}}; }
http {
  access_log {{if .AccessLog}}/dev/stderr{{else}}off{{end}};
  client_body_temp_path {{.Dir}}/body;
  proxy_temp_path {{.Dir}}/proxy;
  fastcgi_temp_path {{.Dir}}/fastcgi;
  uwsgi_temp_path {{.Dir}}/uwsgi;
  scgi_temp_path {{.Dir}}/scgi;
  client_max_body_size 64m;
  upstream chat {
{{- range .Servers}}
    server {{.}}{{with $.Slots}} max_conns={{.}}{{end}};
{{- end}}
    keepalive 64;
  }
  server {
    listen {{.Listen}};
    location / {
      proxy_pass http://chat;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_read_timeout {{.AnswerSeconds}}s;
      proxy_buffering off;
    }
  }
}
`)),
	peers.HAProxy: template.Must(template.New("haproxy").Parse(`global
  nbthread 1
  no strict-limits
{{- with .HAProxyConnections}}
  maxconn {{.}}
{{- end}}
{{- if .AccessLog}}
  log stderr format raw daemon
{{- end}}
defaults
  mode http
{{- if .AccessLog}}
  log global
  option httplog
{{- end}}
  timeout connect 2s
  timeout client 60s
  timeout server {{.AnswerSeconds}}s
  timeout http-keep-alive 60s
{{- with .QueueWait}}
  timeout queue {{.Milliseconds}}ms
{{- end}}
  http-reuse always
frontend front
  bind {{.Listen}}
  default_backend chat
backend chat
  balance roundrobin
{{- if .Probes}}
  option httpchk GET /health
{{- end}}
{{- range $i, $addr := .Servers}}
  server s{{$i}} {{$addr}}{{with $.Slots}} maxconn {{.}}{{end}}{{if $.Probes}} check inter 500ms fall 2{{end}}
{{- end}}
`)),
	peers.Steelyard: template.Must(template.New("steelyard").Parse(`listen:
  - address: "{{.Listen}}"
{{- with .TLS}}
    tls: {cert_file: "{{.CertFile}}", key_file: "{{.KeyFile}}"}
{{- end}}
admin: {address: "{{.Admin}}"}
{{- if .AccessLog}}
log: {access: true}
{{- end}}
{{- with .BodyMemory}}
limits: {body_memory: {{.}}}
{{- end}}
upstreams:
  - name: chat
{{- with .QueueWait}}
    queue: {max_wait: {{.}}}
{{- end}}
{{- with .Answer}}
    timeouts: {first_byte: {{.}}}
{{- end}}
{{- if .Probes}}
    health: {path: /health, interval: 500ms, timeout: 500ms, unhealthy_threshold: 2}
{{- end}}
    endpoints:
{{- range $i, $addr := .Servers}}
      - name: s{{$i}}
        url: "http{{if $.TLS}}s{{end}}://{{$addr}}"
{{- with $.Slots}}
        slots: {{.}}
{{- end}}
{{- with $.TLS}}
        tls: {ca_file: "{{.CertFile}}"}
{{- end}}
{{- end}}
`)),
}

// rendered is settings as the templates see them.
type rendered struct{ settings }

func (r rendered) Root() bool     { return os.Geteuid() == 0 }
func (r rendered) Listen() string { return r.listen }
func (r rendered) Admin() string  { return r.admin }

// AnswerSeconds is whole seconds, since nginx's configuration is read by people too.
func (r rendered) AnswerSeconds() int {
	if r.Answer == 0 {
		return 60
	}
	return int(r.Answer.Seconds())
}

// NginxConnections count both sides and the listener; it opens some ten files more.
func (r rendered) NginxConnections() int {
	if r.Files == 0 {
		return 1024
	}
	return r.Files - 10
}

// HAProxyConnections are those of clients. It says at its start that it needs two files for each, and 14 more.
func (r rendered) HAProxyConnections() int {
	if r.Files == 0 {
		return 0
	}
	return (r.Files - 14) / 2
}

// text is the settings in the language of a program.
func (s settings) text(program string) (string, error) {
	var b strings.Builder
	if err := templates[program].Execute(&b, rendered{s}); err != nil {
		return "", fmt.Errorf("write configuration of %s: %w", program, err)
	}
	return b.String(), nil
}
