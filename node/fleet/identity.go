package fleet

import (
	"context"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/admin"
)

// External IDs are made of what there is: a device has its endpoint name. Nothing
// is stored for it.

// ExternalID implements admin.Identity. Two names may have one hash, of which the
// registration says whose it is.
func (f *Fleet) ExternalID(_ context.Context, kind, id string) (platform.ExternalID, error) {
	if kind == platform.Serial {
		e := f.env.Key.Endpoint(id)
		r, found, err := f.request().records(e)
		if err != nil {
			return platform.ExternalID{}, err
		}
		if found && r.registration.Name == id {
			return platform.ExternalID{Type: kind, ID: id, Object: e.Object()}, nil
		}
	}
	return platform.ExternalID{}, admin.Refuse(admin.ErrNotFound, "There is no managed object with the external ID %q of type %q.", id, kind)
}

// ExternalIDs implements admin.Identity.
func (f *Fleet) ExternalIDs(_ context.Context, object ids.Object) ([]platform.ExternalID, error) {
	v := f.request()
	r, found, err := v.records(object.Endpoint())
	if err != nil {
		return nil, err
	}
	if found {
		return []platform.ExternalID{{Type: platform.Serial, ID: r.registration.Name, Object: object}}, nil
	}
	if _, found, err = v.other(object); err == nil && !found {
		err = noObject(object)
	}
	return nil, err
}
