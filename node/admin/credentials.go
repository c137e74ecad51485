package admin

import (
	"net/http"
	"unicode/utf8"

	"dormouse/codec/platform"
)

// credentialsEndpoint is the endpoint of the address. A name that no device can
// have names nothing. The pattern takes the rest of the address rather than a
// segment: a segment that is %2F alone would be taken for a slash at the end.
func credentialsEndpoint(r *http.Request) (string, error) {
	name := r.PathValue("endpointId")
	if name == "" || !utf8.ValidString(name) {
		return "", Refuse(ErrNotFound, "endpointId %q is no endpoint name.", name)
	}
	return name, nil
}

func credentialsAnswer(status int, c *platform.Credentials) answer {
	return answer{status: status, media: mediaCredentials, body: platform.AppendCredentials(nil, c)}
}

func (s *site) listCredentials(_ http.ResponseWriter, r *http.Request) (answer, error) {
	q := parseQuery(r.URL.RawQuery)
	g := q.paging(platform.DefaultPageSize)
	q.refuse("endpointId", "lwm2mPskId")
	if q.err != nil {
		return answer{}, q.err
	}
	list, err := s.backend.Credentials().List(r.Context(), g.page())
	if err != nil {
		return answer{}, err
	}
	item := func(dst []byte, c *platform.Credentials, _ string) []byte { return platform.AppendCredentials(dst, c) }
	return pageOf(r, platform.CredentialsList, mediaCredentialsList, g, list, item), nil
}

// createCredentials needs no Idempotency-Key: the same body again changes
// nothing, and is answered with 200.
func (s *site) createCredentials(w http.ResponseWriter, r *http.Request) (answer, error) {
	return s.setCredentials(w, r, "", false)
}

func (s *site) replaceCredentials(w http.ResponseWriter, r *http.Request) (answer, error) {
	name, err := credentialsEndpoint(r)
	if err != nil {
		return answer{}, err
	}
	return s.setCredentials(w, r, name, true)
}

func (s *site) setCredentials(w http.ResponseWriter, r *http.Request, name string, replace bool) (answer, error) {
	body, err := readBody(w, r)
	if err != nil {
		return answer{}, err
	}
	wanted, err := platform.ParseNewCredentials(body, name)
	if err != nil {
		return answer{}, err
	}
	c, created, err := s.backend.Credentials().Add(r.Context(), wanted, replace)
	if err != nil {
		return answer{}, err
	}
	if !created {
		return credentialsAnswer(http.StatusOK, &c), nil
	}
	a := credentialsAnswer(http.StatusCreated, &c)
	a.location = baseOf(r) + platform.CredentialsAddress(c.Endpoint)
	return a, nil
}

func (s *site) getCredentials(_ http.ResponseWriter, r *http.Request) (answer, error) {
	name, err := credentialsEndpoint(r)
	if err != nil {
		return answer{}, err
	}
	c, err := s.backend.Credentials().Get(r.Context(), name)
	if err != nil {
		return answer{}, err
	}
	return credentialsAnswer(http.StatusOK, &c), nil
}

func (s *site) removeCredentials(_ http.ResponseWriter, r *http.Request) (answer, error) {
	name, err := credentialsEndpoint(r)
	if err != nil {
		return answer{}, err
	}
	return answer{}, s.backend.Credentials().Remove(r.Context(), name)
}
