package endpoint

import (
	"slices"
	"time"

	"dormouse/actors/command"
	"dormouse/codec/content"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
)

// device is what commands must know of the client.
func (e *Endpoint) device(now time.Time) *command.Device {
	r := e.reg()
	return &command.Device{
		Version: r.Version, Root: r.Objects.Root, Formats: r.Objects.Formats,
		Preferred: r.Settings.Format,
		Refused:   func(f lwm2m.Format) bool { return slices.Contains(r.Refused, f) },
		Types:     e.types(), Model: e.shard.Env.Model, Listed: r.Objects.Objects,
		Received: now,
	}
}

// types are those of the object versions that the client listed.
func (e *Endpoint) types() lwm2m.Types {
	r := e.reg()
	return e.shard.Env.Model.Types(func(object uint16) lwm2m.Version {
		return link.VersionOf(object, r.Objects.Version(object), r.Version)
	})
}

func (e *Endpoint) decode(f lwm2m.Format, base lwm2m.Path, payload []byte) ([]lwm2m.Node, error) {
	return content.Decode(f, base, payload, content.Options{Types: e.types(), Root: e.reg().Objects.Root, Answer: true})
}

// lists reports whether the client registered the object.
func (e *Endpoint) lists(object uint16) bool {
	return slices.ContainsFunc(e.reg().Objects.Objects, func(o link.Object) bool { return o.Path.Object() == object })
}
