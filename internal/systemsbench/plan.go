// Package systemsbench measures what one scrape of many systems costs: a real
// fettle_exporter over an etcd cluster of five, a MariaDB pair, a PostgreSQL pair and a
// Redis pair with three Sentinels, all of them real, beside a bare client that puts the
// same questions, and beside redis_exporter. `make bench-systems` runs it.
//
// All of it is behind the build tag bench, but for Plan, which says what is asked. Start
// with TestSystems; bareclient is the bare client.
package systemsbench

// Plan is who is asked, and what, as JSON for the bare client.
type Plan struct {
	// Etcd are client URLs. Each member is asked for its status, its list of members and
	// its metrics page.
	Etcd []string
	// MySQL and Postgres are pairs.
	MySQL, Postgres SQL
	// Redis and Sentinels are host:port; Master is the Sentinels' name of the primary,
	// and Commands are what a server is asked, all at once.
	Redis, Sentinels []string
	Master           string
	Commands         []string
}

// SQL is the servers of a database, host:port each, a login and the statements.
type SQL struct {
	Addresses      []string
	User, Password string
	// Statements are asked one after the other. Of PostgreSQL they are three: what begins
	// the transaction, the question, which is prepared, and what ends it.
	Statements []string
}
