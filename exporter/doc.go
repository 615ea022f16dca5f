// Package exporter publishes what fettle sees of a machine and of its clusters
// as Prometheus metrics.
//
// Read it in this order: collectors.go is the table of collectors, collector.go
// says what one is, scrape.go runs them under the scrape's deadline, flight.go
// keeps a stuck one from piling up, exporter.go serves the result. Each
// collector is one file with its page in docs/collectors.
//
// Two promises hold everywhere. State series (reachable, quorum, success) exist
// for every entry of the inventory, in every scrape; measured values (indexes,
// sizes) are absent while they cannot be read: never stale, and never 0 for
// "don't know". And a collector that fails, hangs or panics costs only itself.
package exporter
