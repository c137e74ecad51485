// Package tlv is the binary format application/vnd.oma.lwm2m+tlv (OMA Core
// 7.5.5, in 1.0 section 6.4.3). The bytes do not say what type a value has:
// with the object model they become what it says, without it Opaque.
//
//	 7 6   5   4 3     2 1 0
//	+----+----+------+--------+--------+---------------+-------
//	|kind| id | size | length | ID     | length        | value
//	|    | 16 | of it|        | 1 or 2 | 0, 1, 2, 3 B  |
//	+----+----+------+--------+--------+---------------+-------
//
// Instances hold resources, multiple resources hold resource instances; the
// entries of a payload start one level below its path, or at it.
package tlv
