package fleet

import (
	"fmt"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
)

const objectVersion = 1

// appendObject appends the record of a managed object that is no device:
//
//	version(1) created updated type name owner fragments (JSON, to the end)
func appendObject(dst []byte, m *platform.ManagedObject) []byte {
	dst = append(dst, objectVersion)
	dst = wire.AppendTime(wire.AppendTime(dst, m.Created), m.Updated)
	for _, s := range []string{m.Type, m.Name, m.Owner} {
		dst = wire.AppendText(dst, s)
	}
	return m.Fragments.Append(dst)
}

func parseObject(id ids.Object, value []byte) (m platform.ManagedObject, err error) {
	f := wire.NewFields(value)
	version := f.Byte()
	m.ID = id
	m.Created, m.Updated = f.Time(), f.Time()
	m.Type, m.Name, m.Owner = f.Text(), f.Text(), f.Text()
	fragments := f.Rest()
	if err := f.Err(); err != nil || version != objectVersion {
		return m, fmt.Errorf("fleet: record of managed object %s: %w", id, wire.ErrFields)
	}
	if m.Fragments, err = platform.ParseFragments(fragments); err != nil {
		return m, fmt.Errorf("fleet: record of managed object %s: %w", id, err)
	}
	return m, nil
}
