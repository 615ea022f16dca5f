package cluster

// Keepalived is what is declared of a cluster of kind keepalived beside its members.
type Keepalived struct {
	// Addresses are the virtual addresses that its members hold in turn, each without a
	// prefix length.
	Addresses []string `json:"addresses,omitempty"`
}
