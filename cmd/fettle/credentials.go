package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/api"
)

// credentials say to a server over http or https who asks. Secrets stand in files:
// others could see a flag in the list of processes.
type credentials struct {
	tokenFile          string
	user, passwordFile string
	caFile             string
	certFile, keyFile  string
}

func (c *credentials) flags(clause *kingpin.CmdClause) {
	clause.Flag("token-file", "File with a viewer's or an operator's token, for http and https.").
		Envar("FETTLE_TOKEN_FILE").PlaceHolder("FILE").StringVar(&c.tokenFile)
	clause.Flag("user", "Name of a user that the server's web configuration has, with --password-file.").PlaceHolder("NAME").StringVar(&c.user)
	clause.Flag("password-file", "File with that user's password.").PlaceHolder("FILE").StringVar(&c.passwordFile)
	clause.Flag("ca-file", "Certificates to trust beside the system's, for https.").PlaceHolder("FILE").StringVar(&c.caFile)
	clause.Flag("cert-file", "Certificate that says who asks, for https, with --key-file.").PlaceHolder("FILE").StringVar(&c.certFile)
	clause.Flag("key-file", "The certificate's key.").PlaceHolder("FILE").StringVar(&c.keyFile)
}

// options are the credentials as a client takes them.
func (c *credentials) options() (o api.ClientOptions, err error) {
	switch {
	case (c.user == "") != (c.passwordFile == ""):
		return o, usageError{errors.New("--user and --password-file go together")}
	case (c.certFile == "") != (c.keyFile == ""):
		return o, usageError{errors.New("--cert-file and --key-file go together")}
	case c.user != "" && c.tokenFile != "":
		return o, usageError{errors.New("--user and --token-file: one of them says who asks")}
	}
	if o.Token, err = secret("--token-file", c.tokenFile, "token"); err != nil {
		return o, err
	}
	o.User = c.user
	if o.Password, err = secret("--password-file", c.passwordFile, "password"); err != nil {
		return o, err
	}
	if strings.ContainsAny(o.Token, " \t") {
		return o, fmt.Errorf("--token-file: %s does not hold one token on one line", c.tokenFile)
	}
	o.Transport, err = c.transport()
	return o, err
}

// secret is the one line of a file.
func secret(flag, file, what string) (string, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	s := strings.TrimRight(string(b), "\r\n")
	if what == "token" {
		s = strings.TrimSpace(s)
	}
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return "", fmt.Errorf("%s: %s does not hold one %s on one line", flag, file, what)
	}
	return s, nil
}

func (c *credentials) transport() (http.RoundTripper, error) {
	if c.caFile == "" && c.certFile == "" {
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.caFile != "" {
		pem, err := os.ReadFile(c.caFile)
		if err != nil {
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
		if conf.RootCAs, err = x509.SystemCertPool(); err != nil {
			conf.RootCAs = x509.NewCertPool()
		}
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca-file: %s has no certificate in PEM form", c.caFile)
		}
	}
	if c.certFile != "" {
		pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
		if err != nil {
			return nil, fmt.Errorf("--cert-file, --key-file: %w", err)
		}
		if now := time.Now(); now.After(pair.Leaf.NotAfter) {
			return nil, fmt.Errorf("--cert-file: %s expired on %s: have it renewed (the clock of this machine says %s)",
				c.certFile, pair.Leaf.NotAfter.UTC().Format(time.DateTime), now.UTC().Format(time.DateTime))
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf}, nil
}

// unsafe says what to do where the two ends do not trust each other; nil: they do.
func (c *caller) unsafe(err error) error {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     tls.AlertError
	)
	clock := func() string { return time.Now().UTC().Format(time.DateTime) + " UTC" }
	switch {
	case errors.As(err, &authority):
		return fmt.Errorf("%s shows a certificate that nobody known here has signed: give its authority's certificate with --ca-file=FILE (%w)", c.address, err)
	case errors.As(err, &host):
		return fmt.Errorf("%s shows a certificate for another name: ask for it by a name that the certificate has (%w)", c.address, err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().Before(invalid.Cert.NotBefore):
		return fmt.Errorf("the certificate of %s is good from %s UTC on, and the clock of this machine says %s: set the clock, one of the two is wrong (%w)",
			c.address, invalid.Cert.NotBefore.UTC().Format(time.DateTime), clock(), err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("the certificate of %s expired on %s UTC: have it renewed, or set the clock of this machine, which says %s (%w)",
			c.address, invalid.Cert.NotAfter.UTC().Format(time.DateTime), clock(), err)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%s does not speak TLS: write http:// where there is no web.config_file (%w)", c.address, err)
	case strings.Contains(err.Error(), "Client sent an HTTP request to an HTTPS server"), strings.Contains(err.Error(), "malformed HTTP response"):
		return fmt.Errorf("%s speaks TLS: write https:// (%w)", c.address, err)
	case errors.As(err, &alert), strings.Contains(err.Error(), "remote error: tls:"):
		if c.who.certFile == "" {
			return fmt.Errorf("%s refuses the connection: it may want a client certificate, give one with --cert-file=FILE --key-file=FILE (%w)", c.address, err)
		}
		return fmt.Errorf("%s does not take the certificate in %s: who signed it, and until when is it good? (%w)", c.address, c.who.certFile, err)
	}
	return nil
}
