// Package doctest has only tests: they run the commands of README.md and of
// docs/tutorial.md as they stand there. Those of docs/how-to are run by
// internal/installtest, on a machine with fettle's package.
package doctest
