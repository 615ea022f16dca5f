// Package scaffold makes the first files of an installation: fettle.yml and
// exporter.yml with comments that teach, a token for each role, and what Alertmanager
// and Prometheus have to be told. Files is pure but for the tokens; Write puts the files
// in place, each whole or not at all, and takes nothing away that is there.
package scaffold
