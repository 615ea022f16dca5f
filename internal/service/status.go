package service

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/cluster"
)

// status is the one JSON object that a declared status command prints.
type status struct {
	// State is running, dead, stopped_on_purpose or unknown.
	State string `json:"state"`
	// Identity changes with every start, for instance "4711@8273645": pid and start time.
	Identity string `json:"identity"`
	// MemberID and DataDirOK are the local proof: whose data directory it is (hex),
	// and that it is there and not empty.
	MemberID  string `json:"member_id"`
	DataDirOK *bool  `json:"data_dir_ok"`
	// AgeSeconds is how long the process has lived.
	AgeSeconds float64 `json:"age_seconds"`
	// Starting: it runs, and its supervisor does not call it started yet.
	Starting bool `json:"starting"`
}

var (
	identityForm = regexp.MustCompile(`^[0-9A-Za-z@][0-9A-Za-z@:./_-]{0,127}$`)
	memberIDForm = regexp.MustCompile(`^[0-9a-f]{1,16}$`)
)

// parseStatus reads a status command's answer: exactly one object, known fields,
// and what is said must fit together.
func parseStatus(out []byte) (cluster.Service, error) {
	var st status
	if err := json.Unmarshal(out, &st, json.RejectUnknownMembers(true)); err != nil {
		return cluster.Service{}, fmt.Errorf("want one JSON object {state, identity, member_id, data_dir_ok, age_seconds, starting}: %w", err)
	}
	s := cluster.Service{DataDirOK: st.DataDirOK, MemberID: strings.TrimPrefix(strings.ToLower(st.MemberID), "0x")}
	if s.MemberID != "" && !memberIDForm.MatchString(s.MemberID) {
		return cluster.Service{}, fmt.Errorf("member_id %q is not up to 16 hex digits", clip(st.MemberID))
	}
	switch st.State {
	case "running":
		s.State = cluster.ServiceRunning
		if st.Starting {
			s.State, s.Busy = cluster.ServiceStarting, true
		}
	case "dead":
		s.State = cluster.ServiceDead
		return s, nil
	case "stopped_on_purpose":
		s.State, s.Purpose = cluster.ServiceStopped, "stopped"
		return s, nil
	case "unknown":
		s.State, s.Error = cluster.ServiceUnknown, "the status command says unknown"
		return s, nil
	default:
		return cluster.Service{}, fmt.Errorf("state %q is none of running, dead, stopped_on_purpose, unknown", clip(st.State))
	}
	if !identityForm.MatchString(st.Identity) {
		return cluster.Service{}, fmt.Errorf("identity %q of what runs: want up to 128 letters, digits and @:./_-, such as pid@starttime", clip(st.Identity))
	}
	if !(st.AgeSeconds >= 0 && st.AgeSeconds < 1e9) {
		return cluster.Service{}, errors.New("age_seconds is not a number of seconds")
	}
	s.Identity = st.Identity
	s.Age = time.Duration(st.AgeSeconds * float64(time.Second))
	return s, nil
}

func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
