package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	protocol "github.com/go-sql-driver/mysql"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// The questions that a user may be refused; they are named in Member.Denied.
const (
	QuestionBinlog    = "binlog"
	QuestionChannels  = "channels" // of MySQL's performance_schema
	QuestionGroup     = "group"
	QuestionHeartbeat = "heartbeat"
)

// Questions are all that a user may be refused.
func Questions() []string {
	return []string{QuestionBinlog, QuestionChannels, QuestionGroup, QuestionHeartbeat}
}

// wants is what a look asks beyond what is always asked.
type wants struct {
	heartbeat string // the quoted table; "" none
	utc       bool   // its times are in UTC
	logs      bool   // all files of the binary log
}

// look is what one member answered.
type look struct {
	member *Member // nil: it could not be asked
	text   string  // of its version
	err    error   // why not
}

// spoke tells that a server is there and said something, if only no: it does not hang.
func (l look) spoke() bool {
	_, said := errors.AsType[*protocol.MySQLError](l.err)
	return l.member != nil || said
}

// asking is one look at one member, question by question.
type asking struct {
	*session
	wants
	m      Member
	untold bool // what it may be asked was not told, the last time
}

// ask puts all questions. What a server has to give is asked before what it has got, so
// that replicas, which are asked at the same time, look late rather than early.
func (s *session) ask(ctx context.Context, w wants) (*Member, error) {
	a := &asking{session: s, wants: w, m: Member{Version: s.version}}
	for _, part := range []func(context.Context) error{a.heartbeats, a.gtids, a.binlog, a.settings, a.channels, a.beats} {
		if err := part(ctx); err != nil {
			return nil, err
		}
	}
	return &a.m, nil
}

// must is a question without whose answer nothing is known.
func (a *asking) must(ctx context.Context, statement string) ([]row, error) {
	rows, err := a.query(ctx, statement)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(strings.Fields(statement)[:2], " "), denied(a.version, err))
	}
	return rows, nil
}

// may is a question that may be refused: its answer is then not there, and untold is set.
func (a *asking) may(ctx context.Context, question, statement string) ([]row, error) {
	rows, err := a.query(ctx, statement)
	a.untold = err != nil
	if err == nil || !usable(err) {
		return rows, err
	}
	if line.Reason(err) == cluster.BadAuth && !slices.Contains(a.m.Denied, question) {
		a.m.Denied = append(a.m.Denied, question)
	}
	return nil, nil
}

func (a *asking) gtids(ctx context.Context) error {
	rows, err := a.must(ctx, a.version.gtids())
	if err != nil {
		return err
	}
	if len(rows) == 1 {
		a.m.Written, a.m.Applied = rows[0].get("written"), rows[0].get("applied")
	}
	return nil
}

func (a *asking) binlog(ctx context.Context) error {
	rows, err := a.may(ctx, QuestionBinlog, a.version.binlog())
	if err != nil || len(rows) != 1 {
		return err
	}
	at := rows[0].number("Position")
	if at == nil || rows[0].get("File") == "" {
		return nil
	}
	a.m.Binlog = &Binlog{Coordinates: Coordinates{rows[0].get("File"), *at}}
	if !a.logs {
		return nil
	}
	if rows, err = a.may(ctx, QuestionBinlog, binaryLogs); err != nil {
		return err
	}
	for _, r := range rows[:min(len(rows), mostLogs)] {
		if size := r.number("File_size"); size != nil {
			a.m.Binlog.Logs = append(a.m.Binlog.Logs, Log{r.get("Log_name"), *size})
		}
	}
	return nil
}

func (a *asking) settings(ctx context.Context) error {
	rows, err := a.must(ctx, variables)
	if err != nil {
		return err
	}
	vars := settings(rows)
	if rows, err = a.must(ctx, status); err != nil {
		return err
	}
	said := settings(rows)
	a.m.ServerID, a.m.UUID = vars.uint("server_id"), vars.get("server_uuid")
	a.m.ReadOnly, a.m.SuperReadOnly = yes(vars.on("read_only")), vars.on("super_read_only")
	a.m.ReadOnly = a.m.ReadOnly || yes(a.m.SuperReadOnly)
	a.m.MaxConnections = vars.number("max_connections")
	a.m.Uptime, a.m.Connections = said.number("uptime"), said.number("threads_connected")
	a.m.SemiSync = semiSyncOf(vars, said)
	if yes(vars.on("wsrep_on")) {
		a.m.Galera = galeraOf(said)
	}
	if vars.get("group_replication_group_name") == "" {
		return nil
	}
	rows, err = a.may(ctx, QuestionGroup, groupMembers)
	if a.m.Group = groupOf(rows, a.m.UUID); a.untold {
		a.m.Group = &Group{} // which is not to say that it left
	}
	return err
}

func semiSyncOf(vars, said row) SemiSync {
	return SemiSync{
		SourceEnabled: vars.on("rpl_semi_sync_source_enabled", "rpl_semi_sync_master_enabled"), ReplicaEnabled: vars.on("rpl_semi_sync_replica_enabled", "rpl_semi_sync_slave_enabled"),
		SourceOn: said.on("rpl_semi_sync_source_status", "rpl_semi_sync_master_status"), ReplicaOn: said.on("rpl_semi_sync_replica_status", "rpl_semi_sync_slave_status"),
		Replicas: said.number("rpl_semi_sync_source_clients", "rpl_semi_sync_master_clients"), Unacknowledged: said.number("rpl_semi_sync_source_no_tx", "rpl_semi_sync_master_no_tx"),
	}
}

func galeraOf(said row) *Galera {
	g := &Galera{
		Primary: said.get("wsrep_cluster_status") == "Primary", Ready: yes(said.on("wsrep_ready")), Connected: yes(said.on("wsrep_connected")),
		State: said.number("wsrep_local_state"), Size: said.number("wsrep_cluster_size"),
		Queue: said.number("wsrep_local_recv_queue"), QueueAverage: said.number("wsrep_local_recv_queue_avg"),
		Paused: said.number("wsrep_flow_control_paused_ns"),
	}
	if g.Paused != nil {
		*g.Paused /= 1e9
	}
	return g
}

// groupOf reads the group's members as the server with this UUID lists them. One that is
// in no group says so of itself, with an empty ID, or lists nobody.
func groupOf(rows []row, uuid string) *Group {
	g := &Group{State: "OFFLINE", Members: len(rows)}
	primaries := 0
	for _, r := range rows {
		if r.get("role") == "PRIMARY" {
			primaries++
			g.Primary = r.get("id")
		}
		if r.get("state") == "UNREACHABLE" {
			g.Unreachable++
		}
		if r.get("id") == uuid || r.get("id") == "" {
			g.State, g.Role = r.get("state"), r.get("role")
			g.Certifying, g.Applying = r.number("certifying"), r.number("applying")
		}
	}
	if primaries != 1 {
		g.Primary = ""
	}
	return g
}

func (a *asking) channels(ctx context.Context) error {
	rows, err := a.must(ctx, a.version.replica())
	if err != nil {
		return err
	}
	a.m.Channels, a.m.Unread = channelsOf(a.version.Flavor, rows)
	if len(a.m.Channels) > 0 && a.version.Flavor == MariaDB {
		a.m.Applied = rows[0].first("Gtid_Slave_Pos")
	}
	if len(a.m.Channels) > 0 && a.version.Flavor == MySQL {
		// Later than what was asked first: what it has got by now.
		a.m.Applied = rows[0].first("Executed_Gtid_Set")
	}
	return nil
}

// beats asks MySQL for what its replica status leaves out.
func (a *asking) beats(ctx context.Context) error {
	if a.version.Flavor != MySQL || len(a.m.Channels) == 0 {
		return nil
	}
	rows, err := a.may(ctx, QuestionChannels, heartbeats)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if c := a.channel(r.get("channel")); c != nil {
			c.Heartbeats, c.Period = r.number("received"), r.number("period")
		}
	}
	if rows, err = a.may(ctx, QuestionChannels, workers); err != nil {
		return err
	}
	for _, r := range rows {
		if c := a.channel(r.get("channel")); c != nil {
			c.Workers, c.Working, c.Applying = r.number("workers"), r.number("working"), r.number("applying")
		}
	}
	return nil
}

func (a *asking) channel(name string) *Channel {
	i := slices.IndexFunc(a.m.Channels, func(c Channel) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &a.m.Channels[i]
}

func (a *asking) heartbeats(ctx context.Context) error {
	if a.heartbeat == "" {
		return nil
	}
	rows, err := a.may(ctx, QuestionHeartbeat, "SELECT server_id, ts, NOW(6) AS now, UTC_TIMESTAMP(6) AS utc FROM "+a.heartbeat+" ORDER BY ts DESC LIMIT 16")
	a.m.Heartbeat = heartbeatOf(rows, a.utc)
	return err
}

// denied says of the answer that says no what to do.
func denied(v Version, err error) error {
	said, ok := errors.AsType[*protocol.MySQLError](err)
	if !ok || said.Number != 1227 {
		return err
	}
	if v.Flavor == MariaDB {
		return fmt.Errorf("%w: GRANT SLAVE MONITOR, BINLOG MONITOR ON *.* to the user", err)
	}
	return fmt.Errorf("%w: GRANT REPLICATION CLIENT ON *.* to the user", err)
}
