package mongodbtest

import (
	"net"
	"slices"
	"time"
)

func (m *Member) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		m.set.mu.Lock()
		m.conns[c] = true
		m.set.mu.Unlock()
		go m.serve(c)
	}
}

func (m *Member) serve(c net.Conn) {
	defer c.Close()
	if m.set.options.TLS != nil {
		c = m.set.options.TLS(c)
	}
	login := &login{options: m.set.options}
	for {
		id, name, parts, err := question(c)
		if err != nil {
			return
		}
		doc := m.answer(login, name, parts)
		if doc == nil { // frozen: until somebody hangs up
			_, _ = c.Read(make([]byte, 1))
			return
		}
		if err := answer(c, id, doc, m.set.options.Checksum); err != nil {
			return
		}
	}
}

func refusal(code int, name, text string) d {
	return d{"ok", 0.0, "errmsg", text, "code", code, "codeName", name}
}

func (m *Member) answer(l *login, name string, parts map[string]any) d {
	s := m.set
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flow()
	if m.frozen {
		return nil
	}
	rest := d{"ok", 1.0, "$clusterTime", d{"clusterTime", stamp{uint32(s.now.Unix()), 1}, "signature", d{"hash", make([]byte, 20), "keyId", int64(0)}},
		"operationTime", stamp{uint32(m.applied.Unix()), 1}}
	switch name {
	case "hello":
		return append(m.hello(), rest...)
	case "buildInfo":
		return append(d{"version", s.options.Version, "modules", []any{}, "bits", 64}, rest...)
	case "saslStart", "saslContinue":
		return l.answer(name, parts)
	}
	switch {
	case s.options.User != "" && !l.done:
		return refusal(13, "Unauthorized", "Command "+name+" requires authentication")
	case s.options.Rights != nil && !slices.Contains(s.options.Rights, name):
		return refusal(13, "Unauthorized", "not authorized on admin to execute command { "+name+": 1 }")
	}
	switch name {
	case "replSetGetStatus":
		return append(m.status(), rest...)
	case "replSetGetConfig":
		return append(d{"config", m.config()}, rest...)
	case "find":
		return append(d{"cursor", d{"firstBatch", m.oplog(parts), "id", int64(0), "ns", "local.oplog.rs"}}, rest...)
	}
	return refusal(59, "CommandNotFound", "no such command: '"+name+"'")
}

func (m *Member) hello() d {
	var hosts []any
	for _, o := range m.set.Members {
		hosts = append(hosts, o.Address)
	}
	doc := d{
		"topologyVersion", d{"processId", [12]byte{1}, "counter", int64(6)}, "hosts", hosts, "setName", "rs0", "setVersion", 1,
		"isWritablePrimary", m.state == Primary, "secondary", m.state == Secondary, "me", m.Address,
		"maxBsonObjectSize", 16777216, "localTime", m.set.now, "maxWireVersion", 21, "readOnly", false,
	}
	if m.state == Arbiter {
		doc = append(doc, "arbiterOnly", true)
	}
	return doc
}

func position(at time.Time, term int64) d { return d{"ts", stamp{uint32(at.Unix()), 1}, "t", term} }

func (m *Member) status() d {
	names := map[int]string{0: "STARTUP", 1: "PRIMARY", 2: "SECONDARY", 3: "RECOVERING", 7: "ARBITER", 9: "ROLLBACK", 10: "REMOVED"}
	source := ""
	if p := m.source(); p != nil {
		source = p.Address
	}
	var members []any
	for i, o := range m.set.Members {
		doc := d{"_id", i, "name", o.Address}
		if o == m {
			doc = append(doc, "health", 1.0, "state", m.state, "stateStr", names[m.state], "uptime", 100, "optime", position(m.applied, m.term), "optimeDate", m.applied, "self", true)
			if m.state == Primary {
				doc = append(doc, "electionTime", stamp{uint32(m.elected.Unix()), 1}, "electionDate", m.elected)
			}
		} else {
			health := 1.0
			if !m.reaches(o) && m.set.now.Sub(m.heard[o]) > 10*time.Second {
				health = 0
			}
			doc = append(doc, "health", health, "state", o.state, "stateStr", names[o.state], "uptime", 100,
				"lastHeartbeat", m.heard[o], "lastHeartbeatRecv", m.heard[o], "pingMs", int64(3), "lastHeartbeatMessage", "", "syncSourceHost", "")
		}
		members = append(members, doc)
	}
	return d{
		"set", "rs0", "date", m.set.now, "myState", m.state, "term", m.term, "syncSourceHost", source, "heartbeatIntervalMillis", int64(2000),
		"majorityVoteCount", len(m.set.Members)/2 + 1, "votingMembersCount", len(m.set.Members),
		"optimes", d{
			"lastCommittedOpTime", position(m.applied, m.term), "lastCommittedWallTime", m.applied,
			"appliedOpTime", position(m.applied, m.term), "durableOpTime", position(m.applied, m.term),
			"lastAppliedWallTime", m.applied, "lastDurableWallTime", m.applied,
		},
		"members", members,
	}
}

func (m *Member) config() d {
	var members []any
	for i, o := range m.set.Members {
		members = append(members, d{
			"_id", i, "host", o.Address, "arbiterOnly", o.state == Arbiter, "buildIndexes", true, "hidden", o.Delay > 0, "priority", map[bool]float64{true: 0, false: 1}[o.Delay > 0],
			"tags", d{}, "secondaryDelaySecs", int64(o.Delay), "votes", o.Votes,
		})
	}
	return d{"_id", "rs0", "version", 1, "term", m.term, "members", members, "protocolVersion", int64(1)}
}

// oplog is its first entry, an hour before its last, or its last.
func (m *Member) oplog(parts map[string]any) []any {
	at := m.applied
	if sort, _ := parts["sort"].([]byte); len(sort) > 4 && sort[len(sort)-2] == 0 { // $natural: 1
		at = at.Add(-time.Hour)
	}
	return []any{d{"ts", stamp{uint32(at.Unix()), 1}}}
}
