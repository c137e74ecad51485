package admin

import (
	"net/http"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

// operationID is the {id} of the address. Text that is no ID names nothing.
func operationID(r *http.Request) (ids.Operation, error) {
	id, err := ids.ParseOperation(r.PathValue("id"))
	if err != nil {
		return 0, Refuse(ErrNotFound, "There is no operation with ID %q.", r.PathValue("id"))
	}
	return id, nil
}

func operationAnswer(r *http.Request, status int, p *platform.Operation) answer {
	return answer{status: status, media: mediaOperation, body: platform.AppendOperation(nil, p, baseOf(r))}
}

func (s *site) listOperations(_ http.ResponseWriter, r *http.Request) (answer, error) {
	q := parseQuery(r.URL.RawQuery)
	filter, g := q.operationFilter(), q.paging(platform.DefaultPageSize)
	if q.err != nil {
		return answer{}, q.err
	}
	list, err := s.backend.Operations(r.Context(), filter, g.page())
	if err != nil {
		return answer{}, err
	}
	return pageOf(r, platform.Operations, mediaOperations, g, list, platform.AppendOperation), nil
}

func (s *site) createOperation(w http.ResponseWriter, r *http.Request) (answer, error) {
	body, err := readBody(w, r)
	if err != nil {
		return answer{}, err
	}
	key, err := keyOf(r, platform.OperationsPath, body)
	if err != nil {
		return answer{}, err
	}
	wanted, err := platform.ParseNewOperation(body)
	if err != nil {
		return answer{}, err
	}
	p, err := s.backend.CreateOperation(r.Context(), wanted, key)
	if err != nil {
		return answer{}, err
	}
	a := operationAnswer(r, http.StatusCreated, &p)
	a.location = baseOf(r) + platform.OperationsPath + "/" + p.ID.String()
	return a, nil
}

func (s *site) getOperation(_ http.ResponseWriter, r *http.Request) (answer, error) {
	id, err := operationID(r)
	if err != nil {
		return answer{}, err
	}
	p, err := s.backend.Operation(r.Context(), id)
	if err != nil {
		return answer{}, err
	}
	return operationAnswer(r, http.StatusOK, &p), nil
}

func (s *site) updateOperation(w http.ResponseWriter, r *http.Request) (answer, error) {
	id, err := operationID(r)
	if err != nil {
		return answer{}, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return answer{}, err
	}
	change, err := platform.ParseOperationChange(body)
	if err != nil {
		return answer{}, err
	}
	p, err := s.backend.UpdateOperation(r.Context(), id, change)
	if err != nil {
		return answer{}, err
	}
	return operationAnswer(r, http.StatusOK, &p), nil
}

func (s *site) deleteOperation(_ http.ResponseWriter, r *http.Request) (answer, error) {
	id, err := operationID(r)
	if err != nil {
		return answer{}, err
	}
	return answer{}, s.backend.DeleteOperation(r.Context(), id)
}

// deleteOperations wants a filter, and none that it does not know: a parameter
// misspelt must not delete every operation that there is.
func (s *site) deleteOperations(_ http.ResponseWriter, r *http.Request) (answer, error) {
	q := parseQuery(r.URL.RawQuery)
	q.only(operationParameters...)
	filter := q.operationFilter()
	if q.err == nil && filter.Empty() {
		q.fault("a filter is missing: deviceId, status, fragmentType, dateFrom or dateTo")
	}
	if q.err != nil {
		return answer{}, q.err
	}
	return answer{}, s.backend.DeleteOperations(r.Context(), filter)
}
