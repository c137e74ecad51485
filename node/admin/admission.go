package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// admit stands before every resource. Without logins the loopback interface is
// the only fence, and a web page can reach through it from the operator's own
// browser: by a name that it makes resolve to 127.0.0.1 (the Host header gives
// that away), or by a plain cross-site POST (Sec-Fetch-Site and Origin do).
func (s *site) admit(next http.Handler, served func(Served)) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case !isLoopbackName(r.Host):
			s.refuse(rec, r, "general", Refuse(errMisdirected, "This node answers to localhost and loopback addresses, not to %q.", r.Host))
		case origin.Check(r) != nil:
			s.refuse(rec, r, "general", Refuse(errForbidden, "Requests from pages of other origins are refused."))
		default:
			next.ServeHTTP(rec, r)
		}
		if served != nil {
			served(Served{Method: methodLabel(r.Method), Route: r.Pattern, Status: rec.status, Duration: time.Since(start)})
		}
	})
}

// isLoopbackName reports a Host header that only this machine can have meant.
func isLoopbackName(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// methodLabel bounds the methods that a listener sees.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// recorder remembers the status. Unwrap lets http.ResponseController through.
type recorder struct {
	http.ResponseWriter
	status int
	sent   bool
}

func (r *recorder) WriteHeader(status int) {
	if !r.sent {
		r.status, r.sent = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.sent = true
	return r.ResponseWriter.Write(b)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
