// The proxy, and how a bench's program becomes it.

package bare

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"text/template"
	"time"

	"github.com/valyala/fasthttp"
)

// Name is what benches call it.
const Name = "bare"

// command is the first argument of a program that is to be the proxy.
const command = "serve-bare-fasthttp"

// Args are those of a program that is to be the proxy that the file says.
func Args(file string) []string { return []string{command, file} }

// Config is such a file: the address to listen on, and then those of the endpoints.
var Config = template.Must(template.New(Name).Parse("{{.Listen}}{{range .Endpoints}} {{.Addr}}{{end}}\n"))

// Version is that of fasthttp in this program.
func Version() string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, m := range build.Deps {
			if m.Path == "github.com/valyala/fasthttp" {
				return "bare fasthttp " + m.Version
			}
		}
	}
	return "bare fasthttp"
}

// IfAsked is the proxy, for good, in a program that was started with Args. In others it does nothing.
func IfAsked() {
	if len(os.Args) != 3 || os.Args[1] != command {
		return
	}
	fmt.Fprintln(os.Stderr, "bare:", serve(os.Args[2]))
	os.Exit(1)
}

func serve(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	addresses := strings.Fields(string(text))
	if len(addresses) < 2 {
		return errors.New("name the address to listen on and those of the endpoints")
	}
	return newServer(addresses[1:]).ListenAndServe(addresses[0])
}

// many is more connections than any bench opens; fasthttp's default is 512 to an endpoint.
const many = 100_000

// newServer returns the proxy: what fasthttp's own example of one does, and the fields that the other proxies add.
func newServer(endpoints []string) *fasthttp.Server {
	balancer := &fasthttp.LBClient{Timeout: 10 * time.Minute} // its default is a second
	for _, address := range endpoints {
		balancer.Clients = append(balancer.Clients, &fasthttp.HostClient{Addr: address, MaxConns: many, StreamResponseBody: true})
	}
	return &fasthttp.Server{MaxRequestBodySize: 64 << 20, NoDefaultServerHeader: true, Handler: func(ctx *fasthttp.RequestCtx) {
		head := &ctx.Request.Header
		head.Del("Connection")
		head.Add("X-Forwarded-For", ctx.RemoteIP().String())
		head.Set("X-Forwarded-Proto", "http")
		head.SetBytesV("X-Forwarded-Host", head.Host())
		if err := balancer.Do(&ctx.Request, &ctx.Response); err != nil {
			ctx.Error("502 bad gateway", fasthttp.StatusBadGateway)
		}
		ctx.Response.Header.Del("Connection")
	}}
}
