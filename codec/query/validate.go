package query

import (
	"fmt"
	"strings"

	"dormouse/codec/lwm2m"
)

// bindings are the letters that b may have in an enabler version: in 1.0 the
// transport and Q together, later Q is a parameter of its own (OMA Core 1.0,
// 5.3.1.1; 1.1 and 1.2, 6.2.1.2). A version that we do not speak has none.
func bindings(v lwm2m.Version) string {
	switch v {
	case lwm2m.V1_0:
		return "USQ"
	case lwm2m.V1_1:
		return "UTSN"
	case lwm2m.V1_2:
		return "UTSNMH"
	}
	return ""
}

// Supported reports an enabler version that this server speaks.
func Supported(v lwm2m.Version) bool { return bindings(v) != "" }

// EnablerVersion is the version of a Register: 1.0 where it names none (OMA
// Core 1.0, 5.3.1).
func (r Registration) EnablerVersion() lwm2m.Version {
	if r.Version.IsZero() {
		return lwm2m.V1_0
	}
	return r.Version
}

// Validate checks what depends on the enabler version: that version itself
// (ErrVersion) and the binding (ErrMalformed). version is that of the
// registration which an Update belongs to; zero means the one of r, as for a
// Register. Whether ep may be missing depends on the transport, and whether
// the object list may be missing on pid: both are for the caller.
func (r Registration) Validate(version lwm2m.Version) error {
	if version.IsZero() {
		version = r.EnablerVersion()
	}
	for _, v := range [...]lwm2m.Version{version, r.EnablerVersion()} {
		if !Supported(v) {
			return fmt.Errorf("%w: %s", ErrVersion, v)
		}
	}
	if r.HasBinding && !validBinding(r.Binding, bindings(version)) {
		return fmt.Errorf("%w: b=%s is none of LwM2M %s", ErrMalformed, r.Binding, version)
	}
	return nil
}

// validBinding wants each letter once, and one that is a transport.
func validBinding(s, letters string) bool {
	for i := range len(s) {
		if strings.IndexByte(letters, s[i]) < 0 || strings.IndexByte(s[:i], s[i]) >= 0 {
			return false
		}
	}
	return s != "" && s != "Q"
}
