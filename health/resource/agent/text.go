// Writing Prometheus' text.

package agent

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// page is a text under way.
type page struct{ bytes.Buffer }

// family begins a metric. Its samples follow.
func (p *page) family(name, kind, help string) {
	p.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n")
}

// sample writes a line; labels are pairs of a name and a value. What is no number is left out.
func (p *page) sample(name string, value float64, labels ...string) {
	if math.IsNaN(value) {
		return
	}
	p.WriteString(name)
	for i := 0; i < len(labels); i += 2 {
		if i == 0 {
			p.WriteByte('{')
		} else {
			p.WriteByte(',')
		}
		p.WriteString(labels[i] + `="` + escape.Replace(strings.ToValidUTF8(labels[i+1], "?")) + `"`)
	}
	if len(labels) > 0 {
		p.WriteByte('}')
	}
	p.WriteString(" " + strconv.FormatFloat(value, 'g', -1, 64) + "\n")
}

// one writes a metric of a single sample, unless it is no number.
func (p *page) one(name, kind, help string, value float64) {
	if math.IsNaN(value) {
		return
	}
	p.family(name, kind, help)
	p.sample(name, value)
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
