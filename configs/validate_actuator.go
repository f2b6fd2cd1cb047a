// Validation of actuators.

package configs

import (
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// validateActuator reports what cannot be right; there may be up to most servers.
func (r *report) validateActuator(p path, a *Actuator, most int) {
	switch a.Kind {
	case "":
		r.missing(p.key("kind"), "write "+strings.Join(actuatorKinds, ", "))
	case ActuateProcess:
		r.validateProcess(p, a, most)
	case ActuateDocker:
		r.validateDocker(p, a, most)
	case ActuateKubernetes:
		r.validateTarget(p, a)
	case ActuateWebhook:
		r.validateReceiver(p, "url", string(a.URL), a.URLFile)
		r.validateKeys(p.key("secret_file"), a.SecretFile)
		if a.CountURL != "" {
			r.validateAddress(p.key("count_url"), string(a.CountURL))
		}
		between(r, p.key("timeout"), a.Timeout, leastDuration, time.Hour, "give the time that the receiver has to answer, such as 30s")
	case ActuateCommand:
		r.validateOrders(p, a)
	default:
		r.oneOf(p.key("kind"), a.Kind, actuatorKinds...)
	}
}

func (r *report) validateProcess(p path, a *Actuator, most int) {
	if len(a.Command) == 0 {
		r.missing(p.key("command"), `give the server's program and its arguments, such as [vllm, serve, my-model, --port, "{port}"]`)
	} else {
		r.validateCommand(p.key("command"), a.Command)
	}
	r.validateTemplate(p, a, most)
	if len(a.Command) > 0 && most > 1 && !a.hasWord("{port}") {
		r.add(p.key("command"), `put "{port}" where the server takes its port, or lower max to 1`, "has no {port}, and there may be %d servers, each with a port of its own", most)
	}
}

func (r *report) validateDocker(p path, a *Actuator, most int) {
	if a.Image == "" {
		r.missing(p.key("image"), "give the image of the server, such as vllm/vllm-openai:v0.11.0")
	}
	if len(a.Command) > 0 {
		r.validateCommand(p.key("command"), a.Command)
	}
	r.validateTemplate(p, a, most)
	if !strings.HasPrefix(a.Socket, "/") {
		r.add(p.key("socket"), "give the path of the engine's unix socket, such as "+usualSocket, "is no absolute path: %s", quote(a.Socket))
	}
	if a.ContainerPort != 0 {
		between(r, p.key("container_port"), a.ContainerPort, 1, 65535, "give the port that the server listens on in its container, such as 8000")
	} else if most > 1 && !a.hasWord("{port}") {
		r.add(p, `give container_port, or put "{port}" into command or env where the server takes its port`,
			"has no {port}, and there may be %d servers that share the machine's network, each with a port of its own", most)
	}
	if a.Create != "" {
		var body map[string]any
		if err := json.Unmarshal([]byte(a.Create), &body); err != nil {
			r.add(p.key("create"), `write JSON such as '{"HostConfig": {"IpcMode": "host"}}'`, "is no JSON object: %s", quote(a.Create))
		}
	}
}

// validateTemplate reports what is wrong with the template of a server that runs on this machine.
func (r *report) validateTemplate(p path, a *Actuator, most int) {
	for _, list := range []struct {
		p     path
		words []string
	}{{p.key("command"), a.Command}, {p.key("env"), a.Env}, {p.key("dir"), []string{a.Dir}}} {
		r.validateWords(list.p, list.words, serverWords)
	}
	r.validateEnv(p.key("env"), a.Env)
	first, last, ok := ParsePorts(a.Ports)
	if !ok {
		r.add(p.key("ports"), "write the first and the last one, such as "+usualPorts, "is no range of ports: %s", quote(a.Ports))
	} else if count := last - first + 1; count < most {
		r.add(p.key("ports"), "give at least "+strconv.Itoa(most), "has %d ports, and there may be %d servers", count, most)
	}
	if a.hasWord("{gpu}") && len(a.GPUs) < most {
		r.add(p.key("gpus"), `give one for each, such as ["0", "1"], or ["0,1", "2,3"] for two each`, "has %d items, and there may be %d servers that are told {gpu}", len(a.GPUs), most)
	}
	between(r, p.key("stop_timeout"), a.StopTimeout, 0, time.Hour, "give the time that a server has to end in good order before it is killed, such as 30s")
}

func (r *report) validateOrders(p path, a *Actuator) {
	if len(a.Command) == 0 {
		r.missing(p.key("command"), `give the program that carries an order out, such as [scale-pool, "{upstream}", "{to}"]`)
	} else {
		r.validateCommand(p.key("command"), a.Command)
		r.validateWords(p.key("command"), a.Command, orderWords)
	}
	if len(a.CountCommand) > 0 {
		r.validateCommand(p.key("count_command"), a.CountCommand)
		r.validateWords(p.key("count_command"), a.CountCommand, []string{"{upstream}"})
	}
	r.validateEnv(p.key("env"), a.Env)
	between(r, p.key("timeout"), a.Timeout, leastDuration, time.Hour, "give the time that a run may take, such as 30s")
}

func (r *report) validateWords(p path, list, known []string) {
	for i, text := range list {
		for _, word := range braced.FindAllString(text, -1) {
			if !slices.Contains(known, word) {
				r.add(p.item(i), Suggest(word, known), "nothing is known that %s stands for", quote(word))
			}
		}
	}
}

func (r *report) validateEnv(p path, list []string) {
	for i, line := range list {
		if name, _, is := strings.Cut(line, "="); !is || strings.TrimSpace(name) != name || name == "" || strings.ContainsRune(line, 0) {
			r.add(p.item(i), "write NAME=value", "is no variable: %s", quote(line))
		}
	}
}

// validateActuators reports servers of several upstreams that would take each other's ports or names.
func (r *report) validateActuators(upstreams []Upstream) {
	type used struct {
		p           path
		first, last int
	}
	var ranges []used
	for i := range upstreams {
		u := &upstreams[i]
		if u.Scale == nil || u.Scale.Actuator == nil || !u.Scale.Actuator.onMachine() {
			continue
		}
		p := path("upstreams").item(i).key("scale").key("actuator").key("ports")
		first, last, ok := ParsePorts(u.Scale.Actuator.Ports)
		for _, other := range ranges {
			if ok && first <= other.last && other.first <= last {
				r.add(p, "give each upstream ports of its own", "has ports of %s: %d-%d", other.p, other.first, other.last)
				break
			}
		}
		if ok {
			ranges = append(ranges, used{p, first, last})
		}
		for slot := range min(u.Scale.Max, mostReplicas) {
			for j := range u.Endpoints {
				if u.Endpoints[j].Name == nameOf(u.Name, slot) {
					r.add(path("upstreams").item(i).key("endpoints").item(j).key("name"), "give it another name",
						"is that of a server which the actuator starts: %s", quote(u.Endpoints[j].Name))
				}
			}
		}
	}
}

// reviewActuator notes what has no effect, or would fail on this machine.
func (r *report) reviewActuator(p path, a *Actuator) {
	value := reflect.ValueOf(*a)
	for i, f := range fields(value.Type()) {
		if kinds, found := actuatorKeys[f.name]; found && !slices.Contains(kinds, a.Kind) && !value.Field(i).IsZero() {
			r.note(p.key(f.name), "remove it", "has no effect with kind %s", a.Kind)
		}
	}
	switch a.Kind {
	case ActuateProcess:
		r.reviewServer(p, a)
	case ActuateCommand:
		r.reviewCommand(p.key("command"), a.Command)
		if len(a.CountCommand) > 0 {
			r.reviewCommand(p.key("count_command"), a.CountCommand)
		}
	case ActuateWebhook:
		if a.SecretFile == "" {
			r.note(p, "give secret_file, so that its receiver can tell our messages from others", "messages are not signed")
		}
		if openly(string(a.URL)) {
			r.note(p.key("url"), "use https", "anybody on the way can read the messages, and the address")
		}
	case ActuateDocker:
		if _, err := os.Stat(a.Socket); err != nil {
			r.note(p.key("socket"), "start Docker, or give the path of its socket", "cannot be used on this machine: %v", fileCause(err))
		}
	}
}

// reviewServer notes what is not on this machine. It may well be on another.
func (r *report) reviewServer(p path, a *Actuator) {
	ownPath := slices.ContainsFunc(a.Env, func(line string) bool { return strings.HasPrefix(line, "PATH=") })
	if !ownPath && !braced.MatchString(a.Command[0]) && !(a.Dir != "" && strings.HasPrefix(a.Command[0], ".")) {
		if _, err := exec.LookPath(a.Command[0]); err != nil {
			r.note(p.key("command"), "give the path of a program that is there and may be run", "cannot be run on this machine: %v", err)
		}
	}
	for _, folder := range []struct {
		p    path
		name string
	}{{p.key("dir"), a.Dir}, {p.key("logs"), a.Logs}} {
		if folder.name == "" || braced.MatchString(folder.name) {
			continue
		}
		if info, err := os.Stat(folder.name); err != nil {
			r.note(folder.p, "make it", "cannot be used on this machine: %v", fileCause(err))
		} else if !info.IsDir() {
			r.note(folder.p, "give that of a folder", "is no folder on this machine")
		}
	}
}
