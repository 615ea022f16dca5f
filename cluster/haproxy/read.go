package haproxy

import (
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxServers and maxBackends are of how many a Member tells, in HAProxy's own order.
const (
	maxServers  = 500
	maxBackends = 500
)

// Member is what one HAProxy process says.
type Member struct {
	Version        string
	Started        int64 // Unix time in seconds; 0: not told (before 2.4)
	Uptime         int64 // seconds
	Stopping       bool  // it was told to end, and finishes what it has
	Current, Limit int64 // connections
	Backends       []Backend
	LeftOut        int // servers that are too many
}

// Backend is one backend.
type Backend struct {
	Name            string
	Up              bool // it has a server that takes traffic
	Current, Queued int64
	Servers         []Server
}

// State is what a server is for its backend.
type State string

// The states of a server. What somebody wants comes before what the check says.
const (
	Up    State = "up"    // it takes traffic
	Down  State = "down"  // its check says that it does not answer
	Drain State = "drain" // it takes nothing new: somebody drains it
	Maint State = "maint" // it is out of use, by the configuration, a person, or because no address resolves
)

// States are all of them, in the order in which they are shown.
func States() []State { return []State{Up, Down, Drain, Maint} }

// Server is one server of a backend.
type Server struct {
	Name    string
	State   State
	Checked bool // a check says so; without one it is up until somebody takes it out
	Current int64
	Weight  int64
}

// The bits of srv_admin_state (HAProxy's management guide, "show servers state").
const (
	anyMaint = 0x01 | 0x02 | 0x04 | 0x20 | 0x40 // forced, inherited, configured, no address, no such host
	anyDrain = 0x08 | 0x10                      // forced, inherited
)

// read reads the answers to `show info`, `show stat` and `show servers state`.
func read(answer []byte) (*Member, error) {
	parts := strings.SplitN(strings.ReplaceAll(string(answer), "\r", ""), "\n\n", 3)
	if len(parts) < 3 {
		return nil, errors.New("the answer is not that of an HAProxy stats socket")
	}
	m, err := info(parts[0])
	if err != nil {
		return nil, err
	}
	admin, err := administrative(parts[2])
	if err != nil {
		return nil, err
	}
	return m, m.stat(parts[1], admin)
}

func info(text string) (*Member, error) {
	said := map[string]string{}
	for entry := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(entry), ": "); ok {
			said[key] = value
		}
	}
	if said["Name"] != "HAProxy" || said["Version"] == "" {
		return nil, errors.New("the answer is not that of an HAProxy stats socket")
	}
	version, _, _ := strings.Cut(said["Version"], "-")
	m := &Member{Version: version, Stopping: said["Stopping"] != "" && said["Stopping"] != "0"}
	for key, into := range map[string]*int64{"Uptime_sec": &m.Uptime, "CurrConns": &m.Current, "Hard_maxconn": &m.Limit, "Start_time_sec": &m.Started} {
		if n, err := strconv.ParseInt(said[key], 10, 64); err == nil {
			*into = n
		}
	}
	return m, nil
}

type name struct{ backend, server string }

// administrative reads what somebody wants of each server: a line for each, its fields
// parted by blanks, named in a comment.
func administrative(text string) (map[name]int64, error) {
	admin := map[name]int64{}
	var backend, server, state int
	for entry := range strings.Lines(text) {
		fields := strings.Fields(entry)
		if len(fields) == 0 {
			continue
		}
		if fields[0] == "#" {
			backend, server, state = index(fields[1:], "be_name"), index(fields[1:], "srv_name"), index(fields[1:], "srv_admin_state")
			continue
		}
		if state == 0 || len(fields) <= max(backend, server, state) {
			continue // the version of the form, or not what we know
		}
		n, err := strconv.ParseInt(fields[state], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("show servers state: %w", err)
		}
		admin[name{fields[backend], fields[server]}] = n
	}
	return admin, nil
}

func index(fields []string, name string) int {
	for i, f := range fields {
		if f == name {
			return i
		}
	}
	return 0
}

// stat reads backends and servers out of the CSV.
func (m *Member) stat(text string, admin map[name]int64) error {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(strings.TrimSpace(text), "# ")))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return fmt.Errorf("show stat: %w", err)
	}
	at := map[string]int{}
	for i, f := range header {
		at[f] = i
	}
	for _, wanted := range []string{"pxname", "svname", "status", "scur", "qcur", "weight", "type"} {
		if _, ok := at[wanted]; !ok {
			return fmt.Errorf("show stat: no column %s", wanted)
		}
	}
	rows, err := r.ReadAll()
	if err != nil {
		return fmt.Errorf("show stat: %w", err)
	}
	const isBackend, isServer = "1", "2"
	var servers []Server // of the backend whose line follows
	told := 0
	for _, row := range rows {
		get := func(column string) string {
			if i := at[column]; i < len(row) {
				return row[i]
			}
			return ""
		}
		number := func(column string) int64 {
			n, _ := strconv.ParseInt(get(column), 10, 64) // an empty one is none
			return n
		}
		switch get("type") {
		case isServer:
			if told++; told > maxServers {
				m.LeftOut++
				continue
			}
			status := get("status")
			servers = append(servers, Server{
				Name: get("svname"), State: state(status, admin[name{get("pxname"), get("svname")}]),
				Checked: status != "no check", Current: number("scur"), Weight: number("weight"),
			})
		case isBackend:
			if len(m.Backends) == maxBackends {
				m.LeftOut += len(servers)
				servers = nil
				continue
			}
			m.Backends = append(m.Backends, Backend{
				Name: get("pxname"), Up: strings.HasPrefix(get("status"), "UP"),
				Current: number("scur"), Queued: number("qcur"), Servers: servers,
			})
			servers = nil
		}
	}
	return nil
}

// state is what a server is: "UP 1/2" is on its way down and takes traffic still, "NOLB"
// takes none, "DOWN 1/2" is on its way up and does not yet.
func state(status string, admin int64) State {
	switch {
	case admin&anyMaint != 0 || strings.HasPrefix(status, "MAINT"):
		return Maint
	case admin&anyDrain != 0 || strings.HasPrefix(status, "DRAIN"):
		return Drain
	case strings.HasPrefix(status, "UP") || status == "no check":
		return Up
	}
	return Down
}
