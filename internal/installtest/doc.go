// Package installtest installs fettle's packages in a clean Debian that runs a real
// systemd, and does with them what a newcomer does. There is nothing in it but tests,
// behind the build tags release (the packages themselves) and servers (the newcomer's
// path).
package installtest
