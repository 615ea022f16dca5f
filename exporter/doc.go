// Package exporter publishes what fettle sees of a machine and of its clusters
// as Prometheus metrics.
//
// Read it in this order: collectors.go is the table of collectors, collector.go
// says what one is, scrape.go runs them under the scrape's deadline, flight.go
// keeps a stuck one from piling up, page.go keeps the messages that a scrape fills,
// exporter.go serves the result. Each collector has a page in docs/collectors and
// a file; a second one, named for Linux or for the others, where these differ. On
// Linux what every scrape reads is read through the package procfs.
//
// Two promises hold everywhere. State series (reachable, quorum, success) exist
// for every entry of the inventory, in every scrape; measured values (indexes,
// sizes) are absent while they cannot be read: never stale, and never 0 for
// "don't know". And a collector that fails, hangs or panics costs only itself.
package exporter
