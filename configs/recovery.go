// Recovery: what is done for an endpoint that stays out.

package configs

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Recovery says what is done for an endpoint that stays ejected, or fails its probes, and how often at most.
type Recovery struct {
	Command     []string      `yaml:"command,omitempty"`      // program and arguments; or Webhook
	Webhook     SecretURL     `yaml:"webhook,omitempty"`      // or WebhookFile
	WebhookFile string        `yaml:"webhook_file,omitempty"` // a file that holds it, absolute
	SecretFile  string        `yaml:"secret_file,omitempty"`  // of keys for the webhook's signatures, absolute; "": it is not signed
	After       time.Duration `yaml:"after"`                  // out for so long
	Every       time.Duration `yaml:"every"`                  // from one action for an endpoint to the next
	Limit       int           `yaml:"limit"`                  // actions of the upstream in an hour
	Timeout     time.Duration `yaml:"timeout"`                // of one action
	DryRun      bool          `yaml:"dry_run"`                // nothing is done, only told
}

func recoveryDefaults() Recovery {
	return Recovery{After: time.Minute, Every: 10 * time.Minute, Limit: 6, Timeout: time.Minute, DryRun: true}
}

// placeholders may stand in the arguments of a command.
var placeholders = []string{"{endpoint}", "{upstream}", "{url}", "{host}", "{port}"}

var braced = regexp.MustCompile(`\{[a-z_]+\}`)

func (r *report) validateRecovery(p path, c *Recovery) {
	if c == nil {
		return
	}
	switch asked := c.Webhook != "" || c.WebhookFile != ""; {
	case len(c.Command) > 0 && asked:
		r.add(p, "keep one of the two", "has a command and a webhook")
	case len(c.Command) == 0 && !asked:
		r.add(p, "give command, such as [systemctl, restart, \"vllm@{endpoint}\"], or webhook", "says not what to do")
	case asked:
		r.validateReceiver(p, "webhook", string(c.Webhook), c.WebhookFile)
		r.validateKeys(p.key("secret_file"), c.SecretFile)
	default:
		r.validateCommand(p.key("command"), c.Command)
		r.validatePlaceholders(p.key("command"), c.Command)
	}
	between(r, p.key("after"), c.After, time.Second, mostDuration, "give the time for which an endpoint is out before something is done")
	between(r, p.key("every"), c.Every, time.Second, mostDuration, "give the time from one action for an endpoint to the next")
	between(r, p.key("limit"), c.Limit, 1, 1000, "give how many actions there may be in an hour")
	between(r, p.key("timeout"), c.Timeout, leastDuration, time.Hour, "give the time that an action may take")
}

func (r *report) validateCommand(p path, command []string) {
	if strings.TrimSpace(command[0]) == "" {
		r.add(p.item(0), "name a program", "is empty")
	}
	for i, arg := range command {
		if strings.ContainsRune(arg, 0) {
			r.add(p.item(i), "take it out", "has a byte 0")
		}
	}
}

func (r *report) validatePlaceholders(p path, command []string) {
	for i, arg := range command {
		for _, word := range braced.FindAllString(arg, -1) {
			if !slices.Contains(placeholders, word) {
				r.add(p.item(i), Suggest(word, placeholders), "nothing is known that %s stands for", quote(word))
			}
		}
	}
}

// reviewCommand notes a program that is not here. It may well be on another machine.
func (r *report) reviewCommand(p path, command []string) {
	if _, err := exec.LookPath(command[0]); err != nil {
		r.note(p, "give the path of a program that is there and may be run", "cannot be run on this machine: %v", err)
	}
}

// reviewRecovery notes what would fail, or has no effect.
func (r *report) reviewRecovery(p path, c *Recovery) {
	if c == nil {
		return
	}
	if len(c.Command) > 0 {
		r.reviewCommand(p.key("command"), c.Command)
		if c.SecretFile != "" {
			r.note(p.key("secret_file"), "remove it", "has no effect: a command is not signed")
		}
		return
	}
	if c.SecretFile == "" {
		r.note(p, "give secret_file, so that its receiver can tell our messages from others", "messages are not signed")
	}
	if openly(string(c.Webhook)) {
		r.note(p.key("webhook"), "use https", "anybody on the way can read the messages, and the address")
	}
}
