// Package installtest installs fettle's packages in a clean Debian that runs a real
// systemd, and does with them what a newcomer does, page by page. There is nothing in
// it but tests, behind the build tag release; `make test-release` runs them.
package installtest
