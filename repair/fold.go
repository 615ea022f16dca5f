package repair

import (
	"bytes"
	"encoding/json"
	"fmt"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/journal"
)

// Fold applies one record as it stands in the journal. A type it does not know
// changes nothing but the clock; the journal's own records change nothing at all.
func (s *State) Fold(d journal.Draft) error {
	if isJournals(d.Type) || d.At.Boot == "" && d.At.Since == 0 {
		return nil
	}
	v, err := decode(d)
	if err != nil {
		return fmt.Errorf("record %s (%s): %w", d.ID, d.Type, err)
	}
	s.apply(d.Type, d.At, v)
	return nil
}

// decode reads a draft's data, as far as the fold wants it.
func decode(d journal.Draft) (any, error) {
	switch d.Type {
	case TypeReceived:
		return decodeReceived(d.Data)
	case TypePlanned:
		return as[Planned](d.Data)
	case TypeNoop, TypeStep:
		return as[StepData](d.Data)
	case TypeIntent:
		return as[IntentData](d.Data)
	case TypeRelapsed:
		return as[RelapsedData](d.Data)
	case TypeFinished:
		return as[FinishedData](d.Data)
	case TypeClosed:
		return as[ClosedData](d.Data)
	case TypeHeld:
		return as[HeldData](d.Data)
	case TypeEscalate:
		return as[EscalatedData](d.Data)
	case TypePaused, TypeUnpaused:
		return as[PauseData](d.Data)
	case TypeReleased, TypeFreed:
		return as[ReleasedData](d.Data)
	case TypeApproved:
		return as[ApprovedData](d.Data)
	case TypeLeft:
		return as[LeftData](d.Data)
	case TypeVoid:
		return as[VoidData](d.Data)
	case TypeAcked:
		return as[AckedData](d.Data)
	case TypeToldOver:
		return as[ToldOverData](d.Data)
	case TypeCarried:
		return as[Carried](d.Data)
	}
	return nil, nil //nolint:nilnil // nothing of it is folded
}

func as[T any](data []byte) (any, error) {
	var v T
	err := json.Unmarshal(data, &v)
	return v, err
}

// decodeReceived reads what the fold wants of the record that there are most of.
func decodeReceived(data []byte) (any, error) {
	if r, ok := firstFields(data); ok {
		return r, nil
	}
	var v struct {
		Fingerprint alert.Fingerprint `json:"fingerprint"`
		Status      alert.Status      `json:"status"`
		Episode     string            `json:"episode"`
		Opened      bool              `json:"opened"`
		Playbook    string            `json:"playbook"`
		Labels      jsontext.Value    `json:"labels"`
	}
	if err := jsonv2.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	r := Received{Fingerprint: v.Fingerprint, Status: v.Status, Episode: v.Episode, Opened: v.Opened, Playbook: v.Playbook}
	if v.Opened && v.Labels != nil {
		if err := jsonv2.Unmarshal(v.Labels, &r.Labels); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// firstFields reads a record that opened no episode: then what the fold wants stands
// first, in the order in which it is written, and without an escape. ok is false for
// any other.
func firstFields(data []byte) (r Received, ok bool) {
	next := func(name string) (value []byte, ok bool) {
		rest, ok := bytes.CutPrefix(data, []byte(name))
		if !ok {
			return nil, false
		}
		end := bytes.IndexByte(rest, '"')
		if end < 0 || bytes.IndexByte(rest[:end], '\\') >= 0 {
			return nil, false
		}
		data = rest[end+1:]
		return rest[:end], true
	}
	fingerprint, ok := next(`{"fingerprint":"`)
	if !ok {
		return r, false
	}
	status, ok := next(`,"status":"`)
	switch {
	case !ok:
		return r, false
	case string(status) == string(alert.Firing):
		r.Status = alert.Firing
	case string(status) == string(alert.Resolved):
		r.Status = alert.Resolved
	default:
		return r, false
	}
	if bytes.HasPrefix(data, []byte(`,"episode":"`)) {
		if _, ok := next(`,"episode":"`); !ok { // the fold knows it by the fingerprint
			return r, false
		}
	}
	if bytes.HasPrefix(data, []byte(`,"opened":`)) {
		return r, false
	}
	r.Fingerprint = alert.Fingerprint(fingerprint)
	return r, true
}

// Replay folds a journal that is given line by line.
func Replay(replay func(func(journal.Record) error) error) (*State, error) {
	s := NewState()
	err := replay(func(r journal.Record) error { return s.Fold(r.Draft) })
	if err != nil {
		return nil, fmt.Errorf("fold the journal: %w", err)
	}
	return s, nil
}
