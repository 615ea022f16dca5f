package cluster

// MySQL is what only a cluster of kind mysql declares.
type MySQL struct {
	// HeartbeatTable is the table "database.table" into which pt-heartbeat writes on the
	// primary, and which is replicated; empty: there is none. The lag in seconds is then
	// told from it.
	HeartbeatTable string `json:"heartbeat_table,omitempty"`
	// HeartbeatUTC tells that its times are in UTC (pt-heartbeat --utc), and not in the
	// servers' own time zone.
	HeartbeatUTC bool `json:"heartbeat_utc,omitempty"`
}
