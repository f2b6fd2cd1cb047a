package conformance

import (
	"fmt"
	"time"
)

// settings are what cases vary in their gateway; the zero value is the gateway's defaults with the limits below.
type settings struct {
	streamed  bool          // bodies of requests are passed on as they come, none is held
	bodyLimit int           // bytes; 0: 64 MiB
	header    time.Duration // for a request's header; 0: 10 s
	body      time.Duration // for a request's body; 0: 10 s
	idle      time.Duration // between the requests of a client; 0: 75 s
	firstByte time.Duration // of an answer; 0: none
	silence   time.Duration // between two reads of an answer; 0: 60 s
	halfWait  bool          // a half-closed client still waits for its answer
	untrusted bool          // the client's X-Forwarded-* are not believed
	dead      bool          // nobody listens where the endpoint should be
}

func (s settings) withDefaults() settings {
	or := func(d *time.Duration, fallback time.Duration) {
		if *d == 0 {
			*d = fallback
		}
	}
	or(&s.header, 10*time.Second)
	or(&s.body, 10*time.Second)
	or(&s.idle, 75*time.Second)
	or(&s.silence, time.Minute)
	if s.bodyLimit == 0 {
		s.bodyLimit = 64 << 20
	}
	return s
}

// steelyardConfig is the contract of the configuration file: probes are connects, far apart, and there is no admin.
func steelyardConfig(s settings, _, listen, endpoint string) string {
	replay, halfClose, trust := min(s.bodyLimit, 4<<20), "gone", "127.0.0.0/8"
	if s.streamed {
		replay = 0
	}
	if s.halfWait {
		halfClose = "wait"
	}
	if s.untrusted {
		trust = "192.0.2.0/24"
	}
	return fmt.Sprintf(`listen:
  - address: %q
admin: {address: ""}
log: {level: info, format: json}
limits: {header_bytes: 8KiB, body_bytes: %d, replay_bytes: %d}
timeouts: {header: %s, body: %s, idle_client: %s}
forwarded: {trust: [%q]}
half_close: %s
upstreams:
  - name: chat
    endpoints:
      - {name: only, url: "http://%s"}
    health: {interval: 60s, timeout: 15s}
    timeouts: {connect: 2s, first_byte: %s, idle: %s}
`, listen, s.bodyLimit, replay, s.header, s.body, s.idle, trust, halfClose, endpoint, s.firstByte, s.silence)
}

// bareConfig has nothing but addresses: the plain proxy of fasthttp has no settings.
func bareConfig(_ settings, _, listen, endpoint string) string { return listen + " " + endpoint }

func nginxConfig(s settings, dir, listen, endpoint string) string {
	buffering, forwarded := "on", "$proxy_add_x_forwarded_for"
	if s.streamed {
		buffering = "off"
	}
	if s.untrusted {
		forwarded = "$remote_addr"
	}
	read := s.silence
	if s.firstByte != 0 {
		read = s.firstByte
	}
	return fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log stderr warn;
events { worker_connections 256; }
http {
  access_log off; default_type application/json;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f;
  uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  client_max_body_size %[2]d; client_header_timeout %[3]dms; client_body_timeout %[4]dms; keepalive_timeout %[5]dms;
  map $http_host $host_out { default $http_host; '' x.test; }
  map $http_upgrade $connection_out { default upgrade; '' ''; }
  upstream chat { server %[6]s max_fails=0; keepalive 16; }
  server {
    listen %[7]s;
    location / {
      proxy_pass http://chat; proxy_http_version 1.1; proxy_buffering off; proxy_buffer_size 32k; proxy_buffers 8 32k; proxy_request_buffering %[8]s;
      proxy_read_timeout %[9]dms;
      proxy_set_header Host $host_out; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_out; proxy_set_header X-Forwarded-For %[10]s;
    }
  }
}
`, dir, s.bodyLimit, s.header.Milliseconds(), s.body.Milliseconds(), s.idle.Milliseconds(), endpoint, listen,
		buffering, read.Milliseconds(), forwarded)
}

func haproxyConfig(s settings, _, listen, endpoint string) string {
	answer := s.silence
	if s.firstByte != 0 {
		answer = s.firstByte
	}
	extra := ""
	if s.untrusted {
		extra += "  http-request del-header X-Forwarded-For\n"
	}
	if s.bodyLimit < 64<<20 {
		extra += fmt.Sprintf("  http-request deny status 413 if { req.body_size gt %d }\n", s.bodyLimit)
	}
	return fmt.Sprintf(`global
  maxconn 256
defaults
  mode http
  option forwardfor
  timeout connect 2s
  timeout client %[1]dms
  timeout http-request %[2]dms
  timeout http-keep-alive %[3]dms
  timeout server %[4]dms
  timeout tunnel 60s
frontend in
  bind %[5]s
%[6]s  default_backend out
backend out
  server only %[7]s
`, max(s.body, time.Second).Milliseconds(), s.header.Milliseconds(), s.idle.Milliseconds(), answer.Milliseconds(),
		listen, extra, endpoint)
}
