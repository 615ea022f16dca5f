package repair

// The record types of what people say to an open episode, and of what they are told.
const (
	TypeApproved = "approval.given"   // a person approved what an episode waits for
	TypeVoid     = "approval.void"    // an approval that counts no more, and why
	TypeAcked    = "acknowledged"     // a person knows what an episode escalates
	TypeToldOver = "escalation.ended" // nothing of it is left to be told
)

// Premise is what an approval is given to: what would be done, and what of the world
// that rests on. It names nothing that changes by itself.
type Premise struct {
	// Digest is sha256: and 64 hex digits, over Words, each ended by a line feed.
	Digest string   `json:"digest"`
	Words  []string `json:"words"`
	// Guards are those that ask for it, sorted.
	Guards []string `json:"guards"`
	// Step is the first step that would be done, from 0.
	Step int `json:"step"`
}

// ApprovedData is the data of TypeApproved.
type ApprovedData struct {
	Episode string  `json:"episode"`
	Target  string  `json:"target"`
	Actor   string  `json:"actor"`
	Comment string  `json:"comment,omitempty"`
	Premise Premise `json:"premise"`
}

// Why an approval is void.
const (
	voidExpired = "expired" // it was not used in time
	voidChanged = "changed" // the premise is another one now
	voidReboot  = "reboot"  // it was given in an earlier boot
)

// VoidData is the data of TypeVoid.
type VoidData struct {
	Episode string   `json:"episode"`
	Target  string   `json:"target"`
	Actors  []string `json:"actors"` // whose
	Reason  string   `json:"reason"` // expired, changed, reboot
	Detail  string   `json:"detail,omitempty"`
	Premise string   `json:"premise"` // the digest that it was given to
}

// UsedApproval stands in an intent that was made under an approval: no other run may
// use it.
type UsedApproval struct {
	Premise string   `json:"premise"`
	By      []string `json:"by"`
}

// AckedData is the data of TypeAcked.
type AckedData struct {
	Episode string   `json:"episode"`
	Target  string   `json:"target"`
	Reasons []string `json:"reasons"` // that were told until now
	Actor   string   `json:"actor"`
	Comment string   `json:"comment,omitempty"`
}

// ToldOverData is the data of TypeToldOver.
type ToldOverData struct {
	Cluster string `json:"cluster,omitempty"` // empty: of no cluster, or of all
	Reason  string `json:"reason"`
}
