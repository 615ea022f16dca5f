package mysql

// Statements are what one look asks a MariaDB server.
func Statements() []string {
	v := Version{MariaDB, 10, 11, 0}
	return []string{v.gtids(), v.binlog(), variables, status, v.replica()}
}

// GiveUp has the member asked as if a question had been given up that this thread of its
// server was at.
func (d *Driver) GiveUp(member int, thread string) { d.members[member].dialer.giveUp(thread) }
