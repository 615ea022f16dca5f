// Package alert has the words of an Alertmanager notification that fettle
// decides on: Alert, Fingerprint, Matcher. It is pure: no I/O, no clock.
package alert

import "time"

// Status is an alert's status in a notification.
type Status string

const (
	// Firing is active.
	Firing Status = "firing"
	// Resolved is a hint that it is no longer active; never a proof of repair.
	Resolved Status = "resolved"
)

// Fingerprint identifies an alert by its label set: 16 hex digits, as
// Alertmanager computes it. It is always computed here, never taken from a message.
type Fingerprint string

// Alert is one alert of one notification. Labels and annotations are untrusted text.
type Alert struct {
	Fingerprint  Fingerprint       `json:"fingerprint"`
	Status       Status            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt,omitzero"`
	GeneratorURL string            `json:"generatorURL,omitempty"`

	// Oversize says that the labels exceed MaxLabels: they are empty here, and
	// the alert must not be matched. LabelsDigest is their digest.
	Oversize     bool   `json:"oversize,omitempty"`
	LabelsDigest string `json:"labelsDigest,omitempty"`
	// Cut says which texts are not whole: by JSON Pointer into this alert,
	// such as /annotations/description.
	Cut map[string]Cut `json:"cut,omitempty"`
}

// Cut is what is known of a text that was shortened.
type Cut struct {
	// Length is the whole text's, in bytes.
	Length int `json:"length"`
	// Digest is the whole text's: sha256: and 64 hex digits.
	Digest string `json:"digest"`
}
