// Package omajson is application/vnd.oma.lwm2m+json (11543), the JSON of
// LwM2M 1.0 (OMA Core 1.0 section 6.4.4) that servers must still read and
// 1.0 devices understand. It is SenML's draft with one object around the
// records:
//
//	{"bn":"/3/0/","bt":1320067464,"e":[{"n":"0","sv":"Dormouse"},{"n":"9","v":95,"t":-5}]}
//
// Values are v (number), sv (String, and Opaque in padded base64), bv
// (Boolean), ov (object link). Only the model tells an Opaque from a String.
package omajson
