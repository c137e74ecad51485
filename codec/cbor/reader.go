package cbor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// MaxDepth bounds the nesting of what Skip passes over.
const MaxDepth = 16

// maxTags bounds the tags in front of one item.
const maxTags = 4

// ErrMalformed is wrapped by every error of a Reader.
var ErrMalformed = errors.New("cbor: malformed data item")

// Major types (RFC 8949 section 3.1).
const (
	majorUint = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple
)

// Values of info that are no argument (RFC 8949 sections 3 and 3.3).
const (
	infoUint8      = 24
	infoUint64     = 27
	infoIndefinite = 31
	simpleFalse    = 20
	simpleTrue     = 21
	simpleNull     = 22
	simpleUndef    = 23
	simpleHalf     = 25
	simpleSingle   = 26
	simpleDouble   = 27
	breakByte      = 0xff
)

// Reader takes data items from the front of its bytes.
type Reader struct{ b []byte }

// NewReader reads from b, which it does not change or keep beyond its Items.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// head is the first byte of an item and its argument.
type head struct {
	major, info byte
	arg         uint64
}

func (r *Reader) head() (h head, err error) {
	if len(r.b) == 0 {
		return h, fmt.Errorf("%w: cut", ErrMalformed)
	}
	h.major, h.info = r.b[0]>>5, r.b[0]&31
	r.b = r.b[1:]
	switch {
	case h.info < infoUint8:
		h.arg = uint64(h.info)
		return h, nil
	case h.info == infoIndefinite:
		return h, nil
	case h.info > infoUint64:
		return h, fmt.Errorf("%w: reserved length", ErrMalformed)
	}
	n := 1 << (h.info - infoUint8)
	if len(r.b) < n {
		return h, fmt.Errorf("%w: cut", ErrMalformed)
	}
	var wide [8]byte
	copy(wide[8-n:], r.b[:n])
	h.arg = binary.BigEndian.Uint64(wide[:])
	r.b = r.b[n:]
	return h, nil
}

// Next reads one item with its tags. Of an array or map it reads the head
// only: More and further calls of Next take what it holds. A decimal fraction
// (tag 4) is read whole.
func (r *Reader) Next() (Item, error) {
	var it Item
	for range maxTags + 1 {
		h, err := r.head()
		if err != nil {
			return Item{}, err
		}
		if h.major != majorTag {
			return r.item(it, h)
		}
		if h.info == infoIndefinite {
			return Item{}, fmt.Errorf("%w: tag without number", ErrMalformed)
		}
		it.Tag, it.Tagged = h.arg, true
	}
	return Item{}, fmt.Errorf("%w: more than %d tags", ErrMalformed, maxTags)
}

// item completes what follows the tags.
func (r *Reader) item(it Item, h head) (Item, error) {
	it.Num = h.arg
	it.Indefinite = h.info == infoIndefinite
	switch h.major {
	case majorUint, majorNegative:
		it.Kind = KindUint + Kind(h.major)
		if it.Indefinite {
			return Item{}, fmt.Errorf("%w: integer without value", ErrMalformed)
		}
		return it, nil
	case majorBytes, majorText:
		it.Kind = KindBytes + Kind(h.major-majorBytes)
		return it, r.text(&it, h)
	case majorArray, majorMap:
		it.Kind = KindArray + Kind(h.major-majorArray)
		each := uint64(h.major - majorArray + 1) // bytes that an element takes at least
		if h.arg > uint64(len(r.b))/each {
			return Item{}, fmt.Errorf("%w: %d elements in %d bytes", ErrMalformed, h.arg, len(r.b))
		}
		if it.Tagged && it.Tag == TagDecimal {
			return r.decimal(it)
		}
		return it, nil
	}
	return simple(it, h)
}

// text reads a string, of several chunks where its length is indefinite.
func (r *Reader) text(it *Item, h head) error {
	if !it.Indefinite {
		var err error
		it.Data, err = r.take(h.arg)
		return err
	}
	it.Indefinite, it.Data = false, []byte{}
	for {
		chunk, err := r.head()
		if err != nil {
			return err
		}
		if chunk.major == majorSimple && chunk.info == infoIndefinite {
			return nil
		}
		if chunk.major != h.major || chunk.info == infoIndefinite {
			return fmt.Errorf("%w: foreign chunk in a string", ErrMalformed)
		}
		part, err := r.take(chunk.arg)
		if err != nil {
			return err
		}
		it.Data = append(it.Data, part...)
	}
}

func (r *Reader) take(n uint64) ([]byte, error) {
	if n > uint64(len(r.b)) {
		return nil, fmt.Errorf("%w: string of %d bytes in %d", ErrMalformed, n, len(r.b))
	}
	part := r.b[:n:n]
	r.b = r.b[n:]
	return part, nil
}

// simple reads what major type 7 holds.
func simple(it Item, h head) (Item, error) {
	switch h.info {
	case simpleFalse, simpleTrue:
		it.Kind, it.Num = KindBool, uint64(h.info-simpleFalse)
	case simpleNull, simpleUndef:
		it.Kind = KindNull
	case simpleHalf:
		it.Kind, it.Float = KindFloat, half(uint16(h.arg))
	case simpleSingle:
		it.Kind, it.Float = KindFloat, float64(math.Float32frombits(uint32(h.arg)))
	case simpleDouble:
		it.Kind, it.Float = KindFloat, math.Float64frombits(h.arg)
	default:
		return Item{}, fmt.Errorf("%w: simple value %d", ErrMalformed, h.info)
	}
	return it, nil
}

// decimal reads the exponent and mantissa of tag 4 (RFC 8949 section 3.4.4),
// plain integers both: anything else could nest without bound.
func (r *Reader) decimal(it Item) (Item, error) {
	var parts [2]Item
	for i := range parts {
		if more, err := r.More(&it); err != nil || !more {
			return Item{}, fmt.Errorf("%w: decimal fraction cut", ErrMalformed)
		}
		h, err := r.head()
		if err != nil {
			return Item{}, err
		}
		if h.major > majorNegative || h.info == infoIndefinite {
			return Item{}, fmt.Errorf("%w: decimal fraction of no integers", ErrMalformed)
		}
		parts[i] = Item{Kind: Kind(h.major), Num: h.arg}
	}
	exponent, ok := parts[0].Int64()
	if more, err := r.More(&it); err != nil || more || !ok || exponent < -400 || exponent > 400 {
		return Item{}, fmt.Errorf("%w: decimal fraction", ErrMalformed)
	}
	parts[1].Exponent, parts[1].decimal = int(exponent), true
	return parts[1], nil
}

// More reports whether the array or map c holds another element (a map: a
// pair), and counts it. It takes the break that ends an indefinite one.
func (r *Reader) More(c *Item) (bool, error) {
	if !c.Indefinite {
		if c.Num == 0 {
			return false, nil
		}
		c.Num--
		return true, nil
	}
	if len(r.b) == 0 {
		return false, fmt.Errorf("%w: cut", ErrMalformed)
	}
	if r.b[0] != breakByte {
		return true, nil
	}
	r.b = r.b[1:]
	return false, nil
}

// Skip passes over one item and all it holds.
func (r *Reader) Skip() error { return r.skip(MaxDepth) }

func (r *Reader) skip(depth int) error {
	c, err := r.Next()
	if err != nil || c.Kind != KindArray && c.Kind != KindMap {
		return err
	}
	if depth == 0 {
		return fmt.Errorf("%w: nested deeper than %d", ErrMalformed, MaxDepth)
	}
	for {
		more, err := r.More(&c)
		if err != nil || !more {
			return err
		}
		for range c.Kind - KindArray + 1 {
			if err := r.skip(depth - 1); err != nil {
				return err
			}
		}
	}
}

// End refuses bytes behind the last item.
func (r *Reader) End() error {
	if len(r.b) > 0 {
		return fmt.Errorf("%w: %d bytes behind the end", ErrMalformed, len(r.b))
	}
	return nil
}
