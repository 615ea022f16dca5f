package looptest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster/etcd"
)

// serve answers one declared command (testdata/member).
func (s *supervisor) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	var words []string
	if json.NewDecoder(conn).Decode(&words) != nil || len(words) < 2 {
		return
	}
	status, err := s.do(words)
	answer := map[string]any{"status": status}
	if err != nil {
		answer["error"] = err.Error()
	}
	_ = json.NewEncoder(conn).Encode(answer)
}

// do is one command: a verb, a member and, for kill, an identity.
func (s *supervisor) do(words []string) (status map[string]any, err error) {
	verb, name := words[0], words[1]
	if verb == "start" || verb == "restart" {
		s.mu.Lock()
		hold := s.hold
		if hold != nil {
			s.held++
		}
		s.mu.Unlock()
		if hold != nil {
			<-hold // a slow start
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.members[name]
	if p == nil {
		return nil, fmt.Errorf("no member %q", name)
	}
	if verb != "status" {
		s.log = append(s.log, time.Now().Format("15:04:05.000 ")+strings.Join(words, " "))
	}
	running := p.proc.Running()
	switch verb {
	case "status":
		switch {
		case running:
			return map[string]any{"state": "running", "identity": p.identity(), "age_seconds": time.Since(p.born).Seconds()}, nil
		case p.purpose:
			return map[string]any{"state": "stopped_on_purpose"}, nil
		}
		status = map[string]any{"state": "dead"}
		if s.tells {
			dir, err := etcd.ReadDataDir(p.spec.DataDir)
			status["data_dir_ok"] = err == nil
			if err == nil {
				status["member_id"] = dir.NodeID
			}
		}
		return status, nil
	case "start", "restart":
		p.asked++
		if p.refuse > 0 {
			p.refuse--
			return nil, errors.New("not today")
		}
		if verb == "restart" && running {
			p.proc.Kill()
		} else if running {
			return nil, nil
		}
		if err := s.startLocked(p); err != nil {
			return nil, err
		}
		p.started++
		return nil, nil
	case "stop":
		p.purpose = true
		if running {
			p.proc.Kill()
		}
		return nil, nil
	case "kill":
		if len(words) != 3 || !running || p.identity() != words[2] {
			return nil, fmt.Errorf("%v: no such process runs", words)
		}
		p.kills++
		p.proc.Kill()
		return nil, nil
	}
	return nil, errors.New("unknown verb")
}
