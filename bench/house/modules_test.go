package house

import (
	"strings"
	"testing"
)

// library is an import path from outside the module, or the beginning of one, and who may use it.
type library struct {
	path  string
	rooms string // folders, separated by spaces; "" for none but tests
	tests string // folders whose tests may use it too; "*" for all
	why   string
}

// libraries is every dependency there is. One more is one more thing that can break, so it gets a row and a reason.
var libraries = []library{
	{path: "github.com/valyala/fasthttp", rooms: "proxy/front proxy/strict proxy/transport bench", tests: "proxy",
		why: "its types stay on the wire's side, so that another listener can share routing, pools, health and metrics"},
	{path: "github.com/prometheus/client_golang", rooms: "metrics", tests: "",
		why: "everybody else holds instruments of ours, which cost no allocation and no lock"},
	{path: "github.com/prometheus/client_model", rooms: "metrics health/resource", tests: "",
		why: "what client_golang's registry gathers, read back; and what pages of nodes say"},
	{path: "github.com/prometheus/common", rooms: "metrics health/resource",
		why: "writes what the registry of the process gathers, and reads pages of nodes"},
	{path: "connectrpc.com/connect", rooms: "metrics/autoscale/keda", tests: "",
		why: "gRPC on net/http at a third of the size of grpc-go; KEDA speaks nothing else"},
	{path: "google.golang.org/protobuf", rooms: "metrics/autoscale/keda",
		why: "the wire format of five messages, which connect has in it already"},
	{path: "github.com/klauspost/compress", rooms: "metrics",
		why: "gzip at half the standard library's cost, for pages of megabytes beside the data path"},
	{path: "github.com/spf13/viper", rooms: "configs", why: "configuration is read in one place"},
	{path: "github.com/go-viper/mapstructure/v2", rooms: "configs", why: "viper's decoder, with defaults laid under lists"},
	{path: "github.com/fsnotify/fsnotify", rooms: "cmd/steelyard/filewatch", why: "what the system tells of changed folders, by its own means on each"},
	{path: "go.yaml.in/yaml/v3", rooms: "configs bench/scenario balancer/discovery/kubernetes/api balancer/discovery", tests: "bench",
		why: "lines and columns of the file, which viper does not keep"},
	{path: "github.com/spf13/cobra", rooms: "cmd", why: "the command line belongs to the process"},
	{path: "github.com/spf13/pflag", rooms: "cmd", why: "cobra's flags, whose numbers are held to the rule of the configuration's"},
	{path: "golang.org/x/term", rooms: "cmd", why: "whether somebody is watching"},
	{path: "github.com/hashicorp/go-retryablehttp", rooms: "metrics/notify",
		why: "attempts, pauses and bodies that are sent again; it buffers bodies, so it has no place on the request path"},
	{path: "github.com/gomodule/redigo", rooms: "balancer/store",
		why: "Redis' protocol in a hundredth of what a client with a method per command costs; balancer/store bounds its calls and names its errors"},
	{path: "github.com/miekg/dns", rooms: "balancer/discovery/dns",
		why: "Go's own resolver tells neither for how long an answer holds nor whether a server failed"},
	{path: "go.uber.org/zap", rooms: "cmd health proxy", why: "leaves return errors; who acts on them logs"},
	{path: "golang.org/x/sys", rooms: "metrics health/resource/agent proxy/front proxy/transport proxy/wire cmd/steelyard/handover cmd/steelyard/systemd bench", tests: "cmd/steelyard",
		why: "system calls on sockets and file systems, and the size of a cache line"},
	{path: "github.com/HdrHistogram/hdrhistogram-go", rooms: "cmd", why: "exact quantiles of what the demo's client sees, without an end; the gateway has its own histograms"},
	{path: "github.com/stretchr/testify", tests: "*", why: "tests only"},
	{path: "go.uber.org/goleak", tests: "*", why: "tests only"},

	// Of the standard library, what would put a room in the wrong place.
	{path: "net/http/httptest", tests: "*", why: "tests only"},
	{path: "net/http/pprof", why: "it hangs handlers into the default mux"},
	{path: "net/http", rooms: "proxy metrics health bench cmd balancer/shared/peers balancer/discovery/kubernetes balancer/discovery", tests: "*",
		why: "balancer and configs know no HTTP: a simulation runs without sockets; of balancer only what asks where endpoints are does"},
	{path: "log", rooms: "bench", tests: "*", why: "log through zap, where level and form are configured"},
	{path: "log/slog", why: "log through zap, where level and form are configured"},
	{path: "testing", tests: "*", why: "a program that carries testing carries its flags"},
}

func TestLibrariesStayWhereTheyBelong(t *testing.T) {
	for _, f := range sources(t) {
		for _, path := range f.imports() {
			if _, is := ours(path); is {
				continue
			}
			l, ok := libraryOf(path)
			switch {
			case !ok && strings.Contains(path, "."):
				t.Errorf("%s imports %s, which has no row in bench/house/modules_test.go: prefer the standard library, or say who may use it and why", f.path, path)
			case ok && !l.allows(&f):
				t.Errorf("%s imports %s, and %s may not: %s", f.path, path, f.room, l.why)
			}
		}
	}
}

// libraryOf is the first row that a path falls under.
func libraryOf(path string) (library, bool) {
	for _, l := range libraries {
		if within(path, l.path) && (strings.Contains(l.path, ".") || path == l.path) {
			return l, true
		}
	}
	return library{}, false
}

func (l *library) allows(f *file) bool {
	if coversAny(strings.Fields(l.rooms), f.room) {
		return true
	}
	return f.test && (l.tests == "*" || coversAny(strings.Fields(l.tests), f.room))
}

// TestEveryLibraryIsUsed keeps the list as short as go.mod.
func TestEveryLibraryIsUsed(t *testing.T) {
	used := map[string]bool{}
	for _, f := range sources(t) {
		for _, path := range f.imports() {
			if l, ok := libraryOf(path); ok {
				used[l.path] = true
			}
		}
	}
	for _, l := range libraries {
		if strings.Contains(l.path, ".") && !used[l.path] {
			t.Errorf("nothing imports %s: take its row out of bench/house/modules_test.go, and run `go mod tidy`", l.path)
		}
	}
}
