// Package cbor reads and writes the subset of CBOR (RFC 8949) that LwM2M
// uses, one data item at a time: SenML CBOR, LwM2M CBOR and single values
// stand on it. It promises that no length is believed before the bytes are
// there, that nothing recurses deeper than MaxDepth, and that integers of 64
// bits stay exact.
//
// It is its own reader because a library that decodes into Go values cannot
// serve here: LwM2M CBOR has arrays as map keys, which no Go map can hold, the
// order of SenML labels and the style of lengths must not matter, and unknown
// labels are to be skipped without building what they hold.
//
//	 7 6 5 4 3 2 1 0
//	+-----+---------+----------------------+
//	|major| info    | 0, 1, 2, 4, 8 bytes  |  argument: value, length or tag
//	+-----+---------+----------------------+
package cbor
