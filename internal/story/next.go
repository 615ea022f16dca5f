package story

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/fettle-io/fettle/repair"
)

const (
	reload = "systemctl reload fettle"
	brake  = "rm /run/fettle/pause"
)

// conclude says how it stands, and what has to happen next.
func (t *teller) conclude() {
	defer t.owed()
	t.State = "open"
	switch {
	case t.Episode == "":
		t.State = "unmatched"
		t.Says = "Nothing is done: no playbook matches it."
		t.next("A playbook whose `on` matches its labels, in playbooks.dir, would make fettle look at it.", "", "")
		return
	case t.closed != nil:
		t.State = "closed"
		t.Says = t.ended() + fmt.Sprintf("Closed: %s.", closing(*t.closed))
		return
	case t.live != "":
		t.Says = t.alive()
		t.next("Wait for run "+t.live+" to end.", "", "")
	case t.last == nil:
		t.Says = "Received; no run has been opened yet."
	default:
		t.Says = t.stands(*t.last)
	}
	if t.Run != "" {
		t.next("This was one run of its episode, which may have gone on since:", "fettle explain "+t.Episode, "")
	}
	t.next("To leave it to people, close the episode.", "fettle close "+t.Episode+" --reason=WHY", "")
}

func (t *teller) next(says, command, config string) {
	t.Next = append(t.Next, Next{Says: says, Command: command, Config: config})
}

// ended is how the run that was asked for ended, else the last one.
func (t *teller) ended() string {
	switch {
	case t.asked != nil:
		return "The run ended " + outcome(*t.asked) + ". "
	case t.last != nil:
		return "The last run ended " + outcome(*t.last) + ". "
	}
	return ""
}

// alive is how a live run stands.
func (t *teller) alive() string {
	if t.intent != nil {
		return fmt.Sprintf("Under repair: %s on %s was begun, and is being watched.", t.intent.Action, t.intent.TargetName)
	}
	return "A run is live."
}

// stands is how an open episode stands after its last run, and adds what follows.
func (t *teller) stands(f repair.FinishedData) string {
	switch f.Outcome {
	case repair.Repaired:
		t.next("It closes when its alert has ended and its target stays in order.", "", "")
		return "Repaired: verified, and in order for the settle time."
	case repair.Noop:
		t.next("It closes when its alert has ended and its target stays in order.", "", "")
		return "In order: nothing had to be done."
	case repair.Failed:
		t.next("It is looked at again by itself, until its attempts are used up.", "", "")
		return "Failed, nothing is in flight: " + f.Detail
	case repair.Unknown:
		if t.freed {
			return "Ended unknown; its slots have been given back since."
		}
		t.next("Find out whether something still takes effect. Nothing else touches its target until it is in order, or you say that nothing is in flight:", "fettle release "+t.Episode, "")
		return "Unknown, for people: " + f.Detail
	case repair.ObservedOnly:
		t.observed(f)
		return fmt.Sprintf("Observed only: with more autonomy fettle would do %s on %s.", strings.Join(f.Would, ", then "), f.Target)
	}
	if f.Passing {
		t.next("It is asked again by itself until the reason passes.", "", "")
	} else {
		t.next("It waits for a person.", "", "")
	}
	t.refusal(f)
	return fmt.Sprintf("Nothing is done: %s: %s", outcome(f), f.Detail)
}

// observed says how to allow what was only planned.
func (t *teller) observed(f repair.FinishedData) {
	cluster, _, _ := strings.Cut(f.Target, "/")
	t.next("To let fettle do it, write into fettle.yml (web.roles must be there too: without them nobody who talks to fettle is known), and reload.", reload,
		fmt.Sprintf("autonomy:\n  playbooks:\n    %s:\n      %s: auto\n", cluster, f.Playbook))
}

// refusal says what changes the answer, where it is not for time to do so.
func (t *teller) refusal(f repair.FinishedData) {
	switch {
	case f.Reason == repair.ReasonTarget:
		t.inventory()
	case f.Reason == repair.ReasonAgent:
		t.next("Declare commands for the member in fettle.yml: ssh with a forced command is the way to another host.", reload, commandsOf(f.Target))
	case f.Guard == "pause" && f.Reason == "brake":
		t.next("The brake file is removed by hand (brake in fettle.yml says where it is).", brake, "")
	case f.Guard == "pause":
		cluster, _, _ := strings.Cut(f.Target, "/")
		t.next("A pause of everything is taken back with `fettle unpause`, one of the cluster with `fettle unpause --cluster="+cluster+"`. Which there is:", "fettle status", "")
	case f.Guard == "attempts":
		t.next("Find out why it does not hold, then:", "fettle release "+t.Episode, "")
	case f.Reason == repair.ReasonApproval:
		t.next("A person has to approve it: this shows what would be done, and asks.", "fettle approve "+t.Episode, "")
	case f.Guard == "autonomy":
		t.next("Do it by hand, or give fettle the autonomy to.", "", "")
	case f.Guard == "proof" && f.Reason != "approval" && !f.Passing:
		t.next("No approval and no setting changes this: the data directory has to be this member's again. "+f.Detail, "", "")
	}
}

// name is what may be copied into a configuration.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$`)

// inventory says what to declare so that the labels name something.
func (t *teller) inventory() {
	cluster, member := t.Alert.Labels["cluster"], t.Alert.Labels["member"]
	if !name.MatchString(cluster) || !name.MatchString(member) {
		t.next("Its labels cluster and member have to name an entry of the inventory: let the alert's rule keep them.", "", "")
		return
	}
	t.next("Declare what its labels name in fettle.yml (/etc/fettle/fettle.yml, unless fettle serve was given another), and reload.", reload, fmt.Sprintf(`clusters:
  - name: %s
    kind: etcd # or service: its members have a name, a host and a unit
    members:
      - name: %s
        endpoint: http://HOST:2379
        peer: http://HOST:2380
        host: HOST
        unit: etcd.service
        data_dir: /var/lib/etcd
`, cluster, member))
}

func commandsOf(target string) string {
	cluster, member, _ := strings.Cut(target, "/")
	return fmt.Sprintf(`clusters:
  - name: %s
    members:
      - name: %s
        commands:
          status: [/usr/bin/ssh, HOST, status]
          start: [/usr/bin/ssh, HOST, start]
          kill: [/usr/bin/ssh, HOST, kill, "{identity}"]
`, cluster, member)
}
