package admin

import (
	"net/http"

	"dormouse/codec/platform"
)

// offered are the parts of the platform's API that there are.
var offered = map[string]string{"inventory": "/inventory", "identity": "/identity", "deviceControl": "/devicecontrol"}

// rootRoutes registers the documents that lead to all others.
func (s *site) rootRoutes(mux *http.ServeMux) {
	root := func(_ http.ResponseWriter, r *http.Request) (answer, error) {
		body := platform.AppendPlatform(nil, baseOf(r), func(part string) bool { return offered[part] != "" })
		return answer{status: http.StatusOK, media: platform.MediaPlatform, body: body}, nil
	}
	mux.Handle(platform.PlatformPath, s.plain(resource{area: "platform", methods: methods{http.MethodGet: root}}))
	for part, path := range offered {
		mux.Handle(path, s.plain(resource{area: part, methods: methods{http.MethodGet: s.part}}))
	}
}

// part is one part of the API at its own address.
func (s *site) part(_ http.ResponseWriter, r *http.Request) (answer, error) {
	body, ok := platform.AppendAPI(nil, r.URL.Path, baseOf(r))
	if !ok {
		return answer{}, ErrNotFound
	}
	return answer{status: http.StatusOK, media: platform.MediaPlatform, body: body}, nil
}
