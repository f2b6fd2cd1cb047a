// The plan in the language of each program.

package peers

import "text/template"

// nginx chooses among weights of whole numbers.
var nginxTemplate = template.Must(template.New("nginx").Parse(`daemon off;
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
{{- if not .Stock}}
  client_body_buffer_size 1m;
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
{{- end}}
  upstream engines {
{{- if not .InTurn}}
    least_conn;
{{- end}}
{{- range .Weighted}}
    server {{.Addr}} weight={{.Weight}}{{if $.Slots}} max_conns={{.Slots}}{{end}}{{if not $.Stock}} max_fails=0{{end}};
{{- end}}
    keepalive 1024;
{{- if not .Stock}}
    keepalive_requests 1000000000;
    keepalive_timeout 4s;
{{- end}}
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
      proxy_read_timeout {{.AnswerSeconds}}s;
{{- if not .Stock}}
      proxy_next_upstream off;
{{- else if .Recovers}}
      proxy_next_upstream error timeout http_500 http_502 http_503 http_504 http_429 non_idempotent;
{{- end}}
{{- if not .Buffered}}
      proxy_buffering off;
{{- end}}
    }
  }
}
`))

// With Slots a server gets no more requests at once than it has slots. The others wait in the backend's queue, and a
// server that comes free takes the next. timeout queue bounds the wait, which by default would be timeout connect.
// HAProxy sets two files aside for each of maxconn, and without "no strict-limits" it does not start where it may not
// open so many; a run never does.
var haproxyTemplate = template.Must(template.New("haproxy").Parse(`global
  nbthread 1
{{- with .HAProxyConnections}}
  maxconn {{.}}
{{- end}}
  no strict-limits
{{- if .AccessLog}}
  log stderr format raw daemon
{{- end}}
defaults
  mode http
{{- if .AccessLog}}
  log global
  option httplog
{{- end}}
  timeout connect 5s
  timeout client 75s
  timeout server {{.AnswerSeconds}}s
{{- with .Wait}}
  timeout queue {{.Milliseconds}}ms
{{- end}}
  timeout http-keep-alive 75s
{{- if not .Stock}}
  retries 0
{{- else if .Recovers}}
  retries 3
  option redispatch 1
  option abortonclose
  retry-on conn-failure empty-response response-timeout 500 502 503 504
{{- end}}
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
{{- if .Probes}}
  option httpchk GET /health
{{- end}}
{{- range .Weighted}}
  server {{.Name}} {{.Addr}} weight {{.Weight}}{{if not $.Stock}} pool-purge-delay 4s{{end}}{{if $.Slots}} maxconn {{.Slots}}{{end}}{{if $.Probes}} check inter 500ms fall 2{{else if $.Recovers}} check inter 2s observe layer7 error-limit 3 on-error mark-down{{end}}
{{- end}}
`))

var steelyardTemplate = template.Must(template.New("steelyard").Parse(`listen:
  - address: "{{.Listen}}"
{{- with .CertFile}}
    tls: {cert_file: "{{.}}", key_file: "{{$.KeyFile}}"}
{{- end}}
admin: {address: "{{.Admin}}"}
{{- if .AccessLog}}
log: {access: true}
{{- else if not .Stock}}
log: {level: error}
{{- end}}
{{- with .BodyMemory}}
limits: {body_memory: {{.}}}
{{- end}}
{{- with .Store}}
shared: {redis: "redis://{{.}}", name: {{$.Gateway}}, publish: {{$.Publish}}}
{{- end}}
upstreams:
  - name: engines
{{- with .Policy}}
    policy: {{.}}
{{- end}}
{{- with .Scale}}
    capacity_scale: {{.}}
{{- end}}
{{- if and .Speed (eq .Policy "least_cost")}}
    time_scale: {{.Speed}}
{{- end}}
{{- if or .Queue .Wait}}
    queue:
{{- with .Queue}}
      order: {{.}}
{{- end}}
{{- with .ReadAhead}}
      read_ahead: {{.}}
{{- end}}
{{- with .Wait}}
      max_wait: {{.}}
{{- if not $.Stock}}
      max_requests: {{$.Longest}}
{{- end}}
{{- end}}
{{- end}}
{{- with .Answer}}
    timeouts: {first_byte: {{.}}}
{{- end}}
{{- if .Probes}}
    health: {path: /health, interval: 500ms, timeout: 500ms, unhealthy_threshold: 2}
{{- end}}
    endpoints:
{{- range .Endpoints}}
      - name: "{{.Name}}"
        url: "http{{if $.CertFile}}s{{end}}://{{.Addr}}"
{{- with .Capacity}}
        capacity: {{.}}
{{- end}}
{{- if $.Slots}}
        slots: {{.Slots}}
{{- end}}
{{- with .Cache}}
        prefix_cache: {{.}}
{{- end}}
{{- with $.CertFile}}
        tls: {ca_file: "{{.}}"}
{{- end}}
{{- end}}
`))

// redisTemplate keeps nothing on disk: the store is as gone as the run when it ends.
var redisTemplate = template.Must(template.New("redis").Parse(`bind 127.0.0.1
port {{.Port}}
dir {{.Dir}}
save ""
appendonly no
loglevel warning
`))
