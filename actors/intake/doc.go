// Package intake reads a CoAP message of a device as far as is needed to know
// what it is for, and how it is refused where it is for nothing. It asks for no
// state, and keeps none: what it refuses costs nobody memory.
//
//	POST /rd, POST and DELETE /rd/LOC   registration (OMA Core 6.2)
//	POST /dp                            Send (OMA Core 6.4.4)
//	responses, empty ACK, RST           what the device answers us
//
// Over plain CoAP node/route asks before there is an owner; over DTLS the owner
// does, once its session has opened the record. The limits of RFC 7252 hold:
// what is rejected is answered with a Reset where it was Confirmable, and
// ignored where it was not.
package intake
