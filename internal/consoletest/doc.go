// Package consoletest looks at the console with Chromium, as people do: calm and in an
// incident, in dark and light, without a script, by keyboard alone, on a narrow screen,
// and with alerts that try to run something. tools/browser are its eyes.
package consoletest
