package alert

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// MaxLabels is how long labels may be, as JSON in bytes, and still be matched.
	MaxLabels = 32 << 10
	// MaxSize is how long a bounded alert is at most, as JSON in bytes: a
	// record has 64 KiB, and this leaves room for what else stands in it.
	MaxSize = 60 << 10
)

// Bound makes an alert fit into a record. It computes the fingerprint from the
// labels, replaces labels over MaxLabels by their digest, and then cuts
// annotations and generator URL to the longest common limit with which the whole fits
// into MaxSize. What is left out is said in the alert, with length and digest.
func Bound(a Alert) Alert {
	a.Fingerprint = FingerprintOf(a.Labels)
	if a.Labels == nil {
		a.Labels = map[string]string{}
	}
	if rough(a.Labels) > MaxLabels && size(a.Labels) > MaxLabels {
		a.Oversize, a.LabelsDigest, a.Labels = true, digest(encode(a.Labels, false)), map[string]string{}
	}
	if rough(a.Labels)+rough(a.Annotations)+escaped*len(a.GeneratorURL) < MaxSize-1024 || size(a) <= MaxSize {
		return a
	}
	for limit := 16 << 10; limit >= 64; limit /= 4 {
		if b := shortened(a, limit); size(b) <= MaxSize {
			return b
		}
	}
	// So many annotations that their names alone do not fit.
	all := encode(a.Annotations, false)
	a.Annotations = nil
	a = shortened(a, 64)
	if a.Cut == nil {
		a.Cut = map[string]Cut{}
	}
	a.Cut["/annotations"] = Cut{Length: len(all), Digest: digest(all)}
	return a
}

// shortened cuts every text that is longer than limit bytes.
func shortened(a Alert, limit int) Alert {
	cuts := map[string]Cut{}
	annotations := make(map[string]string, len(a.Annotations))
	for name, text := range a.Annotations {
		annotations[name] = cut(cuts, "/annotations/"+pointerToken(name), text, limit)
	}
	a.GeneratorURL = cut(cuts, "/generatorURL", a.GeneratorURL, limit)
	a.Annotations, a.Cut = annotations, cuts
	return a
}

func cut(cuts map[string]Cut, pointer, text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	cuts[pointer] = Cut{Length: len(text), Digest: digest([]byte(text))}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return strings.Clone(text[:limit]) // so that the long text can be freed
}

func pointerToken(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
}

// escaped is how many bytes one byte of text takes in JSON at most: \u0000.
const escaped = 6

// rough is never less than the size, and cheap.
func rough(texts map[string]string) int {
	n := 2
	for name, text := range texts {
		n += escaped*(len(name)+len(text)) + len(`"":"",`)
	}
	return n
}

// size is the length as JSON with HTML escaped, the longest way to write it.
func size(v any) int { return len(encode(v, true)) }

// encode writes JSON with sorted names.
func encode(v any, html bool) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	if err := e.Encode(v); err != nil {
		return nil // only a time outside of the years 0 to 9999, which has no JSON at all
	}
	return slices.Clip(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
