//go:build bench

package redis

import "strings"

// Asked is what one look asks a server over a connection that is open, for who measures
// what it costs to ask: commands that are sent at once.
func Asked() []string {
	var commands []string
	for _, words := range sections() {
		commands = append(commands, strings.Join(words, " "))
	}
	return commands
}
