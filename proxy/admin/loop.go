// What the rooms behind alerts, usage, faults, forecast and advice tell the page.

package admin

import "time"

// firing are the alerts that fire, as reasons why not all is well.
func (s *Server) firing() []reason { return nil }

func (s *Server) alert() station { return station{Name: "alert", State: off, Now: "no rules"} }

func (s *Server) analyse() station {
	return station{Name: "analyse", State: off, Now: "nothing is analysed"}
}

// sectionsOf are the parts of the snapshot that other routes answer.
func sectionsOf(o *Options) map[string]section {
	all := map[string]section{}
	if o.Usage != nil {
		all["usage"] = section{every: 10 * time.Second, most: 64 << 10, get: func() any { return usageOverview(o.Usage) }}
	}
	if o.Advisor != nil {
		all["advice"] = section{every: 10 * time.Second, most: 64 << 10, get: func() any {
			if given, on := o.Advisor.Advice(); on {
				return adviceAnswer{given}
			}
			return nil
		}}
	}
	return all
}
