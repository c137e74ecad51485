package command

import (
	"strings"
	"time"

	"dormouse/codec/content"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
)

// Device is what a request depends on besides the line.
type Device struct {
	Version lwm2m.Version  // of the enabler; zero counts as 1.0
	Root    string         // link.ObjectList.Root: "" or "/lwm2m"
	Formats []lwm2m.Format // listed by ct, nil: not given

	// Preferred is the format that the device's setting or a Serialization
	// asks for; FormatNone for no preference (the zero Format is text).
	Preferred lwm2m.Format
	// Refused reports formats that the client answered with 4.06 or 4.15
	// since it registered; nil: none.
	Refused func(lwm2m.Format) bool

	Types  lwm2m.Types     // nil: Untyped
	Model  *model.Registry // names of resources; nil: no names
	Listed []link.Object   // of the registration, for the objects' versions

	// Received is when the answer came, for values that carry a time relative
	// to it. Zero: such times are left out of results.
	Received time.Time
}

func (d *Device) types() lwm2m.Types {
	if d.Types == nil {
		return lwm2m.Untyped{}
	}
	return d.Types
}

// options are what the content formats must know of the device.
func (d *Device) options() content.Options {
	return content.Options{Types: d.types(), Root: d.Root, Answer: true}
}

// uri is a path below the device's root, as exchange.Request has it.
func (d *Device) uri(p lwm2m.Path) string {
	root := strings.Trim(d.Root, "/")
	if p.IsRoot() {
		return root
	}
	return strings.TrimPrefix(root+p.String(), "/")
}

// name is the resource's name in the model, "" where it has none.
func (d *Device) name(p lwm2m.Path) string {
	if d.Model == nil || p.Len() < 3 {
		return ""
	}
	object := d.Model.Object(p.Object(), link.VersionOf(p.Object(), d.listed(p.Object()), d.Version))
	if object == nil {
		return ""
	}
	if r := object.Resource(p.Resource()); r != nil {
		return r.Name
	}
	return ""
}

// listed is the version that the registration gave the object, on its own
// link or on that of an instance; zero for none.
func (d *Device) listed(object uint16) lwm2m.Version {
	return link.ObjectList{Objects: d.Listed}.Version(object)
}
