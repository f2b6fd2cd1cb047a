// Containers, as the engine tells of them and is told.

package docker

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
)

// The labels of our containers.
const (
	labelUpstream = "steelyard.upstream"
	labelSlot     = "steelyard.slot"
	labelPort     = "steelyard.port"
)

// Settings say what a replica is. In Command, Env and Create {port}, {name}, {slot}, {gpu} and {upstream} stand for those of the
// replica.
type Settings struct {
	Image         string
	Command       []string // none: the image's own
	Env           []string // NAME=value
	First, Last   int      // ports of this machine
	ContainerPort int      // that the server listens on in its container; 0: it shares the machine's network and listens on {port}
	GPUs          []string // what {gpu} stands for, by slot; the container gets these and no others
	Create        string   // JSON that is laid over the body of a creation; "": nothing
	Most          int
	StopTimeout   time.Duration
}

// listed is a container in the engine's list.
type listed struct {
	ID      string            `json:"Id"`
	Names   []string          `json:"Names"`
	State   string            `json:"State"` // created, restarting, running, removing, paused, exited or dead
	Status  string            `json:"Status"`
	Created int64             `json:"Created"`
	Labels  map[string]string `json:"Labels"`
}

// container is one of ours.
type container struct {
	listed
	slot, port int
	stopping   bool // it was being stopped when the list was asked for
}

// ours reads the labels.
func ours(l listed) (c container, ok bool) {
	slot, err := strconv.Atoi(l.Labels[labelSlot])
	port, err2 := strconv.Atoi(l.Labels[labelPort])
	return container{listed: l, slot: slot, port: port}, err == nil && err2 == nil && slot >= 0 && port > 0 && port <= 65535
}

// ends says whether it is on its way out.
func (c *container) ends() bool { return c.State == "removing" || c.State == "dead" }

// replica is the container as others see it.
func (c *container) replica(upstream string, stopping bool) autoscale.Replica {
	r := autoscale.Replica{
		Name: autoscale.NameOf(upstream, c.slot), URL: "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)),
		Since: time.Unix(c.Created, 0).UTC(), State: autoscale.Running,
	}
	switch {
	case stopping || c.ends():
		r.State = autoscale.Stopping
	case c.State == "created":
		r.State = autoscale.Starting
	case c.State != "running":
		r.State, r.URL, r.Problem = autoscale.Failed, "", strings.TrimSpace("its container is "+c.State+": "+c.Status)
	}
	return r
}

// containerName is a name that the engine takes: of letters, digits, "_", "." and "-".
func containerName(upstream string, slot int) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, upstream)
	return "steelyard-" + autoscale.NameOf(plain, slot)
}

// body is what is posted to create a replica.
func (s *Settings) body(upstream string, slot, port int) (map[string]any, error) {
	gpu := autoscale.GPUOf(s.GPUs, slot)
	words := autoscale.Words(upstream, slot, port, gpu)
	fill := func(list []string) []string {
		filled := []string{}
		for _, text := range list {
			filled = append(filled, words.Replace(text))
		}
		return filled
	}
	host := map[string]any{"RestartPolicy": map[string]any{"Name": "unless-stopped"}}
	body := map[string]any{
		"Image": s.Image, "HostConfig": host,
		"Labels": map[string]any{labelUpstream: upstream, labelSlot: strconv.Itoa(slot), labelPort: strconv.Itoa(port)},
	}
	if len(s.Command) > 0 {
		body["Cmd"] = fill(s.Command)
	}
	if len(s.Env) > 0 {
		body["Env"] = fill(s.Env)
	}
	if s.ContainerPort > 0 {
		inside := strconv.Itoa(s.ContainerPort) + "/tcp"
		body["ExposedPorts"] = map[string]any{inside: map[string]any{}}
		host["PortBindings"] = map[string]any{inside: []any{map[string]any{"HostIp": "127.0.0.1", "HostPort": strconv.Itoa(port)}}}
	} else {
		host["NetworkMode"] = "host"
	}
	if gpu != "" {
		host["DeviceRequests"] = []any{map[string]any{
			"Driver": "nvidia", "DeviceIDs": strings.Split(gpu, ","), "Capabilities": [][]string{{"gpu"}},
		}}
	}
	if s.Create != "" {
		var more map[string]any
		if err := json.Unmarshal([]byte(s.Create), &more); err != nil {
			return nil, fmt.Errorf("read scale.actuator.create: %w", err)
		}
		lay(body, fillAll(more, words.Replace).(map[string]any))
	}
	return body, nil
}

// lay puts one JSON object over another.
func lay(under, over map[string]any) {
	for key, value := range over {
		below, isObject := under[key].(map[string]any)
		above, both := value.(map[string]any)
		if isObject && both {
			lay(below, above)
		} else {
			under[key] = value
		}
	}
}

// fillAll fills words in, in all texts of a JSON value.
func fillAll(value any, fill func(string) string) any {
	switch v := value.(type) {
	case string:
		return fill(v)
	case []any:
		for i := range v {
			v[i] = fillAll(v[i], fill)
		}
	case map[string]any:
		for key := range v {
			v[key] = fillAll(v[key], fill)
		}
	}
	return value
}

// bySlot puts containers in order.
func bySlot(list []container) {
	slices.SortFunc(list, func(a, b container) int { return a.slot - b.slot })
}
