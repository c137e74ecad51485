package admin

import (
	"errors"
	"net/http"

	"dormouse/codec/platform"
)

func (s *site) getExternalID(_ http.ResponseWriter, r *http.Request) (answer, error) {
	e, err := s.externalID(r)
	if err != nil {
		return answer{}, err
	}
	return externalIDAnswer(r, http.StatusOK, &e), nil
}

func externalIDAnswer(r *http.Request, status int, e *platform.ExternalID) answer {
	return answer{status: status, media: mediaExternalID, body: platform.AppendExternalID(nil, e, baseOf(r))}
}

// externalID is what the address names.
func (s *site) externalID(r *http.Request) (platform.ExternalID, error) {
	return s.backend.ExternalID(r.Context(), r.PathValue("type"), r.PathValue("externalId"))
}

func (s *site) listExternalIDs(_ http.ResponseWriter, r *http.Request) (answer, error) {
	id, err := objectID(r)
	if err != nil {
		return answer{}, err
	}
	list, err := s.backend.ExternalIDs(r.Context(), id)
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, media: mediaExternalIDs, body: platform.AppendExternalIDs(nil, id, list, baseOf(r))}, nil
}

// createExternalID says why there will be none: those that there are are not stored,
// and others have no place that is one over all shards.
func (s *site) createExternalID(w http.ResponseWriter, r *http.Request) (answer, error) {
	id, err := objectID(r)
	if err != nil {
		return answer{}, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return answer{}, err
	}
	wanted, err := platform.ParseNewExternalID(body, id)
	if err != nil {
		return answer{}, err
	}
	if _, err := s.backend.ExternalIDs(r.Context(), id); err != nil {
		return answer{}, err
	}
	switch has, err := s.backend.ExternalID(r.Context(), wanted.Type, wanted.ID); {
	case err == nil:
		return answer{}, Refuse(ErrConflict, "externalId: duplicate: %q of type %s is the managed object %s.", has.ID, has.Type, has.Object)
	case !errors.Is(err, ErrNotFound):
		return answer{}, err
	}
	return answer{}, Refuse(ErrUnprocessable, "type: a device has its endpoint name as %s by itself, and other external IDs are not kept.", platform.Serial)
}

// deleteExternalID takes none away: a device has it as long as there is the device.
func (s *site) deleteExternalID(_ http.ResponseWriter, r *http.Request) (answer, error) {
	e, err := s.externalID(r)
	if err != nil {
		return answer{}, err
	}
	return answer{}, Refuse(ErrConflict, "%q of type %s goes with its device, the managed object %s.", e.ID, e.Type, e.Object)
}
