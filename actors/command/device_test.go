package command

import (
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
)

// device is a client of a version that lists formats, with the core model.
func device(version lwm2m.Version, formats ...lwm2m.Format) *Device {
	return &Device{
		Version: version, Formats: formats, Preferred: lwm2m.FormatNone, Model: model.Core(),
		Types: model.Core().Types(func(object uint16) lwm2m.Version {
			return link.VersionOf(object, lwm2m.Version{}, version)
		}),
	}
}

// devices are one client of each version, and one of them behind a root path.
func devices() []*Device {
	prefixed := device(lwm2m.V1_1, lwm2m.FormatSenMLJSON)
	prefixed.Root = "/lwm2m"
	return []*Device{
		device(lwm2m.V1_0), device(lwm2m.V1_1), device(lwm2m.V1_2, lwm2m.FormatLwM2MCBOR, lwm2m.FormatSenMLCBOR), prefixed,
	}
}
