package online

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// files tells of the certificates that the configuration names and that end soon.
func (o Options) files(f *found, now time.Time) {
	seen := map[string]bool{}
	for _, t := range o.tls() {
		for _, file := range []string{t.CAFile, t.CertFile} {
			if file == "" || seen[file] {
				continue
			}
			seen[file] = true
			end, err := ends(file)
			if err != nil {
				f.problem("certificates", file, "correct its name, or let this user read it", "%v", err)
				continue
			}
			f.certificate(file, end, now)
		}
	}
}

func (o Options) tls() []cluster.TLS {
	all := []cluster.TLS{o.Config.Prometheus.TLS, o.Config.Alertmanager.TLS}
	for _, c := range o.Config.Clusters {
		all = append(all, c.TLS)
	}
	return all
}

// ends is when the first certificate in a file does.
func ends(file string) (time.Time, error) {
	rest, err := os.ReadFile(file)
	if err != nil {
		return time.Time{}, err
	}
	var first time.Time
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return first, nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return time.Time{}, err
		}
		if first.IsZero() || c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
}
