package consul

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// self is what of /v1/agent/self is read. Stats.raft are the words of hashicorp/raft's
// Raft.Stats, all of them strings.
type self struct {
	Config struct {
		NodeID, NodeName, Datacenter, Version string
		Server                                bool
	}
	Member struct {
		Addr string
		Tags map[string]string
	}
	Stats struct {
		Consul map[string]string `json:"consul"`
		Raft   map[string]string `json:"raft"`
	}
	// DebugConfig is no promise of Consul's: what has another form there is not told.
	DebugConfig struct {
		Election  any `json:"ConsulRaftElectionTimeout"`
		Heartbeat any `json:"ConsulRaftHeartbeatTimeout"`
	}
}

var errNoServer = errors.New("a Consul agent answers that is no server: name a server's endpoint")

func (s self) check() error {
	switch {
	case s.Config.Version == "":
		return errors.New("the answer is not Consul's")
	case !s.Config.Server:
		return errNoServer
	case len(s.Stats.Raft) == 0:
		return errors.New("the server tells nothing of Raft")
	}
	for _, key := range []string{"term", "commit_index", "applied_index"} {
		if _, err := strconv.ParseUint(s.Stats.Raft[key], 10, 64); err != nil {
			return fmt.Errorf("its %s is not a number", key)
		}
	}
	return nil
}

// address is where it takes Raft's calls, as leader_addr and the configuration have it.
func (s self) address() string { return net.JoinHostPort(s.Member.Addr, s.Member.Tags["port"]) }

func (s self) leads() bool { return s.Stats.Raft["state"] == "Leader" }

// number is a count of Stats.raft; false where it is not one.
func (s self) number(key string) (uint64, bool) {
	n, err := strconv.ParseUint(s.Stats.Raft[key], 10, 64)
	return n, err == nil
}

// lastContact is how long ago the server heard from its leader. hashicorp/raft says
// "never" before it did, and "0" of a leader, which has none: neither is a time.
func (s self) lastContact() (time.Duration, bool) {
	text := s.Stats.Raft["last_contact"]
	if s.leads() || text == "0" {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}

// timeout is one that the server runs with; nil where it is not told.
func timeout(told any) *time.Duration {
	text, ok := told.(string)
	if !ok {
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return nil
	}
	return &d
}

// server is one entry of the Raft configuration.
type server struct {
	ID, Node, Address string
	Leader, Voter     bool
}

// neighbor is one entry of /v1/agent/members, as serf (the gossip) sees it.
type neighbor struct {
	Name   string
	Status int
	Tags   map[string]string
}

// Statuses are serf's member statuses by number (serf.MemberStatus).
func Statuses() []string { return []string{"none", "alive", "leaving", "left", "failed"} }

// health is /v1/operator/autopilot/health: the leader's word, up to 10 s old.
type health struct {
	Healthy          bool
	FailureTolerance int
	Servers          []struct {
		ID          string
		Healthy     bool
		StableSince time.Time
	}
}
