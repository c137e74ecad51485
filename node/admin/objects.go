package admin

import (
	"net/http"
	"strconv"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

// objectID is the {id} of the address. Text that is no ID names nothing.
func objectID(r *http.Request) (ids.Object, error) {
	id, err := ids.ParseObject(r.PathValue("id"))
	if err != nil {
		return 0, Refuse(ErrNotFound, "There is no managed object with ID %q.", r.PathValue("id"))
	}
	return id, nil
}

func objectAnswer(r *http.Request, status int, m *platform.ManagedObject) answer {
	return answer{status: status, media: mediaObject, body: platform.AppendManagedObject(nil, m, baseOf(r))}
}

func (s *site) listObjects(_ http.ResponseWriter, r *http.Request) (answer, error) {
	q := parseQuery(r.URL.RawQuery)
	selection, g := q.selection(), q.paging(platform.DefaultPageSize)
	if q.err != nil {
		return answer{}, q.err
	}
	list, err := s.backend.Objects(r.Context(), selection, g.page())
	if err != nil {
		return answer{}, err
	}
	return pageOf(r, platform.ManagedObjects, mediaObjects, g, list, platform.AppendManagedObject), nil
}

// countObjects answers with a bare number.
func (s *site) countObjects(_ http.ResponseWriter, r *http.Request) (answer, error) {
	q := parseQuery(r.URL.RawQuery)
	selection := q.selection()
	if q.err != nil {
		return answer{}, q.err
	}
	selection.Query = selection.Query.Unordered()
	list, err := s.backend.Objects(r.Context(), selection, Page{Size: 1, Total: true})
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, media: mediaObjects, body: strconv.AppendInt(nil, list.Total, 10)}, nil
}

func (s *site) createObject(w http.ResponseWriter, r *http.Request) (answer, error) {
	body, err := readBody(w, r)
	if err != nil {
		return answer{}, err
	}
	key, err := keyOf(r, platform.ObjectsPath, body)
	if err != nil {
		return answer{}, err
	}
	change, err := platform.ParseObjectChange(body)
	if err != nil {
		return answer{}, err
	}
	m, err := s.backend.CreateObject(r.Context(), change, key)
	if err != nil {
		return answer{}, err
	}
	a := objectAnswer(r, http.StatusCreated, &m)
	a.location = baseOf(r) + platform.ObjectsPath + "/" + m.ID.String()
	return a, nil
}

func (s *site) getObject(_ http.ResponseWriter, r *http.Request) (answer, error) {
	id, err := objectID(r)
	if err != nil {
		return answer{}, err
	}
	m, err := s.backend.Object(r.Context(), id)
	if err != nil {
		return answer{}, err
	}
	return objectAnswer(r, http.StatusOK, &m), nil
}

func (s *site) updateObject(w http.ResponseWriter, r *http.Request) (answer, error) {
	id, err := objectID(r)
	if err != nil {
		return answer{}, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return answer{}, err
	}
	change, err := platform.ParseObjectChange(body)
	if err != nil {
		return answer{}, err
	}
	m, err := s.backend.UpdateObject(r.Context(), id, change)
	if err != nil {
		return answer{}, err
	}
	return objectAnswer(r, http.StatusOK, &m), nil
}

func (s *site) deleteObject(_ http.ResponseWriter, r *http.Request) (answer, error) {
	id, err := objectID(r)
	if err != nil {
		return answer{}, err
	}
	q := parseQuery(r.URL.RawQuery)
	// forceCascade also takes children that have other parents; there are none.
	c := Cascade{Children: q.bool("cascade") || q.bool("forceCascade"), DeviceUser: q.bool("withDeviceUser")}
	if q.err != nil {
		return answer{}, q.err
	}
	return answer{}, s.backend.DeleteObject(r.Context(), id, c)
}
