package fleet

import (
	"context"
	"errors"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
	"dormouse/node/listing"
)

// Values lists the last values of a device. They are few: the whole range is
// read and put in the order of the paths.
func (f *Fleet) Values(ctx context.Context, device ids.Object, below lwm2m.Path, p admin.Page) (admin.List[platform.LastValue], error) {
	var list admin.List[platform.LastValue]
	view := f.request()
	e, err := view.endpointOf(device)
	if err != nil {
		return list, err
	}
	from := lwm2m.Path{}
	if p.Cursor != "" {
		if from, err = cursorPath(p.Cursor); err != nil {
			return list, err
		}
	}
	all, err := view.valuesOf(ctx, e, below)
	if err != nil {
		return list, err
	}
	pager := listing.Pager[platform.LastValue]{Page: p, List: &list}
	for _, v := range all {
		if p.Cursor != "" && v.Path.Compare(from) <= 0 {
			pager.Before()
			continue
		}
		if !pager.Add(v, func() string { return pathCursor(v.Path) }) {
			break
		}
	}
	return list, nil
}

// endpointOf finds the endpoint of a device's managed object.
func (v view) endpointOf(device ids.Object) (ids.Endpoint, error) {
	e := device.Endpoint()
	_, found, err := v.get(v.env.Shards.Of(e), wire.ClassContact, wire.EndpointKey(e))
	if err != nil {
		return 0, err
	}
	if !found {
		return 0, admin.Refuse(admin.ErrNotFound, "There is no device with ID %s.", device)
	}
	return e, nil
}

func (v view) valuesOf(ctx context.Context, e ids.Endpoint, below lwm2m.Path) ([]platform.LastValue, error) {
	var all []platform.LastValue
	var failed error
	prefix := wire.EndpointKey(e)
	err := v.state.Scan(v.env.Shards.Of(e), wire.ClassValue, prefix, wire.PrefixEnd(prefix), false, func(key, value []byte) bool {
		path, _, err := lwm2m.ParseStoredPath(key[len(prefix):])
		if err == nil && below.Contains(path) {
			var v endpoint.LastValue
			if v, err = endpoint.ParseLastValue(value); err == nil {
				shown := platform.LastValue{Path: path, Value: v.Value, Time: v.Received}
				if v.Stamped {
					shown.Device = v.At
				}
				all = append(all, shown)
			}
		}
		failed = errors.Join(err, ctx.Err())
		return failed == nil
	})
	sortValues(all)
	return all, errors.Join(err, failed)
}
