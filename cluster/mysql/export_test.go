package mysql

// Statements are what one look asks a MariaDB server.
func Statements() []string {
	v := Version{MariaDB, 10, 11, 0}
	return []string{v.gtids(), v.binlog(), variables, status, v.replica()}
}
