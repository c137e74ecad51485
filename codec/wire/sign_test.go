package wire

import (
	"net/netip"
	"testing"

	"dormouse/codec/ids"
)

// TestSignsOfOnePeerDiffer: what a datagram of plain CoAP sets never leads a DTLS
// peer astray, and a Connection ID names its shard.
func TestSignsOfOnePeerDiffer(t *testing.T) {
	peer, key := netip.MustParseAddrPort("192.0.2.1:5683"), ids.Key{1}
	plain, secure := AddressSign(peer), SecureSign(peer)
	if plain == secure || plain.Class != ClassAddress || secure.Class != ClassSecure {
		t.Errorf("%v and %v", plain, secure)
	}
	if mapped := AddressSign(netip.MustParseAddrPort("[::ffff:192.0.2.1]:5683")); mapped != plain {
		t.Errorf("%v mapped is %v", plain, mapped)
	}
	if plain.Shard(key, 32) != secure.Shard(key, 32) {
		t.Error("one address in two shards")
	}
	cid := CIDSign(key.NewCID(17, 99))
	if got := cid.Shard(key, 32); got != 17 || len(cid.Key()) != ids.CIDLen {
		t.Errorf("shard %d, key %x", got, cid.Key())
	}
}

// TestSlotsSpread: signs that follow one another do not meet.
func TestSlotsSpread(t *testing.T) {
	const slots = 1 << 10
	for name, sign := range map[string]func(i int) Sign{
		"ports": func(i int) Sign {
			return AddressSign(netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(i)))
		},
		"addresses": func(i int) Sign {
			return SecureSign(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5683))
		},
		"CIDs": func(i int) Sign { return CIDSign(ids.Key{}.NewCID(3, uint32(i))) },
	} {
		taken := map[int]int{}
		for i := range slots {
			s := sign(i)
			slot := s.Slot(slots)
			if slot != s.Slot(slots) || slot < 0 || slot >= slots {
				t.Fatalf("%s: slot %d of %d", name, slot, slots)
			}
			taken[slot]++
		}
		// At random e^-1 of the slots stay empty: 647 are taken.
		if len(taken) < 600 {
			t.Errorf("%s: %d of %d slots are taken", name, len(taken), slots)
		}
	}
}

// TestParseSign reads class and key, and nothing that is none.
func TestParseSign(t *testing.T) {
	peer := netip.MustParseAddrPort("[2001:db8::1]:5683")
	for _, sign := range []Sign{AddressSign(peer), SecureSign(peer), CIDSign(ids.Key{1}.NewCID(17, 99))} {
		if got, err := ParseSign(sign.Class, sign.Key()); err != nil || got != sign {
			t.Errorf("%v became %v, %v", sign, got, err)
		}
		for n := range sign.Key() {
			if got, err := ParseSign(sign.Class, sign.Key()[:n]); err != ErrBatch || got != (Sign{}) {
				t.Errorf("%v cut at %d: %v, %v", sign, n, got, err)
			}
		}
		if _, err := ParseSign(sign.Class, append(sign.Key(), 0)); err == nil {
			t.Errorf("%v and a byte more", sign)
		}
	}
	if _, err := ParseSign(ClassContact, make([]byte, addressLen)); err != ErrBatch {
		t.Errorf("a sign of another class: %v", err)
	}
}
