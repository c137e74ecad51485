package stream

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// magic begins every greeting, so that a stranger is known by its first bytes.
const magic = "dormouse"

// Versions of what is said on a connection; see docs/formats/stream.md.
const (
	version = 1 // spoken
	since   = 1 // the least version whose readers understand it
)

const (
	greetingHeader = len(magic) + 1 + 1 + 1 + 2
	// maxGreeting bounds what follows the header, in bytes.
	maxGreeting = 1024
	// MaxCluster bounds the name of a cluster, in bytes.
	MaxCluster = 255
	// maxSentence bounds a refusal, in bytes.
	maxSentence = 512
)

// word is the kind of a greeting.
type word byte

const (
	wordHello   word = 1 // of who dialled
	wordWelcome word = 2 // the answer to it
	wordRefusal word = 3 // the other one
)

// purpose is what a connection is for.
type purpose byte

const (
	forFrames purpose = 1
	forCalls  purpose = 2
)

func (p purpose) String() string {
	if p == forFrames {
		return "frames"
	}
	return "calls"
}

// greeting is what both sides say first.
type greeting struct {
	word    word
	purpose purpose
	self    wire.Node // who speaks
	wanted  ids.Node  // whom it believes to speak to; 0: whoever that is
	clock   time.Time // the speaker's, whole milliseconds
	longest uint32    // frame, request or answer that it takes, in bytes
	cluster string

	sentence string // of a refusal, which has nothing else
}

// append appends header and body.
//
//	header = "dormouse" version(1) since(1) word(1) length(2)
//	body   = purpose(1) node(8) incarnation(8) wanted(8) clock(8) longest(4) length(varint) cluster; or a sentence
func (g *greeting) append(dst []byte) []byte {
	start := len(dst) + greetingHeader
	dst = append(append(dst, magic...), version, since, byte(g.word), 0, 0)
	if g.word == wordRefusal {
		dst = append(dst, g.sentence[:min(len(g.sentence), maxSentence)]...)
	} else {
		dst = g.self.Append(append(dst, byte(g.purpose)))
		dst = binary.BigEndian.AppendUint64(dst, uint64(g.wanted))
		dst = binary.BigEndian.AppendUint64(dst, uint64(g.clock.UnixMilli()))
		dst = binary.BigEndian.AppendUint32(dst, g.longest)
		dst = wire.AppendText(dst, g.cluster)
	}
	binary.BigEndian.PutUint16(dst[start-2:], uint16(len(dst)-start))
	return dst
}

// opening is the header of a greeting.
type opening struct {
	version, since byte
	word           word
	length         int
}

// understood says whether this program can go on with who speaks so.
func (o opening) understood() bool { return o.since <= version && o.version >= since }

// parseOpening reads the header, which is the same in all versions.
func parseOpening(b []byte) (opening, error) {
	if len(b) < greetingHeader || string(b[:len(magic)]) != magic {
		return opening{}, fmt.Errorf("%w: no greeting of a node", ErrFormat)
	}
	f := wire.NewFields(b[len(magic):greetingHeader])
	o := opening{version: f.Byte(), since: f.Byte(), word: word(f.Byte()), length: int(f.Uint16())}
	if o.since == 0 || o.since > o.version || o.length > maxGreeting {
		return opening{}, fmt.Errorf("%w: a greeting of version %d for readers since %d, of %d bytes", ErrFormat, o.version, o.since, o.length)
	}
	return o, nil
}

// parseBody reads what follows the header. Of a newer version that this reader
// understands, bytes behind the name are passed over.
func (o opening) parseBody(body []byte) (g greeting, err error) {
	g.word = o.word
	switch {
	case len(body) != o.length:
		return g, fmt.Errorf("%w: a greeting of %d bytes, not %d", ErrFormat, len(body), o.length)
	case o.word == wordRefusal: // in all versions
		g.sentence = printable(body)
		return g, nil
	case o.word != wordHello && o.word != wordWelcome:
		return g, fmt.Errorf("%w: word %d", ErrFormat, o.word)
	case !o.understood():
		return g, fmt.Errorf("%w: version %d", ErrFormat, o.version)
	}
	f := wire.NewFields(body)
	g.purpose = purpose(f.Byte())
	g.self = wire.Node{ID: ids.Node(f.Uint64()), Incarnation: f.Uint64()}
	g.wanted = ids.Node(f.Uint64())
	g.clock = time.UnixMilli(int64(f.Uint64()))
	if four := f.Cut(4); four != nil {
		g.longest = binary.BigEndian.Uint32(four)
	}
	g.cluster = f.Text()
	if o.version > version {
		f.Rest()
	}
	return g, g.valid(f.Err())
}

// valid says what no node says of itself.
func (g *greeting) valid(err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("%w: the fields of a greeting", ErrFormat)
	case g.purpose != forFrames && g.purpose != forCalls:
		return fmt.Errorf("%w: purpose %d", ErrFormat, g.purpose)
	case g.self.ID == 0:
		return fmt.Errorf("%w: node ID 0", ErrFormat)
	case g.longest < MinFrame || g.longest > MaxFrame:
		return fmt.Errorf("%w: at most %d bytes", ErrFormat, g.longest)
	case len(g.cluster) > MaxCluster:
		return fmt.Errorf("%w: a cluster's name of %d bytes", ErrFormat, len(g.cluster))
	}
	return nil
}

// readOpening reads the header of a greeting, and nothing behind it.
func readOpening(r io.Reader) (opening, error) {
	var b [greetingHeader]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return opening{}, err
	}
	return parseOpening(b[:])
}

// readBody reads the rest of it, and nothing behind it.
func (o opening) readBody(r io.Reader) (greeting, error) {
	body := make([]byte, o.length)
	if _, err := io.ReadFull(r, body); err != nil {
		return greeting{}, err
	}
	return o.parseBody(body)
}

// printable is another node's sentence as a log may show it.
func printable(b []byte) string {
	text := strings.ToValidUTF8(string(b[:min(len(b), maxSentence)]), "?")
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
