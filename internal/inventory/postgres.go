package inventory

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

var postgresDatabase = lazily(`^[A-Za-z0-9_][A-Za-z0-9_.$-]{0,62}$`)

// postgres checks what is declared for kind postgres alone.
func (c check) postgres(cl cluster.Cluster) {
	if cl.Postgres == (cluster.Postgres{}) {
		return
	}
	if cl.Kind != cluster.KindPostgres {
		c.errorf("postgres", "postgres is for clusters of kind postgres: leave it out")
		return
	}
	if name := cl.Postgres.Database; !postgresDatabase.MatchString(name) {
		c.doc.Errorf(c.at.Join("postgres", "database"), "database %s is not the plain name of a database: letters, digits, dots, dashes, underscores and dollars, at most 63", strictyaml.Clip(name))
	}
}
