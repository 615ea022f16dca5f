package cluster

// Postgres is what is declared of a cluster of kind postgres beside its members.
type Postgres struct {
	// Database is the one to connect to, where nothing is read; empty is "postgres".
	Database string `json:"database,omitempty"`
}
