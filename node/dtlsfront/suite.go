package dtlsfront

import (
	"crypto/sha256"
	"errors"
	"hash"

	"dormouse/codec/dtlsrec"

	"github.com/pion/dtls/v2"
	"github.com/pion/dtls/v2/pkg/crypto/clientcertificate"
	"github.com/pion/dtls/v2/pkg/protocol"
	"github.com/pion/dtls/v2/pkg/protocol/recordlayer"
)

// pionSuite is the cipher suite of a talk as pion wants it: records by
// codec/dtlsrec, with nonces that sessions go on from, and hashes by transcript.
// All values of a talk share its state; pion makes several and keeps one.
type pionSuite struct{ talk *talk }

var errNoMore = errors.New("dtlsfront: nothing is sealed after the Finished")

func (s pionSuite) String() string { return s.talk.hello.suite.String() }

func (s pionSuite) ID() dtls.CipherSuiteID { return standInSuite }

func (s pionSuite) CertificateType() clientcertificate.Type { return 0 }

func (s pionSuite) AuthenticationType() dtls.CipherSuiteAuthenticationType {
	return dtls.CipherSuiteAuthenticationTypePreSharedKey
}

func (s pionSuite) KeyExchangeAlgorithm() dtls.CipherSuiteKeyExchangeAlgorithm {
	return dtls.CipherSuiteKeyExchangeAlgorithmPsk
}

func (s pionSuite) ECC() bool { return false }

// HashFunc is that of the PRF: SHA-256 for all four suites.
func (s pionSuite) HashFunc() func() hash.Hash {
	return func() hash.Hash { return &transcript{Hash: sha256.New(), talk: s.talk} }
}

func (s pionSuite) Init(master, clientRandom, serverRandom []byte, _ bool) error {
	secrets := dtlsrec.Secrets{
		Suite: s.talk.hello.suite, Master: master,
		ClientRandom: [32]byte(clientRandom), ServerRandom: [32]byte(serverRandom),
	}
	c, err := dtlsrec.NewCipher(secrets, true)
	if err != nil {
		return err
	}
	s.talk.secrets, s.talk.cipher = secrets, c
	return nil
}

func (s pionSuite) IsInitialized() bool { return s.talk.cipher != nil }

// Encrypt seals one record: the Finished. What pion has to say after that, its
// close_notify, must not exist: its number is the session's.
func (s pionSuite) Encrypt(pkt *recordlayer.RecordLayer, raw []byte) ([]byte, error) {
	h := pkt.Header
	if s.talk.sealed {
		return nil, errNoMore
	}
	s.talk.sealed, s.talk.sent = true, h.SequenceNumber
	content, t := raw[h.Size():], dtlsrec.ContentType(h.ContentType)
	if h.ContentType == protocol.ContentTypeConnectionID {
		last := len(content) - 1 // pion does not pad
		content, t = content[:last], dtlsrec.ContentType(content[last])
	}
	record := s.talk.cipher.Seal(nil, t, h.Epoch, h.SequenceNumber, h.ConnectionID, content)
	if s.talk.audit != nil {
		derived, err := s.talk.secrets.Derive()
		if err != nil {
			return nil, err
		}
		s.talk.audit(derived.KeyBlock, h.Epoch, h.SequenceNumber, record)
	}
	return record, nil
}

// Decrypt opens one record: the client's Finished. Pion would pass over what it
// cannot open until the client gives up; here it ends the handshake.
func (s pionSuite) Decrypt(_ recordlayer.Header, in []byte) ([]byte, error) {
	h, fragment, _, err := dtlsrec.ParseHeader(in, len(s.talk.localCID))
	if err != nil {
		return nil, err
	}
	head := in[:len(in)-len(fragment)]
	plaintext, t, err := s.talk.cipher.Open(nil, h, fragment)
	if err != nil {
		s.talk.stop(errWrongKey)
		return nil, err
	}
	s.talk.received = h.Sequence
	out := append(append([]byte(nil), head...), plaintext...)
	if h.Type == dtlsrec.TypeCID {
		out = append(out, byte(t))
	}
	return out, nil
}
