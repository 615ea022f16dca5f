package mysql

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// Flavor is which of the two families a server is of.
type Flavor string

const (
	// MariaDB counts its transactions by domain.
	MariaDB Flavor = "MariaDB"
	// MySQL counts them by server; Percona Server is one.
	MySQL Flavor = "MySQL"
)

// Version is what a server says that it is. It chooses the statements.
type Version struct {
	Flavor              Flavor
	Major, Minor, Patch int
}

var numbers = regexp.MustCompile(`^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?`)

// parseVersion reads VERSION(). One that is newer than all known ones is taken for the
// newest; one that is too old is an error.
func parseVersion(text string) (Version, error) {
	found := numbers.FindStringSubmatch(strings.TrimPrefix(text, "5.5.5-")) // which MariaDB puts before it for old clients
	if found == nil {
		return Version{}, line.Because(cluster.BadVersion, fmt.Errorf("version %.64q is neither MariaDB's nor MySQL's", text))
	}
	v := Version{Flavor: MySQL}
	oldest := Version{MySQL, 8, 0, 0}
	if strings.Contains(strings.ToLower(text), "mariadb") {
		v.Flavor, oldest = MariaDB, Version{MariaDB, 10, 3, 0}
	}
	v.Major, _ = strconv.Atoi(found[1])
	v.Minor, _ = strconv.Atoi(found[2])
	v.Patch, _ = strconv.Atoi(found[3]) // left out: 0
	if !v.from(oldest.Major, oldest.Minor, 0) {
		return Version{}, line.Because(cluster.BadVersion, fmt.Errorf("%s %.64q is too old to be asked: %d.%d is the oldest", v.Flavor, text, oldest.Major, oldest.Minor))
	}
	return v, nil
}

// from tells whether it is this version or a later one.
func (v Version) from(major, minor, patch int) bool {
	switch {
	case v.Major != major:
		return v.Major > major
	case v.Minor != minor:
		return v.Minor > minor
	}
	return v.Patch >= patch
}

// limits are the session's, so that what is abandoned here ends there as well.
func (v Version) limits() string {
	if v.Flavor == MariaDB {
		return "SET SESSION lock_wait_timeout = 1, max_statement_time = 1"
	}
	return "SET SESSION lock_wait_timeout = 1, max_execution_time = 1000"
}

// gtids asks for the transactions that the server has. They are selected, because SHOW
// VARIABLES cuts a long value off.
func (v Version) gtids() string {
	if v.Flavor == MariaDB {
		return "SELECT @@global.gtid_binlog_pos AS written, @@global.gtid_slave_pos AS applied"
	}
	return "SELECT @@global.gtid_executed AS written"
}

// binlog asks where the server writes.
func (v Version) binlog() string {
	if v.Flavor == MySQL && v.from(8, 2, 0) {
		return "SHOW BINARY LOG STATUS"
	}
	return "SHOW MASTER STATUS"
}

// replica asks for all channels. MySQL 8.4 no longer knows the older words.
func (v Version) replica() string {
	switch {
	case v.Flavor == MariaDB:
		return "SHOW ALL SLAVES STATUS"
	case v.from(8, 0, 22):
		return "SHOW REPLICA STATUS"
	}
	return "SHOW SLAVE STATUS"
}

const binaryLogs = "SHOW BINARY LOGS"

// What MySQL tells of its channels beyond the replica status.
const (
	heartbeats = "SELECT c.CHANNEL_NAME AS channel, c.HEARTBEAT_INTERVAL AS period, s.COUNT_RECEIVED_HEARTBEATS AS received" +
		" FROM performance_schema.replication_connection_configuration c" +
		" JOIN performance_schema.replication_connection_status s ON s.CHANNEL_NAME = c.CHANNEL_NAME LIMIT 64"
	workers = "SELECT CHANNEL_NAME AS channel, COUNT(*) AS workers, SUM(SERVICE_STATE = 'ON') AS working, MAX(LAST_ERROR_NUMBER) AS errno," +
		" UNIX_TIMESTAMP(NOW(6)) - MIN(IF(APPLYING_TRANSACTION = '', NULL, UNIX_TIMESTAMP(APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP))) AS applying" +
		" FROM performance_schema.replication_applier_status_by_worker GROUP BY CHANNEL_NAME LIMIT 64"
	groupMembers = "SELECT m.MEMBER_ID AS id, m.MEMBER_STATE AS state, m.MEMBER_ROLE AS role," +
		" s.COUNT_TRANSACTIONS_IN_QUEUE AS certifying, s.COUNT_TRANSACTIONS_REMOTE_IN_APPLIER_QUEUE AS applying" +
		" FROM performance_schema.replication_group_members m" +
		" LEFT JOIN performance_schema.replication_group_member_stats s ON s.MEMBER_ID = m.MEMBER_ID LIMIT 64"
)

// status and variables are of both families: names that a server does not know are
// left out by it, and are no error.
const (
	variables = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_id', 'server_uuid', 'read_only', 'super_read_only', 'max_connections', 'wsrep_on'," +
		" 'rpl_semi_sync_master_enabled', 'rpl_semi_sync_slave_enabled', 'rpl_semi_sync_source_enabled', 'rpl_semi_sync_replica_enabled', 'group_replication_group_name')"
	status = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Uptime', 'Threads_connected'," +
		" 'Rpl_semi_sync_master_status', 'Rpl_semi_sync_master_clients', 'Rpl_semi_sync_master_no_tx', 'Rpl_semi_sync_slave_status'," +
		" 'Rpl_semi_sync_source_status', 'Rpl_semi_sync_source_clients', 'Rpl_semi_sync_source_no_tx', 'Rpl_semi_sync_replica_status'," +
		" 'wsrep_cluster_status', 'wsrep_cluster_size', 'wsrep_ready', 'wsrep_connected', 'wsrep_local_state'," +
		" 'wsrep_local_recv_queue', 'wsrep_local_recv_queue_avg', 'wsrep_flow_control_paused_ns')"
)
