// Package route reads a datagram as far as is needed to know whose it is, and
// answers what needs no owner: pings, malformed messages, unknown paths.
//
//	plain CoAP (Router)
//	request  POST /rd?ep=NAME       the endpoint of that name
//	         POST, DELETE /rd/LOC   the endpoint that the location names
//	         POST /dp               whose signpost the peer's address is
//	response with our token         the endpoint whose handle is in the token
//	ACK, RST without a token        whose signpost the peer's address is
//
//	DTLS (Guard)
//	record of epoch 0, of a handshake under way    node/dtlsfront
//	tls12_cid record                               whose signpost the Connection ID is
//	any other record                               whose signpost the peer's address is
//
// It keeps nothing of a peer, so strangers cost no memory.
package route
