package strictyaml

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// Size is a number of bytes, written with its unit: 512B, 64KiB, 16MiB, 1GiB.
type Size int64

// String is the size as it is written in a file.
func (s Size) String() string {
	for _, u := range units() {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

type unit struct {
	name  string
	bytes Size
}

// units are largest first.
func units() [4]unit { return [4]unit{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}} }

// duration reads Prometheus' form (1d12h, 30s, 100ms) and Go's (1.5s). A bare
// number is refused, as nobody can tell what its unit is; 0 needs none.
func duration(s string) (d time.Duration, problem string) {
	if p, err := model.ParseDuration(s); err == nil {
		return time.Duration(p), ""
	}
	if g, err := time.ParseDuration(s); err == nil {
		if g < 0 {
			return 0, fmt.Sprintf("%s is negative: write it without the minus", Clip(s))
		}
		return g, ""
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return 0, fmt.Sprintf("%s has no unit: write %ss if seconds are meant", Clip(s), clipped(s))
	}
	return 0, fmt.Sprintf("%s is no duration: write it like 30s, 100ms, 10m or 1d", Clip(s))
}

func size(s string) (Size, string) {
	for _, u := range units() {
		digits, found := strings.CutSuffix(s, u.name)
		if !found {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/int64(u.bytes) {
			break
		}
		return Size(n) * u.bytes, ""
	}
	if _, err := strconv.ParseInt(s, 10, 64); err == nil {
		return 0, fmt.Sprintf("%s has no unit: write %sB, or KiB, MiB, GiB", Clip(s), clipped(s))
	}
	return 0, fmt.Sprintf("%s is no size: write it like 64KiB, 16MiB or 1GiB", Clip(s))
}

func clipped(s string) string { return s[:min(len(s), 32)] }
