package cluster

// Kafka is what only clusters of kind kafka declare.
type Kafka struct {
	// Groups are the consumer groups whose lag is told.
	Groups []string `json:"groups,omitempty"`
}

// Declared tells whether anything of it is.
func (k Kafka) Declared() bool { return len(k.Groups) > 0 }
