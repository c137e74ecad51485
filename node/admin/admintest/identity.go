package admintest

import (
	"context"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/admin"
)

// serial is the endpoint name of an object that says it has one: here devices are
// what tests post.
func serial(m *platform.ManagedObject) (e platform.ExternalID, ok bool) {
	name, err := m.Fragments.Text("lwm2mEndpoint")
	return platform.ExternalID{Type: platform.Serial, ID: name, Object: m.ID}, err == nil && name != ""
}

// ExternalID implements admin.Identity.
func (b *Backend) ExternalID(ctx context.Context, kind, id string) (platform.ExternalID, error) {
	if err := b.begin(ctx); err != nil {
		return platform.ExternalID{}, err
	}
	defer b.mu.Unlock()
	for i := range b.objects {
		if e, ok := serial(&b.objects[i]); ok && e.Type == kind && e.ID == id {
			return e, nil
		}
	}
	return platform.ExternalID{}, admin.ErrNotFound
}

// ExternalIDs implements admin.Identity.
func (b *Backend) ExternalIDs(ctx context.Context, object ids.Object) (list []platform.ExternalID, err error) {
	if err := b.begin(ctx); err != nil {
		return nil, err
	}
	defer b.mu.Unlock()
	i := b.object(object)
	if i < 0 {
		return nil, admin.ErrNotFound
	}
	if e, ok := serial(&b.objects[i]); ok {
		list = append(list, e)
	}
	return list, nil
}
