package door

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/internal/strictyaml"
)

// form is a web configuration file as it is written.
type form struct {
	TLS  tlsForm `yaml:"tls_server_config"`
	HTTP struct {
		HTTP2   *bool             `yaml:"http2"`
		Headers map[string]string `yaml:"headers"`
	} `yaml:"http_server_config"`
	Rate struct {
		Burst    int           `yaml:"burst"`
		Interval time.Duration `yaml:"interval"`
	} `yaml:"rate_limit"`
	Users map[string]string `yaml:"basic_auth_users"`
}

type tlsForm struct {
	Cert         string   `yaml:"cert"`
	Key          string   `yaml:"key"`
	ClientCA     string   `yaml:"client_ca"`
	CertFile     string   `yaml:"cert_file"`
	KeyFile      string   `yaml:"key_file"`
	ClientAuth   string   `yaml:"client_auth_type"`
	ClientCAFile string   `yaml:"client_ca_file"`
	CipherSuites []string `yaml:"cipher_suites"`
	Curves       []string `yaml:"curve_preferences"`
	MinVersion   string   `yaml:"min_version"`
	MaxVersion   string   `yaml:"max_version"`
	PreferServer *bool    `yaml:"prefer_server_cipher_suites"`
	ClientSANs   []string `yaml:"client_allowed_sans"`
}

// reader reads one web configuration file.
type reader struct {
	path string
	doc  *strictyaml.Document
	form form
	now  time.Time
}

// read reads the file and what it names. The stamps are of all files that it looked
// at, also where there is an error.
func (d *Door) read() (*state, []stamp, error) {
	if d.o.File == "" {
		return &state{}, nil, nil
	}
	r := reader{path: d.o.File, now: time.Now()}
	s, files, err := r.read()
	if err == nil && d.o.Check != nil {
		err = d.o.Check(names(s.users))
	}
	return s, files, err
}

func (r *reader) read() (*state, []stamp, error) {
	files := stamps(r.path)
	data, err := readFile(r.path)
	if err != nil {
		return nil, files, err
	}
	r.doc = strictyaml.Parse(r.path, data)
	r.doc.Decode(&r.form)
	if err := r.doc.Err(); err != nil {
		return nil, files, err
	}
	t := &r.form.TLS
	for _, name := range []*string{&t.CertFile, &t.KeyFile, &t.ClientCAFile} {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(filepath.Dir(r.path), *name) // as everywhere in Prometheus
		}
		if *name != "" {
			files = append(files, stamps(*name)...)
		}
	}
	r.values()
	r.checkUsers()
	s := &state{http2: r.form.HTTP.HTTP2 == nil || *r.form.HTTP.HTTP2, headers: r.form.HTTP.Headers, users: r.form.Users}
	if t := r.form.TLS; !r.isPlain(t) && r.doc.Err() == nil {
		s.tls, s.expires = r.tls(t, s.http2)
	}
	if err := r.doc.Err(); err != nil {
		return nil, files, err
	}
	// What this program does not know of the form, the toolkit does.
	if err := web.Validate(r.path); err != nil {
		r.doc.Errorf(nil, "%s", err)
	}
	return s, files, r.doc.Err()
}

func (r *reader) isPlain(t tlsForm) bool {
	return !r.doc.Has(strictyaml.Path{"tls_server_config"}) ||
		t.Cert == "" && t.CertFile == "" && t.Key == "" && t.KeyFile == "" && t.ClientCA == "" && t.ClientCAFile == "" && t.ClientAuth == ""
}

// values checks what stands for something else: versions, cipher suites, curves,
// headers. The toolkit knows which there are.
func (r *reader) values() {
	if r.doc.Has(strictyaml.Path{"rate_limit"}) {
		r.doc.Errorf(strictyaml.Path{"rate_limit"}, "rate_limit is not taken: it answers 429, and Alertmanager drops what is answered so. Leave it out, the number of connections and scrapes is bounded anyway")
	}
	at := strictyaml.Path{"tls_server_config"}
	r.enum(at.Join("client_auth_type"), r.form.TLS.ClientAuth, "NoClientCert", "RequestClientCert", "RequireClientCert", "RequireAnyClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
	for _, v := range []struct{ key, value string }{{"min_version", r.form.TLS.MinVersion}, {"max_version", r.form.TLS.MaxVersion}} {
		if v.value == "TLS10" || v.value == "TLS11" {
			r.doc.Errorf(at.Join(v.key), "%s is broken and not spoken here: write TLS12 or TLS13", v.value)
		}
		r.enum(at.Join(v.key), v.value, "TLS12", "TLS13")
	}
	for i, name := range r.form.TLS.CipherSuites {
		if err := yaml.Unmarshal([]byte(strconv.Quote(name)), new(web.Cipher)); err != nil {
			r.doc.Errorf(at.Join("cipher_suites", i), "%s is no cipher suite that is still good: leave cipher_suites out, the defaults are", strictyaml.Clip(name))
		}
	}
	for i, name := range r.form.TLS.Curves {
		if err := yaml.Unmarshal([]byte(strconv.Quote(name)), new(web.Curve)); err != nil {
			r.doc.Errorf(at.Join("curve_preferences", i), "%s is no curve that is known here: leave curve_preferences out, the defaults are good", strictyaml.Clip(name))
		}
	}
	known := []string{"Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options", "X-XSS-Protection", "Content-Security-Policy"}
	for _, name := range names(r.form.HTTP.Headers) {
		if !slices.Contains(known, name) {
			r.doc.KeyErrorf(strictyaml.Path{"http_server_config", "headers", name}, "header %s cannot be set; %s", strictyaml.Clip(name), strictyaml.DidYouMean(name, known))
		}
	}
}

func (r *reader) enum(at strictyaml.Path, value string, known ...string) {
	if value != "" && !slices.Contains(known, value) {
		r.doc.Errorf(at, "unknown %s %s; %s", at[len(at)-1], strictyaml.Clip(value), strictyaml.DidYouMean(value, known))
	}
}

// bcryptHash is what bcrypt makes, with its cost.
var bcryptHash = regexp.MustCompile(`^\$2[abxy]?\$(\d\d)\$[./A-Za-z0-9]{53}$`)

// maxCost bounds what one try may cost: about a second.
const maxCost = 14

func (r *reader) checkUsers() {
	for _, name := range names(r.form.Users) {
		at := strictyaml.Path{"basic_auth_users", name}
		m := bcryptHash.FindStringSubmatch(r.form.Users[name])
		if m == nil {
			r.doc.Errorf(at, "the password of %s is no bcrypt hash: make one with `htpasswd -nBC 10 %s`, and write what follows the colon", strictyaml.Clip(name), strictyaml.Clip(name))
			continue
		}
		if cost, err := strconv.Atoi(m[1]); err != nil || cost < 4 || cost > maxCost {
			r.doc.Errorf(at, "the hash of %s has the cost %s, and each try would take seconds: 10 to 12 is right, %d the most", strictyaml.Clip(name), m[1], maxCost)
		}
	}
}

func names(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
