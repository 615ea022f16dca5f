package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Files is what [CheckFiles] needs to know beside the configuration.
type Files struct {
	// Token reads a role's token as the server does.
	Token func(path string) error
	// Users reads the web configuration file and names its users; what is wrong in it
	// may be a strictyaml.Errors.
	Users func(path string) ([]string, error)
	// User is the one that fettle runs as; 0 reads everything, and says nothing of owners.
	User int
	Now  time.Time
}

// CheckFiles looks at the files that a configuration names, on the machine where
// fettle is to run: that they are there, that who must not read them cannot, that
// certificates are good today.
func CheckFiles(c Config, o Files) []Problem {
	k := filesChecker{finder{c: c}, o}
	k.roles()
	k.remote(strictyaml.Path{"alertmanager"}, c.Alertmanager.TokenFile, c.Alertmanager.BasicAuth, c.Alertmanager.TLS)
	k.remote(strictyaml.Path{"prometheus"}, c.Prometheus.TokenFile, c.Prometheus.BasicAuth, c.Prometheus.TLS)
	for i, cl := range c.Clusters {
		at := strictyaml.Path{"clusters", i}
		k.tls(at.Join("tls"), cl.TLS)
		k.secret(at.Join("read", "password_file"), cl.Read.PasswordFile)
	}
	k.journal()
	// The default one comes with the installation.
	if _, err := os.Stat(filepath.Dir(c.Brake)); c.Brake != DefaultBrake && errors.Is(err, fs.ErrNotExist) {
		k.add(true, strictyaml.Path{"brake"}, "the directory %s is not there, so that nobody can make the brake file: create it at each boot (tmpfiles.d)", filepath.Dir(c.Brake))
	}
	return k.sorted()
}

type filesChecker struct {
	finder
	o Files
}

// roles checks the credentials of those who come to fettle.
func (k *filesChecker) roles() {
	at, w := strictyaml.Path{"web"}, k.c.Web
	var users []string
	if w.ConfigFile != "" {
		var err error
		users, err = k.o.Users(w.ConfigFile)
		var inside strictyaml.Errors
		switch {
		case errors.As(err, &inside):
			for _, e := range inside {
				k.found = append(k.found, Problem{e, false})
			}
			users = nil
		case err != nil:
			k.add(false, at.Join("config_file"), "%s", err)
		case len(users) > 0 && len(w.Roles) == 0:
			k.add(false, at.Join("config_file"), "basic_auth_users without web.roles: no password would be asked for. Give %s a role", users[0])
		}
		if err == nil {
			for i, r := range w.Roles {
				if r.User != "" && !slices.Contains(users, r.User) {
					k.add(false, at.Join("roles", i, "user"), "there is no user %s in %s; %s", strictyaml.Clip(r.User), w.ConfigFile, strictyaml.DidYouMean(r.User, users))
				}
			}
		}
	}
	for i, r := range w.Roles {
		if r.User != "" && w.ConfigFile == "" {
			k.add(false, at.Join("roles", i, "user"), "nobody checks the password of %s: name a web configuration file with basic_auth_users (web.config_file)", strictyaml.Clip(r.User))
		}
		if r.CertificateName != "" && w.ConfigFile == "" {
			k.add(false, at.Join("roles", i, "certificate_name"), "nobody checks certificates: name a web configuration file with client_ca_file (web.config_file)")
		}
		if r.TokenFile != "" {
			if err := k.o.Token(r.TokenFile); err != nil {
				k.add(false, at.Join("roles", i, "token_file"), "%s%s", err, k.asWhom(err))
			}
		}
	}
}

// asWhom is what to do about a file that the one who checks may not read.
func (k *filesChecker) asWhom(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return ": check as root, or as the user that fettle runs as"
	}
	return ""
}

// remote checks the credentials that fettle shows to another server.
func (k *filesChecker) remote(at strictyaml.Path, token string, basic cluster.Login, conf cluster.TLS) {
	k.secret(at.Join("token_file"), token)
	k.secret(at.Join("basic_auth", "password_file"), basic.PasswordFile)
	k.tls(at.Join("tls"), conf)
}

// secret refuses a file that everybody may read.
func (k *filesChecker) secret(at strictyaml.Path, path string) {
	if path == "" {
		return
	}
	if _, ok := k.read(at, path); !ok {
		return
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o004 != 0 {
		k.add(false, at, "%s can be read by everybody (mode %04o): chmod o-r %s", path, info.Mode().Perm(), path)
	}
}

func (k *filesChecker) read(at strictyaml.Path, path string) ([]byte, bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		k.add(false, at, "%s: %s%s", at[len(at)-1], err, k.asWhom(err))
	}
	return data, err == nil
}

// tls checks a client's certificates.
func (k *filesChecker) tls(at strictyaml.Path, conf cluster.TLS) {
	if conf.CAFile != "" {
		if data, ok := k.read(at.Join("ca_file"), conf.CAFile); ok {
			k.authorities(at.Join("ca_file"), conf.CAFile, data)
		}
	}
	if conf.CertFile == "" || conf.KeyFile == "" {
		return
	}
	k.secret(at.Join("key_file"), conf.KeyFile)
	cert, certOK := k.read(at.Join("cert_file"), conf.CertFile)
	key, err := os.ReadFile(conf.KeyFile)
	if !certOK || err != nil { // told already
		return
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		k.add(false, at.Join("cert_file"), "certificate and key do not go together: %s", err)
		return
	}
	k.valid(at.Join("cert_file"), conf.CertFile, pair.Leaf)
}

// authorities wants at least one certificate that is good today.
func (k *filesChecker) authorities(at strictyaml.Path, path string, data []byte) {
	var last *x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		if last = c; !k.o.Now.After(c.NotAfter) && !k.o.Now.Before(c.NotBefore) {
			return
		}
	}
	if last == nil {
		k.add(false, at, "%s has no certificate in PEM form", path)
		return
	}
	k.valid(at, path, last)
}

func (k *filesChecker) valid(at strictyaml.Path, path string, c *x509.Certificate) {
	day := func(t time.Time) string { return t.UTC().Format(time.DateTime) + " UTC" }
	switch {
	case k.o.Now.After(c.NotAfter):
		k.add(false, at, "the certificate in %s expired on %s: have it renewed (the clock of this machine says %s)", path, day(c.NotAfter), day(k.o.Now))
	case k.o.Now.Before(c.NotBefore):
		k.add(false, at, "the certificate in %s is good from %s on, and the clock of this machine says %s: one of the two is wrong", path, day(c.NotBefore), day(k.o.Now))
	}
}

// journal checks that fettle can write its journal, and nobody else.
func (k *filesChecker) journal() {
	at, j := strictyaml.Path{"journal"}, k.c.Journal
	_, err := os.Stat(j.Dir)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case missing && k.c.Autonomy.above() != nil:
		k.add(false, at.Join("dir"), "there is no journal in %s, and autonomy is above observe: a wrong path would forget every cooldown. If this is the first start: fettle journal init %s --key-file %s", j.Dir, j.Dir, j.KeyFile)
	case missing:
		return // the first start makes it
	}
	k.own(at.Join("dir"), j.Dir, 0o022, "the journal's directory", "chmod go-w")
	k.own(at.Join("key_file"), j.KeyFile, 0o077, "the journal's key", "chmod 600")
}

// own wants that a path is fettle's own, and that others have none of the rights.
func (k *filesChecker) own(at strictyaml.Path, path string, rights fs.FileMode, what, remedy string) {
	info, err := os.Stat(path)
	if err != nil {
		if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
			k.add(false, at, "%s: %s", what, err)
		}
		return
	}
	if mode := info.Mode().Perm(); mode&rights != 0 {
		k.add(false, at, "%s %s has mode %04o, which lets others at it: %s %s", what, path, mode, remedy, path)
	}
	if uid, ok := owner(info); ok && k.o.User != 0 && uid != k.o.User {
		k.add(false, at, "%s %s belongs to user %d, and fettle runs as user %d: run fettle as its user, or chown -R %d %s", what, path, uid, k.o.User, k.o.User, path)
	}
}
