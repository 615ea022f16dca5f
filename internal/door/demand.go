package door

import "net/http"

// Demand lets only users through where the web configuration has any, as every
// Prometheus program does. For a server without roles.
func (d *Door) Demand(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(d.current().users) > 0 {
			if _, err := d.Authenticate(r); err != nil {
				d.refuse(w, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (d *Door) refuse(w http.ResponseWriter, err error) {
	status := http.StatusUnauthorized
	if d.Busy(err) {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	} else {
		w.Header().Set("WWW-Authenticate", `Basic realm="fettle"`)
	}
	http.Error(w, err.Error(), status)
}
