package mongodb

import (
	"fmt"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// mostMembers is what a replica set can have.
const mostMembers = 50

// Member is what one member says of itself and of the others. What it does not tell is
// nil, or the zero time.
type Member struct {
	Version string
	Set     string
	Self    string // its address in the set's configuration
	State   string // one of States
	// Writable tells that it takes writes.
	Writable bool
	Term     float64 // of elections
	Source   string  // the address of the one that it copies from; "": none
	// Applied, Durable and Committed are the times of the last change that it has, that it
	// has on its disk, and that it knows a majority to have.
	Applied, Durable, Committed time.Time
	Oplog                       Oplog
	Peers                       []Peer // the others, as it sees them
	// Config is the set's configuration as it has it, by address.
	Config map[string]Configured
	// Elected is when it became primary.
	Elected time.Time
}

// Oplog is the history that a member keeps: who is further behind than First has to copy
// everything.
type Oplog struct{ First, Last *float64 } // seconds since 1970

// Peer is another member in the eyes of one.
type Peer struct {
	Address string
	Name    string // of the inventory; "": not listed
	Healthy bool   // its last heartbeat was answered
	// Silent is for how many seconds no heartbeat was answered; nil: none ever was.
	Silent *float64
	Ping   *float64 // seconds that a heartbeat takes there and back
}

// Configured is a member in the set's configuration.
type Configured struct {
	Votes, Priority float64
	Hidden          bool
	Delay           float64 // seconds that it stays behind on purpose
}

// States are those that a member can be in.
func States() []string {
	return []string{"STARTUP", "PRIMARY", "SECONDARY", "RECOVERING", "STARTUP2", "UNKNOWN", "ARBITER", "DOWN", "ROLLBACK", "REMOVED"}
}

func stateOf(n float64) (string, bool) {
	states := map[float64]string{
		0: "STARTUP", 1: "PRIMARY", 2: "SECONDARY", 3: "RECOVERING", 5: "STARTUP2",
		6: "UNKNOWN", 7: "ARBITER", 8: "DOWN", 9: "ROLLBACK", 10: "REMOVED",
	}
	s, ok := states[n]
	return s, ok
}

// arbiter is one that tells hello and nothing else: it has no users.
func arbiter(hello document, version string) *Member {
	return &Member{Version: version, Set: hello.text("setName"), Self: hello.text("me"), State: "ARBITER"}
}

// read makes a Member of hello, replSetGetStatus and replSetGetConfig.
func read(hello, status, conf document) (*Member, error) {
	state, ok := stateOf(status.number("myState"))
	if !ok || status.get("myState") == nil || len(status.sub("members")) == 0 {
		return nil, line.Because(cluster.BadVersion, fmt.Errorf("replSetGetStatus tells neither state nor members as MongoDB 4.4 to 8.0 do"))
	}
	at := status.sub("optimes")
	m := &Member{
		Set: status.text("set"), Self: hello.text("me"), State: state, Writable: hello.is("isWritablePrimary"),
		Term: status.number("term"), Source: status.text("syncSourceHost"),
		Applied: wall(at, "lastAppliedWallTime", "appliedOpTime"), Durable: wall(at, "lastDurableWallTime", "durableOpTime"),
		Committed: wall(at, "lastCommittedWallTime", "lastCommittedOpTime"), Config: configured(conf),
	}
	now := status.time("date")
	for i, f := range status.sub("members") {
		p, _ := f.value.(document)
		switch {
		case i == mostMembers:
			return nil, line.Because(cluster.TooLarge, fmt.Errorf("more than %d members", mostMembers))
		case p.is("self"):
			m.Elected = p.time("electionDate")
			if m.Self == "" {
				m.Self = p.text("name")
			}
		default:
			m.Peers = append(m.Peers, peer(p, now))
		}
	}
	return m, nil
}

// wall is the time of a change: by the clock of who made it, or where that is not told
// of its position, which has whole seconds.
func wall(at document, clock, position string) time.Time {
	if t := at.time(clock); t.Unix() > 0 {
		return t
	}
	if s := at.sub(position).stamp("ts").seconds; s > 0 {
		return time.Unix(int64(s), 0)
	}
	return time.Time{}
}

func peer(p document, now time.Time) Peer {
	seen := Peer{Address: p.text("name"), Healthy: p.number("health") == 1}
	if heard := p.time("lastHeartbeat"); heard.Unix() > 0 && now.Unix() > 0 {
		seen.Silent = new(max(0, now.Sub(heard).Seconds()))
	}
	if p.get("pingMs") != nil {
		seen.Ping = new(p.number("pingMs") / 1000)
	}
	return seen
}

func configured(conf document) map[string]Configured {
	all := map[string]Configured{}
	for i, f := range conf.sub("members") {
		if p, _ := f.value.(document); i < mostMembers {
			all[p.text("host")] = Configured{
				Votes: p.number("votes"), Priority: p.number("priority"), Hidden: p.is("hidden"),
				Delay: max(p.number("secondaryDelaySecs"), p.number("slaveDelay")), // its name before MongoDB 5.0
			}
		}
	}
	return all
}
