package repair

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// encode makes a record's data. What there are very many of in a storm, alerts and
// carried episodes, is written by hand: it comes to the same as json.Marshal.
func encode(data any) ([]byte, error) {
	if v, ok := data.(Received); ok && len(v.Cut) == 0 {
		return appendReceived(make([]byte, 0, 768), &v)
	}
	return json.Marshal(data)
}

// object appends the members of one JSON object.
type object struct {
	buf []byte
	err error
}

func (o *object) name(name string) {
	if o.buf[len(o.buf)-1] != '{' {
		o.buf = append(o.buf, ',')
	}
	o.buf = append(o.buf, '"')
	o.buf = append(o.buf, name...)
	o.buf = append(o.buf, '"', ':')
}

func (o *object) quote(s string) {
	buf, err := jsontext.AppendQuote(o.buf, s)
	if err != nil && o.err == nil { // not UTF-8
		o.err = err
	}
	o.buf = buf
}

// text appends a string, unless it is empty.
func (o *object) text(name, value string) {
	if value != "" {
		o.name(name)
		o.quote(value)
	}
}

// yes appends true, unless it is false.
func (o *object) yes(name string, value bool) {
	if value {
		o.name(name)
		o.buf = append(o.buf, "true"...)
	}
}

func (o *object) truth(name string, value bool) {
	o.name(name)
	o.buf = strconv.AppendBool(o.buf, value)
}

func (o *object) number(name string, value time.Duration) {
	o.name(name)
	o.buf = strconv.AppendInt(o.buf, int64(value), 10)
}

// time appends a time, unless it is zero.
func (o *object) time(name string, t time.Time) {
	if !t.IsZero() {
		o.name(name)
		o.buf = append(o.buf, '"')
		o.buf = t.AppendFormat(o.buf, time.RFC3339Nano)
		o.buf = append(o.buf, '"')
	}
}

// texts appends an object of strings in order of their names, unless there is none.
func (o *object) texts(name string, m map[string]string) {
	if len(m) == 0 {
		return
	}
	var room [16]string
	names := slices.AppendSeq(room[:0], maps.Keys(m))
	slices.Sort(names)
	o.name(name)
	o.buf = append(o.buf, '{')
	for i, key := range names {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.quote(key)
		o.buf = append(o.buf, ':')
		o.quote(m[key])
	}
	o.buf = append(o.buf, '}')
}

// list appends an array of strings, unless it is empty.
func (o *object) list(name string, all []string) {
	if len(all) == 0 {
		return
	}
	o.name(name)
	o.buf = append(o.buf, '[')
	for i, s := range all {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.quote(s)
	}
	o.buf = append(o.buf, ']')
}

// The fields that the fold wants stand first.
func appendReceived(dst []byte, v *Received) ([]byte, error) {
	o := object{buf: append(dst, '{')}
	o.name("fingerprint")
	o.quote(string(v.Fingerprint))
	o.name("status")
	o.quote(string(v.Status))
	o.text("episode", v.Episode)
	o.yes("opened", v.Opened)
	o.text("playbook", v.Playbook)
	o.texts("labels", v.Labels)
	o.texts("annotations", v.Annotations)
	o.time("startsAt", v.StartsAt)
	o.time("endsAt", v.EndsAt)
	o.text("generatorURL", v.Generator)
	o.name("message")
	o.quote(v.Message)
	o.name("actor")
	o.quote(v.Actor)
	o.yes("oversize", v.Oversize)
	o.text("labelsDigest", v.LabelsDigest)
	return append(o.buf, '}'), o.err
}

// appendCarried appends a carried episode.
func (s *State) appendCarried(dst []byte, ep *Episode) ([]byte, error) {
	o := object{buf: append(dst, '{')}
	o.text("id", ep.ID)
	o.text("fingerprint", string(ep.Fingerprint))
	o.text("playbook", ep.Playbook)
	o.labels("labels", ep.labels)
	o.number("opened", ep.Opened)
	o.time("openedWall", ep.OpenedWall.UTC())
	if k, ok := s.fingerprints[fingerprintOf(ep.Fingerprint)]; ok {
		o.truth("firing", k.firing)
		o.number("at", k.at)
	}
	o.truth("active", ep.Active)
	o.yes("mutated", ep.Mutated)
	o.text("run", ep.Run)
	o.list("runs", ep.Runs)
	if ep.Last != nil {
		o.name("last")
		b, err := json.Marshal(ep.Last)
		if err != nil {
			return nil, err
		}
		o.buf = append(o.buf, b...)
	}
	o.time("lastWall", ep.LastWall.UTC())
	o.text("lastOutcome", string(ep.LastOutcome))
	if ep.LastEnded != 0 {
		o.number("lastEnded", ep.LastEnded)
	}
	if len(ep.asked) > 0 {
		o.name("asked")
		b, err := json.Marshal(ep.asked)
		if err != nil {
			return nil, err
		}
		o.buf = append(o.buf, b...)
	}
	o.list("escalated", slices.Sorted(maps.Keys(ep.escalated)))
	o.list("acked", slices.Sorted(maps.Keys(ep.acked)))
	o.text("sought", ep.sought)
	return append(o.buf, '}'), o.err
}
