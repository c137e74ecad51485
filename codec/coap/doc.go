// Package coap is the CoAP message of RFC 7252: fields, options by number,
// parse and append. It promises that a parsed message aliases the datagram and
// allocates nothing beyond its options. What to do with a message (when to
// repeat it, whom to answer) is codec/exchange.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|Ver| T |  TKL  |      Code     |          Message ID           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Token (TKL bytes) ...  Options ...  11111111  Payload ...   |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// Messages are written by go-coap's UDP coder. They are read here, because
// that coder hides what a server must answer: it drops options of illegal
// length even where they are critical, takes a marker without payload for a
// message without payload, and lets option numbers wrap (see docs/decisions).
package coap
