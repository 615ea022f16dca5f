//go:build bench

package mysql

// Asked is what one look asks a MariaDB server over a connection that is open, for who
// measures what it costs to ask.
func Asked() []string {
	v := Version{MariaDB, 10, 11, 0}
	return []string{v.gtids(), v.binlog(), variables, status, v.replica()}
}
