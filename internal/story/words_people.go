package story

import (
	"fmt"
	"strings"

	"github.com/fettle-io/fettle/repair"
)

func approvedWords(d repair.ApprovedData) words {
	return words{says: "approved by " + d.Actor + as(d.Comment), details: premiseOf(&d.Premise)}
}

func voidWords(d repair.VoidData) words {
	why := map[string]string{
		"expired": "it was not used in time", "changed": "the world changed", "reboot": "the host was booted again",
	}[d.Reason]
	if d.Detail != "" {
		why += ": " + d.Detail
	}
	return words{says: fmt.Sprintf("the approval by %s is void: %s", strings.Join(d.Actors, " and "), why)}
}

func ackedWords(d repair.AckedData) words {
	return words{says: fmt.Sprintf("acknowledged by %s: %s%s", d.Actor, strings.Join(d.Reasons, ", "), as(d.Comment))}
}

func toldOverWords(d repair.ToldOverData) words {
	of := "of no cluster in particular"
	if d.Cluster != "" {
		of = "of cluster " + d.Cluster
	}
	return words{says: fmt.Sprintf("people are told of %s %s no more", d.Reason, of)}
}

// as is what somebody added in words of their own.
func as(comment string) string {
	if comment == "" {
		return ""
	}
	return " (" + comment + ")"
}

// premiseOf are the lines that an approval is given to.
func premiseOf(p *repair.Premise) []string {
	if p == nil {
		return nil
	}
	out := []string{"an approval is given to " + p.Digest + ":"}
	for _, w := range p.Words {
		out = append(out, "  "+w)
	}
	return out
}
