package webhook

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fettle-io/fettle/alert"
)

// maxFields is how many fields a message, or an alert, may have.
const maxFields = 256

// read checks one whole message and calls each with every alert in it, as it
// stands there. Because version, groupKey and truncatedAlerts come after the
// alerts, nothing that each is given may be believed before read has returned.
// An error of each ends it and is returned as it is.
func read(r io.Reader, each func(alert.Alert) error) (Message, error) {
	dec := jsontext.NewDecoder(&bounds{r: r})
	var (
		m       Message
		version *string
		alerts  bool
	)
	err := fields(dec, messageFields(), func(name string) error {
		var err error
		switch name {
		case "alerts":
			alerts = true
			return array(dec, func() error {
				a, err := readAlert(dec)
				if err != nil {
					return err
				}
				return each(a)
			})
		case "version":
			var v string
			v, err = text(dec)
			version = &v
		case "receiver":
			m.Receiver, err = text(dec)
		case "groupKey":
			m.GroupKey, err = text(dec)
		case "notification_reason":
			m.Reason, err = text(dec)
		case "externalURL":
			m.ExternalURL, err = text(dec)
		case "truncatedAlerts":
			m.Truncated, err = count(dec)
		default:
			err = skip(dec)
		}
		return err
	})
	if err != nil {
		return Message{}, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		if syntax := (*jsontext.SyntacticError)(nil); err == nil || errors.As(err, &syntax) {
			return Message{}, malformed(dec, "something follows after the message")
		}
		return Message{}, readError(err)
	}
	switch {
	case version == nil || *version != "4":
		return Message{}, wrongVersion(version)
	case !alerts:
		return Message{}, malformed(dec, `the field "alerts" is missing`)
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

// readAlert reads one alert. The fingerprint in it is not believed.
func readAlert(dec *jsontext.Decoder) (alert.Alert, error) {
	var (
		a      alert.Alert
		starts bool
	)
	err := fields(dec, alertFields(), func(name string) error {
		var err error
		switch name {
		case "status":
			var s string
			s, err = text(dec)
			a.Status = alert.Status(s)
			if err == nil && a.Status != alert.Firing && a.Status != alert.Resolved {
				return malformed(dec, `status is %s, "firing" or "resolved" is wanted`, quoted(s))
			}
		case "labels":
			a.Labels, err = texts(dec)
		case "annotations":
			a.Annotations, err = texts(dec)
		case "startsAt":
			a.StartsAt, err = timestamp(dec)
			starts = true
		case "endsAt":
			a.EndsAt, err = timestamp(dec)
		case "generatorURL":
			a.GeneratorURL, err = text(dec)
		default:
			err = skip(dec)
		}
		return err
	})
	switch {
	case err != nil:
		return alert.Alert{}, err
	case a.Status == "":
		return alert.Alert{}, malformed(dec, `an alert without "status"`)
	case len(a.Labels) == 0:
		return alert.Alert{}, malformed(dec, "an alert without labels")
	case !starts:
		return alert.Alert{}, malformed(dec, `an alert without "startsAt"`)
	}
	return a, nil
}

// fields reads an object. It calls each with every name; each reads the value.
// A name that differs from one of own in case only is refused: two readers
// could take it for different fields.
func fields(dec *jsontext.Decoder, own []string, each func(name string) error) error {
	if err := begin(dec, '{', "an object"); err != nil {
		return err
	}
	for n := 0; dec.PeekKind() != '}'; n++ {
		token, err := dec.ReadToken()
		if err != nil {
			return readError(err)
		}
		if n == maxFields {
			return malformed(dec, "more than %d fields", maxFields)
		}
		name := token.String()
		if !slices.Contains(own, name) {
			for _, field := range own {
				if strings.EqualFold(field, name) {
					return malformed(dec, "the field %s is written %q", quoted(name), field)
				}
			}
		}
		if err := each(name); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return asRead(err)
}

// array reads an array; each reads one element.
func array(dec *jsontext.Decoder, each func() error) error {
	if err := begin(dec, '[', "an array"); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		if err := each(); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return asRead(err)
}

func begin(dec *jsontext.Decoder, want jsontext.Kind, what string) error {
	token, err := dec.ReadToken()
	if err != nil {
		return readError(err)
	}
	if token.Kind() != want {
		return malformed(dec, "%s instead of %s", kindName(token.Kind()), what)
	}
	return nil
}

// texts reads an object of strings.
func texts(dec *jsontext.Decoder) (map[string]string, error) {
	if err := begin(dec, '{', "an object"); err != nil {
		return nil, err
	}
	all := map[string]string{}
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil {
			return nil, readError(err)
		}
		name := token.String()
		if name == "" {
			return nil, malformed(dec, "an empty name")
		}
		if all[name], err = text(dec); err != nil {
			return nil, err
		}
	}
	_, err := dec.ReadToken()
	return all, asRead(err)
}

func text(dec *jsontext.Decoder) (string, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return "", readError(err)
	}
	if token.Kind() != '"' {
		return "", malformed(dec, "%s instead of a string", kindName(token.Kind()))
	}
	return token.String(), nil
}

func count(dec *jsontext.Decoder) (uint64, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return 0, readError(err)
	}
	if token.Kind() == '0' {
		if n, err := strconv.ParseUint(token.String(), 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, malformed(dec, "%s instead of a count", kindName(token.Kind()))
}

func timestamp(dec *jsontext.Decoder) (time.Time, error) {
	s, err := text(dec)
	if err != nil {
		return time.Time{}, err
	}
	var t time.Time
	if err := t.UnmarshalText([]byte(s)); err != nil {
		return time.Time{}, malformed(dec, "%s is no RFC 3339 time", quoted(s))
	}
	// In UTC, and within the years that can be written again.
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, malformed(dec, "%s is outside of the years 1 to 9999", quoted(s))
	}
	return t, nil
}

func skip(dec *jsontext.Decoder) error { return asRead(dec.SkipValue()) }

func asRead(err error) error {
	if err == nil {
		return nil
	}
	return readError(err)
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '0':
		return "a number"
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	}
	return "something else"
}
