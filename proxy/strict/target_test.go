package strict

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTargets(t *testing.T) {
	for target, c := range map[string]struct {
		refusal      *Refusal
		target, path string // as forwarded and as routed; "" for target: the same bytes
	}{
		"/":                              {path: "/"},
		"/v1/models":                     {path: "/v1/models"},
		"/v1?stream=1&x=/../":            {path: "/v1"},
		"/v1/models/Qwen%2FQwen2.5-7B":   {path: "/v1/models/Qwen%2FQwen2.5-7B"},
		"//evil.test/x":                  {path: "//evil.test/x"},
		"/a//b":                          {path: "/a//b"},
		"/a%20b":                         {path: "/a%20b"},
		"/...":                           {path: "/..."},
		"/a..b/.c/d./e":                  {path: "/a..b/.c/d./e"},
		"/%252e%252e/":                   {path: "/%252e%252e/"},
		"/?q=%zz":                        {path: "/"},
		"http://a.test/x?y":              {target: "/x?y", path: "/x"},
		"HTTPS://A.TEST/x":               {target: "/x", path: "/x"},
		"http://a.test":                  {target: "/", path: "/"},
		"http://a.test?y":                {target: "/?y", path: "/"},
		"http://a.test:80/x":             {target: "/x", path: "/x"},
		"http://a.test:/x":               {target: "/x", path: "/x"},
		"https://a.test:443/x":           {target: "/x", path: "/x"},
		"https://a.test:80/x":            {refusal: HostMismatch},
		"http://a.test/%2e%2e/":          {refusal: DotSegment},
		"http://b.test/":                 {refusal: HostMismatch},
		"http://a.test.b/":               {refusal: HostMismatch},
		"http://u@a.test/":               {refusal: BadTarget},
		"http:///x":                      {refusal: BadTarget},
		"http://":                        {refusal: BadTarget},
		"ftp://a.test/":                  {refusal: BadTarget},
		"http:/a.test/":                  {refusal: BadTarget},
		"a.test:80":                      {refusal: BadTarget},
		"x":                              {refusal: BadTarget},
		"?x":                             {refusal: BadTarget},
		"*":                              {refusal: BadTarget},
		"/#f":                            {refusal: FragmentInTarget},
		"/?q#f":                          {refusal: FragmentInTarget},
		"http://a.test/#f":               {refusal: FragmentInTarget},
		"/\x01":                          {refusal: BadTarget},
		"/\x7f":                          {refusal: BadTarget},
		"/\xc3\xa9":                      {refusal: BadTarget},
		"/a\x00":                         {refusal: BadTarget},
		"/.":                             {refusal: DotSegment},
		"/..":                            {refusal: DotSegment},
		"/./a":                           {refusal: DotSegment},
		"/a/../b":                        {refusal: DotSegment},
		"/a/..?x":                        {refusal: DotSegment},
		"/a/%2e%2e/b":                    {refusal: DotSegment},
		"/a/.%2E/b":                      {refusal: DotSegment},
		"/a/%2e":                         {refusal: DotSegment},
		"/a%2f..%2fb":                    {refusal: DotSegment},
		"/a/..%2F":                       {refusal: DotSegment},
		"/a%00b":                         {refusal: NulInPath},
		"/%":                             {refusal: BadTarget},
		"/%4":                            {refusal: BadTarget},
		"/%zz":                           {refusal: BadTarget},
		"/%u0041":                        {refusal: BadTarget},
		"/percent%25and%2525twice/%2525": {path: "/percent%25and%2525twice/%2525"},
	} {
		var r Request
		refusal := r.Parse([]byte("GET " + target + " HTTP/1.1\r\nHost: a.test\r\n\r\n"))
		if !assert.Same(t, c.refusal, refusal, "%q", target) || refusal != nil {
			continue
		}
		if c.target == "" {
			c.target = target
		}
		assert.Equal(t, c.target, string(r.Target), "%q", target)
		assert.Equal(t, c.path, string(r.Path), "%q", target)
		assert.Equal(t, target[0] != '/', r.Absolute, "%q", target)
	}
}

func TestTargetsOfOptions(t *testing.T) {
	for _, target := range []string{"*", "http://a.test"} {
		r := parse(t, "OPTIONS "+target+" HTTP/1.1\r\nHost: a.test\r\n\r\n")
		assert.Equal(t, "*", string(r.Target), target)
		assert.Equal(t, "*", string(r.Path), target)
	}
	r := parse(t, "OPTIONS /x HTTP/1.1\r\nHost: a.test\r\n\r\n")
	assert.Equal(t, "/x", string(r.Target))
}

// Without a Host field the absolute form says which host is meant.
func TestAbsoluteFormWithoutHost(t *testing.T) {
	r := parse(t, "GET http://a.test:81/x HTTP/1.0\r\n\r\n")
	assert.Equal(t, "a.test:81", string(r.Host))
	var other Request
	assert.Same(t, NoHost, other.Parse([]byte("GET http://a.test/ HTTP/1.1\r\n\r\n")))
}

func TestValidHost(t *testing.T) {
	for host, want := range map[string]bool{
		"a": true, "a.test": true, "A-b_c.test": true, "a.test:80": true, "a.test:": true, "a.test:65535": true,
		"127.0.0.1": true, "127.0.0.1:9001": true, "[::1]": true, "[::1]:443": true, "[::ffff:127.0.0.1]": true, "[2001:db8::1]:": true,
		"": false, ":": false, ":80": false, "a:b": false, "a:80:80": false, "a:65536": false, "a:-1": false, "a:123456": false,
		"::1": false, "[]": false, "[:]": false, "[::1": false, "[::1]80": false, "[::1]]": false, "[::g]": false, "[::1%25lo]": false,
		"a b": false, "a/b": false, "a@b": false, "a?b": false, "a#b": false, `a\b`: false, "a,b": false, "a\x00": false, "\xc3\xa9": false,
	} {
		assert.Equal(t, want, ValidHost([]byte(host)), "%q", host)
	}
}
