// Package online checks an installation that runs, from end to end: whether every
// member answers and is the one that is meant, whether Prometheus scrapes both programs
// and has the rules, whether an alert that an Alertmanager is given arrives at fettle,
// and whether clocks, certificates and the time that an alert takes are as they should
// be. It changes nothing but what its test alerts do, which no playbook matches.
//
// Start at [Check]. What there is to say of a thing that was looked at is a [Finding].
package online
