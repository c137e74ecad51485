package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// handler answers one method of a resource. w serves only to bound the body.
type handler func(w http.ResponseWriter, r *http.Request) (answer, error)

// methods of a resource; GET stands for HEAD too.
type methods map[string]handler

// resource is one address or a family of them.
type resource struct {
	area    string // the first half of "error" in its refusals
	methods methods
}

// allow is the Allow header.
func (r resource) allow() string {
	names := []string{http.MethodOptions}
	for name := range r.methods {
		names = append(names, name)
		if name == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// plain serves a resource without admission.
func (s *site) plain(res resource) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(res, w, r) })
}

// bounded serves a resource within the bounds on time and on requests at work.
func (s *site) bounded(res resource) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case s.inFlight <- struct{}{}:
			defer func() { <-s.inFlight }()
		default:
			s.refuse(w, r, res.area, Refuse(ErrBusy, "The node has %d requests at work: try again.", cap(s.inFlight)))
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
		defer cancel()
		s.serve(res, w, r.WithContext(ctx))
	})
}

// serve checks the method and what the client accepts, and answers.
func (s *site) serve(res resource, w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if method == http.MethodOptions {
		w.Header().Set("Allow", res.allow())
		answer{}.write(w, r)
		return
	}
	h := res.methods[method]
	if h == nil {
		w.Header().Set("Allow", res.allow())
		s.refuse(w, r, res.area, Refuse(errMethod, "%s is not allowed here; %s are.", r.Method, res.allow()))
		return
	}
	if ok, _ := acceptable(r.Header.Values("Accept")); !ok {
		s.refuse(w, r, res.area, errNotAcceptable)
		return
	}
	a, err := h(w, r)
	if err != nil {
		s.refuse(w, r, res.area, err)
		return
	}
	a.write(w, r)
}
