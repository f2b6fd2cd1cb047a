// steelyard register: keeps a server registered in Redis while it lives.

package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/balancer/discovery/redis"
	"github.com/steelyard-proxy/steelyard/balancer/store"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/register"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/signals"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
)

// registerName is a command that SIGHUP does not end: it passes it on.
const registerName = "register"

// mostDrain is more than anybody waits for.
const mostDrain = 24 * time.Hour

// registration is what the command line says.
type registration struct {
	redis                []string
	passwordFile, caFile string
	group                redis.Group
	record               redis.Record
	ttl, drain           time.Duration
	check                string
	command              []string

	store   store.Options // of redis, passwordFile and caFile
	changed func(flag string) bool
}

func registerCommand() *cobra.Command {
	var r registration
	c := &cobra.Command{
		Use:   registerName + " --redis URL --upstream NAME --url URL [-- COMMAND ARGS...]",
		Short: "Keep a server registered in Redis, where gateways find it, while it lives",
		Long: `Keep a server registered in Redis, where gateways with discovery of kind redis find it.

It runs beside the server, or starts it: what follows -- is the server's command. Then signals are passed to the server, its exit
code becomes that of register, and both end together. The record is renewed three times in --ttl; without renewal Redis drops it.

At SIGTERM or SIGINT gateways are told that the server departs, so that it gets no new requests. After --drain the server is sent
the signal. A second signal ends the wait.`,
		Args: func(c *cobra.Command, args []string) error {
			if at := c.ArgsLenAtDash(); len(args) > 0 && at != 0 {
				return badInput("%q is not a flag: put -- before the command that starts the server", shorten(args[0]))
			} else if at == 0 && len(args) == 0 {
				return badInput("no command stands after --: give the one that starts the server, or leave -- out")
			}
			r.command = args
			return nil
		},
		PreRunE: func(c *cobra.Command, _ []string) error {
			r.changed = c.Flags().Changed
			return r.resolve()
		},
		RunE: func(c *cobra.Command, _ []string) error { return r.run(c.Context()) },
	}
	f := c.Flags()
	f.StringArrayVar(&r.redis, "redis", nil, "URL of the Redis server, as redis://host:6379/0; several, of which one is the master: give it again")
	f.StringVar(&r.passwordFile, "password-file", "", "file with Redis' password, instead of one in the URL")
	f.StringVar(&r.caFile, "ca-file", "", "file with the certificates (PEM) that Redis' must be signed by, with rediss://")
	f.StringVar(&r.group.Name, "upstream", "", "what the server serves: the name that gateways look for")
	f.StringVar(&r.group.Cluster, "cluster", redis.UsualCluster, "whose servers they are, where several share one Redis")
	f.StringVar(&r.record.URL, "url", "", "where gateways reach the server, as http://10.0.0.5:8000")
	f.StringVar(&r.record.Name, "name", "", "the server's name (default: host:port of --url)")
	f.StringVar(&r.record.ID, "id", "", "who it is beyond its address: another id is another server (default with a command: a new one at each start)")
	f.Float64Var(&r.record.Capacity, "capacity", 0, "the work that it does per second, in the upstream's unit (default: as the gateway says)")
	f.IntVar(&r.record.Slots, "slots", 0, "how many requests it works on at once (default: as the gateway says)")
	f.IntVar(&r.record.Tier, "tier", 0, "0: it is used first; more: a backup")
	f.DurationVar(&r.ttl, "ttl", redis.UsualTTL, "how long the record lives that is not renewed")
	f.StringVar(&r.check, "check", "", "path that the server answers with 200 when it is ready, as /health (default: it is ready at once)")
	f.DurationVar(&r.drain, "drain", 20*time.Second, "the time for requests under way, from telling that it departs to stopping it")
	within(c, "slots", "0 to 1000000")
	within(c, "tier", "0 to 9")
	return c
}

// resolve checks what was given, and fills in what follows from it.
func (r *registration) resolve() (err error) {
	for _, missing := range []struct{ flag, value, remedy string }{
		{"redis", strings.Join(r.redis, ""), "give the URL of a Redis server, as --redis redis://127.0.0.1:6379/0"},
		{"upstream", r.group.Name, "give the name that gateways look for, as --upstream chat"},
		{"url", r.record.URL, "give the address at which gateways reach the server, as --url http://10.0.0.5:8000"},
	} {
		if missing.value == "" {
			return badInput("no --%s: %s", missing.flag, missing.remedy)
		}
	}
	if r.store, err = store.Parse(r.redis...); err != nil {
		return badInput("--redis %v", err)
	}
	if err := r.resolveStore(); err != nil {
		return err
	}
	if err := r.group.Check(); err != nil {
		return badInput("%v", err)
	}
	if r.changed("capacity") && r.record.Capacity == 0 {
		return badInput("--capacity 0: give a number above 0, or leave it out")
	}
	if err := redis.CheckRecord(&r.record); err != nil {
		return badInput("%v", err)
	}
	switch {
	case r.ttl < redis.LeastTTL || r.ttl > redis.MostTTL:
		return badInput("--ttl %v: give %v to %v", r.ttl, redis.LeastTTL, redis.MostTTL)
	case r.drain < 0 || r.drain > mostDrain:
		return badInput("--drain %v: give 0s to %v", r.drain, mostDrain)
	case r.check != "" && !isPath(r.check):
		return badInput("--check %q: give a path, as /health", shorten(r.check))
	}
	if r.record.ID == "" && len(r.command) > 0 {
		r.record.ID = rand.Text()
	}
	return nil
}

// isPath accepts what may follow an address.
func isPath(text string) bool {
	u, err := url.ParseRequestURI(text)
	return err == nil && strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") && u.Host == "" && !strings.ContainsAny(text, "# ")
}

// resolveStore adds what stands in files to where the store is.
func (r *registration) resolveStore() error {
	switch {
	case r.passwordFile != "" && r.store.Password != "":
		return badInput("--password-file: the URL has a password as well; keep one of the two")
	case r.store.User != "" && r.store.Password == "" && r.passwordFile == "":
		return badInput("--redis has a user, but no password: give one in the URL, or --password-file")
	case r.caFile != "" && r.store.TLS == nil:
		return badInput("--ca-file: the connection is not encrypted; write rediss:// in --redis, or leave it out")
	}
	if r.passwordFile != "" {
		if _, err := os.ReadFile(r.passwordFile); err != nil {
			return badInput("--password-file %s: cannot be read: %v", r.passwordFile, cause(err))
		}
	}
	if r.caFile != "" {
		text, err := os.ReadFile(r.caFile)
		if err != nil {
			return badInput("--ca-file %s: cannot be read: %v", r.caFile, cause(err))
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return badInput("--ca-file %s: holds no certificate in PEM", r.caFile)
		}
		r.store.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	r.store.PasswordFile, r.store.Name, r.store.Timeout = r.passwordFile, "steelyard-register", 2*time.Second
	return nil
}

func (r *registration) run(ctx context.Context) error {
	counted := metrics.New(metrics.Build{Version: version(), Revision: revision()})
	log, _, behind := newLogs(configs.Log{Level: "info", Format: "console"}, os.Stderr, counted)
	defer behind.run()()
	if os.Getpid() == 1 {
		go newOrphans().run(context.Background())
	}
	client := store.New(r.store)
	defer func() { _ = client.Close() }()
	o := register.Options{
		Registrar: redis.NewRegistrar(client, r.group, r.record, r.ttl), Command: r.command, Drain: r.drain, Log: log,
		First: signals.First, Stops: signals.Later(),
	}
	if r.check != "" {
		o.Check = register.HTTPCheck(r.record.URL + r.check)
	}
	if len(r.command) == 0 {
		signals.OthersEnd()
	} else {
		o.Pass = passed()
	}
	err := register.New(o).Run(ctx)
	if of, ok := errors.AsType[*register.Exit](err); ok && of.Code == 0 {
		return nil
	}
	return err
}

// passed receives the signals that are the server's alone.
func passed() <-chan os.Signal {
	all := make(chan os.Signal, 8)
	signal.Notify(all, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGQUIT, syscall.SIGCONT, syscall.SIGWINCH)
	for _, early := range []<-chan os.Signal{signals.Hangups(), signals.Upgrades()} {
		select {
		case s := <-early:
			all <- s
		default:
		}
	}
	return all
}
