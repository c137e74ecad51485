package dtlsfront

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"hash"

	"dormouse/codec/dtlsrec"

	"github.com/pion/dtls/v2/pkg/crypto/prf"
)

// transcript is SHA-256 that reads the client's own hello where pion writes the
// stand-in. Pion writes all messages of a handshake at once, for the extended
// master secret and for its Finished; everything else that is hashed passes
// unchanged.
type transcript struct {
	hash.Hash
	talk    *talk
	written bool // something was, so what comes now is no beginning
}

func (t *transcript) Write(b []byte) (int, error) {
	rest, isTranscript := bytes.CutPrefix(b, t.talk.standIn)
	if t.written || !isTranscript || len(t.talk.standIn) == 0 {
		t.written = true
		return t.Hash.Write(b)
	}
	t.written = true
	t.talk.check(rest)
	t.Hash.Write(t.talk.hello.message)
	t.Hash.Write(rest)
	return len(b), nil
}

func (t *transcript) Reset() {
	t.written = false
	t.Hash.Reset()
}

// finishedLen is the length of a Finished message (RFC 5246 section 7.4.9).
const finishedLen = dtlsrec.HandshakeHeaderLen + 12

// check compares the client's Finished, which pion reads but does not compare,
// with the messages before it: someone between us who changed one, to have a
// weaker suite or no extended master secret, would else be noticed by the client
// alone. messages are those behind the ClientHello, when pion is about to answer
// the Finished; when it makes the master secret there is none among them, and no
// secret to check it with.
func (t *talk) check(messages []byte) {
	if t.secrets.Master == nil || len(messages) < finishedLen {
		return
	}
	at := len(messages) - finishedLen
	h, got, _, err := dtlsrec.ParseHandshake(messages[at:])
	if err != nil || h.Type != dtlsrec.Finished {
		return
	}
	before := append(bytes.Clone(t.hello.message), messages[:at]...)
	want, err := prf.VerifyDataClient(t.secrets.Master, before, sha256.New)
	if err != nil || !hmac.Equal(got, want) {
		t.stop(errWrongFinished)
		return
	}
	t.verified = true
}
