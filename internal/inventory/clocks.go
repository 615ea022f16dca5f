package inventory

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Clocks says whether the machine's clock is compared with those of the members'
// machines, and how their exporters are asked.
type Clocks struct {
	Compare bool          `yaml:"compare"` // whether they are
	Port    int           `yaml:"port"`    // that each exporter listens on; 0: its default
	TLS     cluster.TLS   `yaml:"tls"`     // any of it: they are asked over https
	Read    cluster.Login `yaml:"read"`    // a user of their web configuration
}

func (c Clocks) check(doc *strictyaml.Document) {
	at := strictyaml.Path{"clocks"}
	if c.Port < 0 || c.Port > 65535 {
		doc.Errorf(at.Join("port"), "port %d is none: write one from 1 to 65535", c.Port)
	}
	for _, f := range []struct{ key, path string }{
		{"ca_file", c.TLS.CAFile}, {"cert_file", c.TLS.CertFile}, {"key_file", c.TLS.KeyFile},
	} {
		check{doc: doc}.path(at.Join("tls", f.key), f.key, f.path)
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		doc.Errorf(at.Join("tls"), "a client certificate needs both cert_file and key_file")
	}
	check{doc: doc}.path(at.Join("read", "password_file"), "password_file", c.Read.PasswordFile)
	if (c.Read.Username == "") != (c.Read.PasswordFile == "") {
		doc.Errorf(at.Join("read"), "a login needs both username and password_file")
	}
	if !c.Compare && c != (Clocks{}) {
		doc.Errorf(at, "clocks are declared and not compared: write compare: true, or leave clocks out")
	}
}
