// Package cve holds a pack of tests, one for each class of vulnerability that
// programs like fettle had: launchers of commands behind a webhook, receivers of
// alerts, runners of playbooks, pages that show other people's text. Each test is
// named after the class and the program that had it, and is run against a fettle
// that serves, over HTTP, wherever the class can be reached that way.
//
// Start at the tables in the test files: what a holder of the webhook's token can
// try (commands, declared, text), what anyone can try (access, input), and what can be tried
// with fettle's files (files). Classes that wait for what fettle does not have yet
// (agents) stand in SECURITY.md.
package cve
