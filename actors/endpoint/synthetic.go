package endpoint

import "dormouse/codec/wire"

// syntheticRegistration begins a registration at format.Synthetic: version 2, and a
// text that shows in a hex dump. The sections of version 1 follow. No release writes
// it, or reads it.
const syntheticRegistration = "\x02\x09synthetic"

// isSynthetic reads what is behind the version.
func isSynthetic(f *wire.Fields) bool { return f.Text() == "synthetic" }
