package inventory

import (
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// sentinelName is what `sentinel monitor` takes for a name, and what is no other word
// of the protocol.
var sentinelName = lazily(`^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$`)

const mostSentinels = 32

// redis checks what only clusters of kind redis declare.
func (c check) redis(cl cluster.Cluster) {
	r := cl.Redis
	if !r.Declared() {
		return
	}
	if cl.Kind != cluster.KindRedis {
		c.errorf("redis", "redis is declared, but the cluster is of kind %s: leave it out", strictyaml.Clip(string(cl.Kind)))
		return
	}
	c.at = c.at.Join("redis")
	switch {
	case r.Master == "" && len(r.Sentinels) > 0:
		c.errorf("sentinels", "sentinels are declared without master: write the name that they watch the cluster under, of `sentinel monitor NAME`")
	case r.Master != "" && len(r.Sentinels) == 0:
		c.errorf("master", "master is declared without sentinels: list their addresses")
	case r.Master != "" && !sentinelName.MatchString(r.Master):
		c.errorf("master", "master %s must be letters, digits, dots, dashes and underscores, at most 127", strictyaml.Clip(r.Master))
	}
	if len(r.Sentinels) > mostSentinels {
		c.errorf("sentinels", "%d sentinels, %d is the most", len(r.Sentinels), mostSentinels)
	}
	for i, address := range r.Sentinels {
		at := c.at.Join("sentinels", i)
		if problem := addressProblem(address); problem != "" {
			c.doc.Errorf(at, "sentinel %s %s", strictyaml.Clip(address), problem)
		} else if slices.Contains(r.Sentinels[:i], address) {
			c.doc.Errorf(at, "sentinel %s is listed twice: keep one", strictyaml.Clip(address))
		}
	}
	if r.Read.PasswordFile == "" && r.Read.Username != "" {
		c.errorf("read", "a login needs both username and password_file")
	}
	if r.Read != (cluster.Login{}) && len(r.Sentinels) == 0 {
		c.errorf("read", "read is the login at the Sentinels, and none are listed: that at the servers is the cluster's own read")
	}
	c.path(c.at.Join("read", "password_file"), "password_file", r.Read.PasswordFile)
	if r.MaxSilence != 0 && r.MaxSilence < time.Second {
		c.errorf("max_silence", "max_silence %s is less than a second: Redis counts in seconds, and pings every 10", r.MaxSilence)
	}
}

// addressProblem says what is wrong with host:port, or "".
func addressProblem(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || !hostName.MatchString(host) {
		return "is no address: write it like 10.0.0.1:26379"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "has a port that is not 1 to 65535"
	}
	return ""
}
