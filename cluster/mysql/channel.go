package mysql

import (
	"strings"
	"unicode"
)

// Bounds of what a server says of its channels. MySQL itself has 256 channels at most.
const (
	mostChannels = 256
	mostName     = 64
)

// channelsOf reads the replica status. Which words it uses changed over the versions,
// and MariaDB keeps the older ones. unread counts the channels that are left out: beyond
// the bound, and those whose name is another one's, once it is a label.
func channelsOf(f Flavor, rows []row) (all []Channel, unread int) {
	names := map[string]bool{}
	for _, r := range rows {
		c := channelOf(f, r)
		switch {
		case strings.HasPrefix(c.Name, "group_replication_"): // a group's own have no source; Group tells of them
		case names[c.Name] || len(all) == mostChannels:
			unread++
		default:
			names[c.Name] = true
			all = append(all, c)
		}
	}
	return all, unread
}

func channelOf(f Flavor, r row) Channel {
	c := Channel{
		Name: cleanName(r.first("Channel_Name", "Connection_name")),
		Host: r.first("Source_Host", "Master_Host"), Port: r.uint("Source_Port", "Master_Port"),
		SourceID: r.uint("Source_Server_Id", "Master_Server_Id"), SourceUUID: r.first("Source_UUID", "Master_UUID"),
		Receiver: r.first("Replica_IO_Running", "Slave_IO_Running"), Applier: r.first("Replica_SQL_Running", "Slave_SQL_Running"),
		ReceiverError: r.number("Last_IO_Errno"), ApplierError: r.number("Last_SQL_Errno"),
		Behind: r.number("Seconds_Behind_Source", "Seconds_Behind_Master"),
		Delay:  r.number("SQL_Delay"), Remaining: r.number("SQL_Remaining_Delay"),
		RelayLog: r.number("Relay_Log_Space"), Retries: r.number("Retried_transactions"),
		Heartbeats: r.number("Slave_received_heartbeats"), Period: r.number("Slave_heartbeat_period"),
		Read:     coordinates(r, r.first("Source_Log_File", "Master_Log_File"), "Read_Source_Log_Pos", "Read_Master_Log_Pos"),
		Executed: coordinates(r, r.first("Relay_Source_Log_File", "Relay_Master_Log_File"), "Exec_Source_Log_Pos", "Exec_Master_Log_Pos"),
		Ignored:  list(r.get("Replicate_Ignore_Domain_Ids")), Only: list(r.get("Replicate_Do_Domain_Ids")),
	}
	if f == MySQL {
		c.Received = r.get("Retrieved_Gtid_Set")
	} else if using := r.get("Using_Gtid"); using != "" && using != "No" {
		c.Received = r.get("Gtid_IO_Pos")
	}
	return c
}

func coordinates(r row, file string, position ...string) Coordinates {
	at := r.number(position...)
	if at == nil || file == "" {
		return Coordinates{}
	}
	return Coordinates{file, *at}
}

// list reads "(1,2)" or "1, 2".
func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// cleanName makes a label of a name that anybody may have chosen.
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(name, "?"))
	if len(name) > mostName {
		name = strings.ToValidUTF8(name[:mostName], "")
	}
	return name
}

// receives and applies tell of the two threads; a receiver that connects does neither.
func (c Channel) receives() bool { return c.Receiver == "Yes" }
func (c Channel) applies() bool  { return c.Applier == "Yes" }
