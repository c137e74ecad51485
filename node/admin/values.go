package admin

import (
	"net/http"

	"dormouse/codec/platform"
)

// listValues lists the last values of a device: all, or those below ?path=.
// A page holds all that a device usually has unless the client says otherwise.
func (s *site) listValues(_ http.ResponseWriter, r *http.Request) (answer, error) {
	id, err := objectID(r)
	if err != nil {
		return answer{}, err
	}
	q := parseQuery(r.URL.RawQuery)
	below, g := q.below(), q.paging(platform.MaxPageSize)
	if q.err != nil {
		return answer{}, q.err
	}
	list, err := s.backend.Values(r.Context(), id, below, g.page())
	if err != nil {
		return answer{}, err
	}
	item := func(dst []byte, v *platform.LastValue, _ string) []byte { return platform.AppendLastValue(dst, v) }
	return pageOf(r, platform.Values, mediaValues, g, list, item), nil
}
