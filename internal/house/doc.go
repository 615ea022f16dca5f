// Package house holds the rules of the house to the code: which room may import
// which, and what no room has. There is nothing in it but tests.
package house
