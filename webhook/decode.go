package webhook

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fettle-io/fettle/alert"
)

// maxFields is how many fields a message, or an alert, may have.
const maxFields = 256

// readBytes reads a message that is held in memory, see read.
func (p *parser) readBytes(body []byte, each func(alert.Alert) error) (Message, error) {
	// The decoder works on these bytes where they are: what is in it is no
	// longer than the body, so that only the depth is left to be bounded.
	p.dec.Reset(bytes.NewBuffer(body))
	return p.message(each)
}

// read checks one whole message and calls each with every alert in it, as it
// stands there. Because version, groupKey and truncatedAlerts come after the
// alerts, nothing that each is given may be believed before read has returned.
// An error of each ends it and is returned as it is.
func (p *parser) read(r io.Reader, each func(alert.Alert) error) (Message, error) {
	p.dec.Reset(&bounds{r: r})
	return p.message(each)
}

func (p *parser) message(each func(alert.Alert) error) (Message, error) {
	var (
		m       Message
		version *string
		alerts  bool
	)
	err := p.begin('{', "an object")
	for n := 0; err == nil && p.dec.PeekKind() != '}'; n++ {
		var field *seen
		if field, err = p.field(n); err != nil {
			break
		}
		switch field.name {
		case "alerts":
			alerts = true
			err = p.alerts(each)
		case "version":
			var v string
			v, err = p.text()
			version = &v
		case "receiver":
			m.Receiver, err = p.value(field)
		case "groupKey":
			m.GroupKey, err = p.value(field)
		case "notification_reason":
			m.Reason, err = p.value(field)
		case "externalURL":
			m.ExternalURL, err = p.value(field)
		case "truncatedAlerts":
			m.Truncated, err = p.count()
		case "status", "groupLabels", "commonLabels", "commonAnnotations", "routeLabels":
			err = p.skip()
		default:
			err = p.unknown(field.name, messageFields())
		}
	}
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return Message{}, err
	}
	if _, err := p.dec.ReadToken(); !errors.Is(err, io.EOF) {
		if syntax := (*jsontext.SyntacticError)(nil); err == nil || errors.As(err, &syntax) {
			return Message{}, malformed(&p.dec, "something follows after the message")
		}
		return Message{}, readError(err)
	}
	switch {
	case version == nil || *version != "4":
		return Message{}, wrongVersion(version)
	case !alerts:
		return Message{}, malformed(&p.dec, `the field "alerts" is missing`)
	}
	return m, nil
}

func messageFields() []string {
	return []string{
		"receiver", "status", "alerts", "notification_reason", "groupLabels", "commonLabels",
		"commonAnnotations", "routeLabels", "externalURL", "version", "groupKey", "truncatedAlerts",
	}
}

func alertFields() []string {
	return []string{"status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"}
}

func wrongVersion(got *string) error {
	r := &refusal{
		status: http.StatusBadRequest, reason: reasonVersion,
		Message: `the field "version" is missing, "4" is wanted`, Where: "/version",
		Hint: "this is no Alertmanager webhook message: a receiver for fettle has no `payload:`, and its url ends in " + Path,
	}
	if got != nil {
		r.Message = "version is " + quoted(*got) + `, "4" is wanted`
	}
	return r
}

func (p *parser) alerts(each func(alert.Alert) error) error {
	if err := p.begin('[', "an array"); err != nil {
		return err
	}
	for p.dec.PeekKind() != ']' {
		a, err := p.alert()
		if err != nil {
			return err
		}
		if err := each(a); err != nil {
			return err
		}
	}
	return p.end()
}

// alert reads one alert. The fingerprint in it is not believed.
func (p *parser) alert() (alert.Alert, error) {
	var (
		a      alert.Alert
		starts bool
	)
	err := p.begin('{', "an object")
	for n := 0; err == nil && p.dec.PeekKind() != '}'; n++ {
		var field *seen
		if field, err = p.field(n); err != nil {
			break
		}
		switch field.name {
		case "status":
			a.Status, err = p.status()
		case "labels":
			a.Labels, err = p.texts()
		case "annotations":
			a.Annotations, err = p.texts()
		case "startsAt":
			a.StartsAt, err = p.timestamp()
			starts = true
		case "endsAt":
			a.EndsAt, err = p.timestamp()
		case "generatorURL":
			a.GeneratorURL, err = p.value(field)
		case "fingerprint":
			err = p.skip()
		default:
			err = p.unknown(field.name, alertFields())
		}
	}
	if err == nil {
		err = p.end()
	}
	switch {
	case err != nil:
		return alert.Alert{}, err
	case a.Status == "":
		return alert.Alert{}, malformed(&p.dec, `an alert without "status"`)
	case len(a.Labels) == 0:
		return alert.Alert{}, malformed(&p.dec, "an alert without labels")
	case !starts:
		return alert.Alert{}, malformed(&p.dec, `an alert without "startsAt"`)
	}
	return a, nil
}

func (p *parser) status() (alert.Status, error) {
	b, err := p.bytes()
	switch {
	case err != nil:
		return "", err
	case string(b) == string(alert.Firing):
		return alert.Firing, nil
	case string(b) == string(alert.Resolved):
		return alert.Resolved, nil
	}
	return "", malformed(&p.dec, `status is %s, "firing" or "resolved" is wanted`, quoted(string(b)))
}

// field reads the name of an object's field number n.
func (p *parser) field(n int) (*seen, error) {
	field, err := p.name()
	if err == nil && n == maxFields {
		err = malformed(&p.dec, "more than %d fields", maxFields)
	}
	return field, err
}

// unknown passes over a field that fettle does not know. A name that differs from
// one of own in case only is refused: two readers could take it for different
// fields.
func (p *parser) unknown(name string, own []string) error {
	for _, field := range own {
		if strings.EqualFold(field, name) {
			return malformed(&p.dec, "the field %s is written %q", quoted(name), field)
		}
	}
	return p.skip()
}
