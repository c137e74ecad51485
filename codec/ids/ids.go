// Package ids makes ownership arithmetic: every identifier that leaves a node
// tells, without a look-up, which shard owns what it names.
//
//	endpoint hash   64 bits = SipHash-2-4 of the endpoint name under the cluster's secret key
//	identity hash   64 bits = the same of a PSK identity, under a key of its own
//	shard           = top 32 bits of the hash, scaled to the number of shards
//	location        = base64url(hash 64 | registration count 8): 12 characters
//	token           = top 32 bits of the hash | 32 random bits
//	managed object  = the hash of a device, 64 random bits for others, printed in decimal
//	operation       = shard 11 | milliseconds since 2025 41 | count 11, printed in decimal
//
// The layout is part of docs/formats/identifiers.md.
package ids

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"github.com/dchest/siphash"
)

// ErrID is returned for text or bytes that are no identifier of this layout.
var ErrID = errors.New("ids: malformed identifier")

// MaxShards is what an operation ID leaves room for.
const MaxShards = 1 << 11

// Shard is the unit of ownership, numbered from 0.
type Shard uint16

// System is the shard of what the whole cluster must know: its nodes and where
// shards should be. No endpoint is in it, and every node holds it.
const System Shard = MaxShards

// Endpoint is the keyed hash of an endpoint name. Two names may share one
// (2^-64 a pair): whoever stores by it compares the name.
type Endpoint uint64

// Key is the cluster's secret for endpoint hashes, made once with the data.
type Key [16]byte

// Endpoint hashes a name.
func (k Key) Endpoint(name string) Endpoint {
	return Endpoint(siphash.Hash(binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:]), []byte(name)))
}

// Shards is the number of shards of the cluster: fixed when it is created.
type Shards uint16

// All are the shards with System, which comes first.
func (n Shards) All() []Shard {
	list := make([]Shard, 0, int(n)+1)
	list = append(list, System)
	for s := range Shard(n) {
		list = append(list, s)
	}
	return list
}

// Has says that the shard is among All.
func (n Shards) Has(s Shard) bool { return s == System || uint16(s) < uint16(n) }

// OfHandle places the top 32 bits of any hash.
func (n Shards) OfHandle(handle uint32) Shard {
	return Shard(uint64(handle) * uint64(n) >> 32)
}

// Of places an endpoint.
func (n Shards) Of(e Endpoint) Shard { return n.OfHandle(e.Handle()) }

// OfObject places a managed object: beside its endpoint.
func (n Shards) OfObject(o Object) Shard { return n.OfHandle(uint32(o >> 32)) }

// HandleIn is one of the shard's handles, spread as random is.
func (n Shards) HandleIn(s Shard, random uint32) uint32 {
	first, end := n.first(s), n.first(s+1)
	return uint32(first + uint64(random)*(end-first)>>32)
}

// first is the least handle of a shard, of which the one behind the last has none.
func (n Shards) first(s Shard) uint64 { return (uint64(s)<<32 + uint64(n) - 1) / uint64(n) }

// Handle is what of the hash travels in tokens and managed object IDs.
func (e Endpoint) Handle() uint32 { return uint32(e >> 32) }

// Append appends the hash, big-endian: the key of the endpoint's records.
func (e Endpoint) Append(dst []byte) []byte { return binary.BigEndian.AppendUint64(dst, uint64(e)) }

// ParseEndpoint reads the first 8 bytes of b.
func ParseEndpoint(b []byte) (Endpoint, error) {
	if len(b) < 8 {
		return 0, ErrID
	}
	return Endpoint(binary.BigEndian.Uint64(b)), nil
}

// Location names one registration: no two registrations of an endpoint share
// a count until it has registered 256 times.
type Location struct {
	Endpoint Endpoint
	Count    uint8
}

// locationEncoding is base64url: 9 bytes become 12 characters. More does not
// fit: some clients read options of at most 12 bytes.
var locationEncoding = base64.RawURLEncoding.Strict()

// LocationLen is the length of a location's text.
const LocationLen = 12

// Append appends the segment that follows /rd.
func (l Location) Append(dst []byte) []byte {
	var raw [9]byte
	binary.BigEndian.PutUint64(raw[:], uint64(l.Endpoint))
	raw[8] = l.Count
	return locationEncoding.AppendEncode(dst, raw[:])
}

func (l Location) String() string { return string(l.Append(nil)) }

// ParseLocation reads the segment that follows /rd.
func ParseLocation(segment []byte) (Location, error) {
	var raw [12]byte // line breaks, which the decoder passes over, leave less than 9
	if len(segment) != LocationLen {
		return Location{}, ErrID
	}
	if n, err := locationEncoding.Decode(raw[:], segment); err != nil || n != 9 {
		return Location{}, ErrID
	}
	return Location{Endpoint(binary.BigEndian.Uint64(raw[:])), raw[8]}, nil
}

// Token is what plain CoAP requests to a device carry, so that an answer or a
// notification finds its owner from any node.
type Token [8]byte

// NewToken joins an endpoint's handle with 32 unpredictable bits.
func NewToken(e Endpoint, random uint32) (t Token) {
	binary.BigEndian.PutUint32(t[:], e.Handle())
	binary.BigEndian.PutUint32(t[4:], random)
	return t
}

// ParseToken reads a token of 8 bytes.
func ParseToken(b []byte) (Token, error) {
	if len(b) != 8 {
		return Token{}, ErrID
	}
	return Token(b), nil
}

// ShortToken is the token of an endpoint whose random half is there alone.
func ShortToken(e Endpoint, short []byte) (Token, error) {
	if len(short) != ShortTokenLen {
		return Token{}, ErrID
	}
	return NewToken(e, binary.BigEndian.Uint32(short)), nil
}

// ShortTokenLen is the length of Token.Short.
const ShortTokenLen = 4

// Short is the random half: what requests over DTLS carry, where the session
// says whose they are and each byte costs radio time.
func (t Token) Short() []byte { return t[4:] }

// Is reports that b is the token, or its short form.
func (t Token) Is(b []byte) bool {
	return string(b) == string(t[:]) || len(b) == ShortTokenLen && string(b) == string(t[4:])
}

// Handle is the owner's half of the token.
func (t Token) Handle() uint32 { return binary.BigEndian.Uint32(t[:]) }

// Object is the ID of a managed object.
type Object uint64

// Object is the ID of a device's managed object: unique as the hash is, known
// without a look-up, and the same when the device was deleted and comes again.
func (e Endpoint) Object() Object { return Object(e) }

// Endpoint is the endpoint that the object is, if it is a device.
func (o Object) Endpoint() Endpoint { return Endpoint(o) }

func (o Object) String() string { return strconv.FormatUint(uint64(o), 10) }

// Append appends the ID, big-endian.
func (o Object) Append(dst []byte) []byte { return binary.BigEndian.AppendUint64(dst, uint64(o)) }

// ParseObject reads decimal text.
func ParseObject(s string) (Object, error) {
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, ErrID
	}
	return Object(v), nil
}

// Operation is the ID of an operation; IDs of one shard ascend with time.
type Operation uint64

// operationEpoch is 2025-01-01T00:00:00Z in milliseconds.
const operationEpoch = 1735689600000

// NextOperation is the smallest ID of the shard that is above last and not
// older than now. The owner of the shard calls it with the last ID it gave.
func NextOperation(s Shard, now time.Time, last Operation) Operation {
	ms := max(now.UnixMilli()-operationEpoch, 0)
	id := Operation(uint64(s)<<52 | uint64(ms)<<11)
	if last >= id {
		id = last + 1
	}
	return id
}

// Shard is the owner of the operation.
func (o Operation) Shard() Shard { return Shard(o >> 52) }

// Time is when the operation was created, to the millisecond.
func (o Operation) Time() time.Time {
	return time.UnixMilli(int64(o>>11&(1<<41-1)) + operationEpoch)
}

func (o Operation) String() string { return strconv.FormatUint(uint64(o), 10) }

// Append appends the ID, big-endian.
func (o Operation) Append(dst []byte) []byte { return binary.BigEndian.AppendUint64(dst, uint64(o)) }

// ParseOperation reads decimal text.
func ParseOperation(s string) (Operation, error) {
	v, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, ErrID
	}
	return Operation(v), nil
}
