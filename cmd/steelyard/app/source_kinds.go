// Sources by DNS, Consul and Redis.

package app

import (
	"crypto/tls"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/balancer/discovery/consul"
	"github.com/steelyard-proxy/steelyard/balancer/discovery/dns"
	"github.com/steelyard-proxy/steelyard/balancer/discovery/redis"
	"github.com/steelyard-proxy/steelyard/balancer/store"
	"github.com/steelyard-proxy/steelyard/configs"
)

// registryTimeout bounds a call to the Redis that servers register with: a reading is in no hurry.
const registryTimeout = 2 * time.Second

func dnsSource(c *configs.Discovery) (discovery.Source, error) {
	return dns.New(dns.Options{
		Name: c.Name, Record: dns.Record(c.Record), Scheme: c.Scheme, Port: c.Port, Servers: c.Servers, Interval: c.Interval,
	})
}

func consulSource(c *configs.Discovery) (discovery.Source, error) {
	roots, err := sourceTLS(c.CAFile)
	if err != nil {
		return nil, err
	}
	return consul.New(consul.Options{
		URL: string(c.URL), Service: c.Name, Tag: c.Tag, Datacenter: c.Datacenter, Namespace: c.Namespace, TokenFile: c.TokenFile,
		Scheme: c.Scheme, Port: c.Port, TLS: roots,
	})
}

func redisSource(c *configs.Discovery) (discovery.Source, error) {
	o, err := store.Parse(c.URL.RedisURLs()...)
	if err != nil {
		return nil, err
	}
	if o.TLS != nil {
		if o.TLS, err = sourceTLS(c.CAFile); err != nil {
			return nil, err
		}
	}
	o.PasswordFile, o.Timeout, o.Name = c.PasswordFile, registryTimeout, "steelyard-discovery"
	return redis.New(redis.Options{Store: store.New(o), Group: redis.Group{Cluster: c.Cluster, Name: c.Name}, Interval: c.Interval})
}

// sourceTLS is for connections to a source, whose certificate is signed by those in a file; "": by the system's.
func sourceTLS(file string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if file == "" {
		return c, nil
	}
	var err error
	c.RootCAs, err = readRoots("ca_file", file)
	return c, err
}
