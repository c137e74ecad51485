// Package link is the CoRE link format (application/link-format, RFC 6690) as
// LwM2M uses it: the object list of a Register or Update, and the answer to a
// Discover.
//
//	</lwm2m>;rt="oma.lwm2m";ct="60 110",</lwm2m/1>;ver=1.1,</lwm2m/1/0>,</lwm2m/3/0>
//	 target   parameters                 next link
//
// It promises to read what real devices send: blanks around separators, values
// with and without quotes, flags without "=", empty items, a trailing comma, the
// lwm2m parameter of a Bootstrap-Discover that belongs to no link. It reports such input as loose. It
// refuses what could be read in two ways, above all a missing comma between
// two links. The number of links and of parameters is bounded. What is written
// is always strict.
//
// It does not decide which objects a server knows: unknown objects, versions
// and parameters are never an error.
package link
