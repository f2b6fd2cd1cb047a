// The listener for KEDA, which asks how much work there is.

package configs

// Scaler is the listener on which KEDA's contract of external scalers is served.
type Scaler struct {
	Address string     `yaml:"address,omitempty"` // host:port; "": none
	TLS     *ScalerTLS `yaml:"tls,omitempty"`     // nil: plain
}

// ScalerTLS names PEM files, all absolute.
type ScalerTLS struct {
	CertFile     string `yaml:"cert_file"`
	KeyFile      string `yaml:"key_file"`
	ClientCAFile string `yaml:"client_ca_file,omitempty"` // only clients with a certificate of it are let in; "": all
}

func (s *Scaler) resolveFiles(absolute func(*string)) {
	if s.TLS != nil {
		absolute(&s.TLS.CertFile)
		absolute(&s.TLS.KeyFile)
		absolute(&s.TLS.ClientCAFile)
	}
}

func (r *report) validateScaler(s *Scaler) {
	if isSocket(s.Address) {
		r.add("scaler.address", "give host:port, such as :9091", "is a unix socket, which KEDA does not reach")
	}
	if s.TLS == nil {
		return
	}
	const p = path("scaler.tls")
	r.validatePair(p, s.TLS.CertFile, s.TLS.KeyFile)
	if s.TLS.ClientCAFile != "" {
		r.validateRoots(p.key("client_ca_file"), s.TLS.ClientCAFile)
	}
}

func (r *report) reviewScaler(c *Config) {
	s := &c.Scaler
	if s.Address == "" {
		if s.TLS != nil {
			r.note("scaler.tls", "give the address, or remove it", "has no effect: without scaler.address nothing listens")
		}
		return
	}
	scales := false
	for i := range c.Upstreams {
		scales = scales || c.Upstreams[i].Scale != nil
	}
	if !scales {
		r.note("scaler.address", "give an upstream scale, or remove it", "has no effect: no upstream has scale, so KEDA is told of none")
	}
	if own, wrong := parseAddress(s.Address); wrong == nil && !own.private() && (s.TLS == nil || s.TLS.ClientCAFile == "") {
		r.note("scaler.address", "give scaler.tls with a client_ca_file, or bound by the network who reaches it",
			"can be reached from other machines: whoever reaches it reads how much work there is")
	}
}
