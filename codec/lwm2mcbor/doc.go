// Package lwm2mcbor is application/vnd.oma.lwm2m+cbor (11544; OMA Core 1.2
// section 7.5.7): maps from IDs to values or to further maps, where a key is
// one ID or an array of several.
//
//	{[3, 0]: {0: "Dormouse", 6: {0: 1, 1: 5}}}    {3: {0: {0: "Dormouse"}}}
//
// Paths are absolute whatever was asked for. An empty map is an empty
// container. The format has no times. A string in a key names a device behind
// a gateway; such keys are refused, because a path cannot hold them.
package lwm2mcbor
