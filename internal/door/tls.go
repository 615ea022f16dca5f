package door

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/internal/strictyaml"
)

// maxFile is the largest file that is read, in bytes.
const maxFile = 1 << 20

// tls makes the server's configuration. What is wrong goes to the document.
func (r *reader) tls(t tlsForm, http2 bool) (*tls.Config, time.Time) {
	at := strictyaml.Path{"tls_server_config"}
	certPEM := r.part(at, "cert", t.Cert, t.CertFile)
	keyPEM := r.part(at, "key", t.Key, t.KeyFile)
	r.keyIsPrivate(at, t)
	r.verifies(at, t)
	caPEM := []byte(t.ClientCA)
	if t.ClientCAFile != "" {
		caPEM = r.file(at.Join("client_ca_file"), t.ClientCAFile)
	}
	cas := x509.NewCertPool()
	if len(caPEM) > 0 && !cas.AppendCertsFromPEM(caPEM) {
		r.doc.Errorf(at.Join(keyOf("client_ca", t.ClientCAFile)), "%s has no certificate in PEM form: nobody could come in", strictyaml.Clip(or(t.ClientCAFile, "client_ca")))
	}
	if r.doc.Err() != nil {
		return nil, time.Time{}
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		r.doc.Errorf(at.Join(keyOf("cert", t.CertFile)), "certificate and key do not go together: %s", strings.TrimPrefix(err.Error(), "tls: "))
		return nil, time.Time{}
	}
	// Suites, curves and versions by their names, which the toolkit knows.
	data, err := yaml.Marshal(map[string]any{
		"cert": string(certPEM), "key": string(keyPEM), "client_auth_type": or(t.ClientAuth, "NoClientCert"),
		"cipher_suites": t.CipherSuites, "curve_preferences": t.Curves, "min_version": or(t.MinVersion, "TLS12"), "max_version": or(t.MaxVersion, "TLS13"),
	})
	var known web.TLSConfig
	if err == nil {
		err = yaml.Unmarshal(data, &known)
	}
	var conf *tls.Config
	if err == nil {
		conf, err = web.ConfigToTLSConfig(&known)
	}
	if err != nil {
		r.doc.Errorf(at, "%s", err)
		return nil, time.Time{}
	}
	conf.GetCertificate, conf.Certificates = nil, []tls.Certificate{pair}
	if conf.NextProtos = []string{"http/1.1"}; http2 {
		conf.NextProtos = []string{"h2", "http/1.1"}
	}
	if conf.ClientAuth != tls.NoClientCert {
		conf.ClientCAs = cas
		// A resumed session would bring back a certificate that is not taken any more.
		conf.SessionTicketsDisabled = true
	}
	if t.ClientSANs != nil {
		conf.VerifyConnection = func(c tls.ConnectionState) error { return allowed(c, t.ClientSANs) }
	}
	return conf, pair.Leaf.NotAfter
}

// allowed refuses a client certificate without any of the names. One that gave none
// has been let in by client_auth_type, and is nobody.
func allowed(c tls.ConnectionState, sans []string) error {
	if len(c.PeerCertificates) == 0 {
		return nil
	}
	for _, name := range namesOf(c.PeerCertificates[0]) {
		if slices.Contains(sans, name) {
			return nil
		}
	}
	return errors.New("none of the certificate's names stands in client_allowed_sans")
}

func namesOf(c *x509.Certificate) []string {
	all := slices.Concat(c.DNSNames, c.EmailAddresses)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	for _, u := range c.URIs {
		all = append(all, u.String())
	}
	return all
}

// verifies refuses what looks like a check of client certificates and is none.
func (r *reader) verifies(at strictyaml.Path, t tlsForm) {
	verifying := t.ClientAuth == "VerifyClientCertIfGiven" || t.ClientAuth == "RequireAndVerifyClientCert"
	ca := t.ClientCA != "" || t.ClientCAFile != ""
	switch {
	case ca && !verifying:
		r.doc.Errorf(at.Join("client_auth_type"), "client certificates are not verified with client_auth_type %s: write RequireAndVerifyClientCert, or VerifyClientCertIfGiven", strictyaml.Clip(t.ClientAuth))
	case verifying && !ca:
		r.doc.Errorf(at.Join("client_auth_type"), "client_auth_type %s needs client_ca_file: by which authority are the certificates signed?", t.ClientAuth)
	case t.ClientSANs != nil && !verifying:
		r.doc.Errorf(at.Join("client_allowed_sans"), "client_allowed_sans proves nothing where the certificates are not verified: write client_auth_type: RequireAndVerifyClientCert, and client_ca_file")
	}
}

// part is the PEM text of a certificate or key: in the file itself, or in one of its own.
func (r *reader) part(at strictyaml.Path, key, text, path string) []byte {
	switch {
	case text == "" && path == "":
		r.doc.Errorf(at, "tls_server_config has no %s_file: TLS needs cert_file and key_file", key)
	case text != "" && path != "":
		r.doc.Errorf(at.Join(key), "both %s and %s_file are given: keep %s_file", key, key, key)
	case path != "":
		return r.file(at.Join(key+"_file"), path)
	}
	return []byte(text)
}

func (r *reader) file(at strictyaml.Path, path string) []byte {
	data, err := readFile(path)
	if err != nil {
		r.doc.Errorf(at, "%s: %s", at[len(at)-1], err)
	}
	return data
}

// keyIsPrivate refuses a key that everybody on the machine may read. On Windows modes
// do not tell.
func (r *reader) keyIsPrivate(at strictyaml.Path, t tlsForm) {
	if runtime.GOOS == "windows" {
		return
	}
	key, path := "key_file", t.KeyFile
	if t.Key != "" {
		key, path = "key", r.path
	}
	if info, err := os.Stat(path); path != "" && err == nil && info.Mode().Perm()&0o004 != 0 {
		r.doc.Errorf(at.Join(key), "the key in %s can be read by everybody (mode %04o): chmod o-r %s", path, info.Mode().Perm(), path)
	}
}

func keyOf(key, path string) string {
	if path != "" {
		return key + "_file"
	}
	return key
}

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// readFile reads a file of at most maxFile bytes.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return bytes.TrimSpace(data), err
}

// stamp tells whether a file has changed.
type stamp struct {
	path string
	info fs.FileInfo // nil: it could not be looked at
}

func stamps(path string) []stamp {
	info, err := os.Stat(path)
	if err != nil {
		info = nil
	}
	return []stamp{{path, info}}
}

func changed(files []stamp) bool {
	return slices.ContainsFunc(files, func(was stamp) bool {
		now := stamps(was.path)[0].info
		if was.info == nil || now == nil {
			return was.info != now
		}
		return !os.SameFile(was.info, now) || was.info.Size() != now.Size() || !was.info.ModTime().Equal(now.ModTime())
	})
}
