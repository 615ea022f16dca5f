// Package deploy has what a machine needs beside the programs: systemd units, users
// and directories (sysusers.d, tmpfiles.d), the scripts of the packages, samples for
// Prometheus, Alertmanager and Grafana, and a compose file. There is nothing in it but
// files and their tests; docs/install.md says how they are used.
package deploy
