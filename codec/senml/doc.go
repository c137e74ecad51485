// Package senml is SenML (RFC 8428) as LwM2M uses it (OMA Core 7.5.6 and
// 7.5.4): packs of records in JSON (110, 320) and CBOR (112, 322), values on
// the way up and down, and lists of paths in composite requests.
//
//	[{"bn":"/3/0/","bt":1320067464,"n":"0","vs":"Dormouse"},{"n":"9","v":95}]
//	   base name   base time        name   value
//
// Records are resolved while they are read: names to paths, times to stamps
// (bt + t, below 2^28 s relative to the reception, which the reader does not
// know), values with their base value. A record with a name and nothing else
// is an empty container, as is an empty pack. Units are read and dropped: the
// object model gives them. Sums are no LwM2M values; such records are dropped.
//
// Both forms share the record and everything above it, and differ in how
// labels and scalars are read and written.
package senml
