package session

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"
)

var suites = []dtlsrec.Suite{dtlsrec.CCM8, dtlsrec.CCM, dtlsrec.GCM, dtlsrec.CBCSHA256}

var localCID = ids.CID{0x11, 0x23, 0xde, 0xad, 0xbe, 0xef, 0xed, 0xb6}

// established is what a handshake left that never was.
func established(suite dtlsrec.Suite, hasLocal bool, peer []byte) Established {
	e := Established{
		Secrets: dtlsrec.Secrets{
			Suite: suite, Master: bytes.Repeat([]byte{0x4d}, 48),
			ClientRandom: [32]byte{0xc1}, ServerRandom: [32]byte{0x5e},
		},
		Identity: "urn:dev:1", HasLocal: hasLocal, Peer: peer, Sent: 1, Window: dtlsrec.FullWindow(0),
	}
	if hasLocal {
		e.Local = localCID
	}
	return e
}

// device is the other end: it remembers nothing but its next number.
type device struct {
	t      testing.TB
	cipher *dtlsrec.Cipher
	local  []byte // what its records carry
	own    int    // length of the CID that it gave out
	seq    uint64
}

// start makes both ends of a session, whose state is committed.
func start(t testing.TB, e Established) (*device, *Session) {
	t.Helper()
	s, err := New(e)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Dirty() {
		t.Error("a new session has nothing to store")
	}
	s.AppendState(nil)
	c, err := dtlsrec.NewCipher(e.Secrets, false)
	if err != nil {
		t.Fatal(err)
	}
	d := &device{t: t, cipher: c, own: len(e.Peer), seq: e.Window.Edge}
	if e.HasLocal {
		d.local = e.Local[:]
	}
	return d, s
}

func (d *device) send(t dtlsrec.ContentType, plaintext string) []byte {
	d.seq++
	return d.cipher.Seal(nil, t, Epoch, d.seq, d.local, []byte(plaintext))
}

func (d *device) say(plaintext string) []byte { return d.send(dtlsrec.TypeApplicationData, plaintext) }

// hear opens the one record of a datagram of the server.
func (d *device) hear(datagram []byte) (string, dtlsrec.ContentType, uint64) {
	d.t.Helper()
	h, fragment, rest, err := dtlsrec.ParseHeader(datagram, d.own)
	if err != nil || len(rest) > 0 || h.Epoch != Epoch {
		d.t.Fatalf("%x: %+v, %v", datagram, h, err)
	}
	plaintext, t, err := d.cipher.Open(nil, h, fragment)
	if err != nil {
		d.t.Fatalf("%x: %v", datagram, err)
	}
	return string(plaintext), t, h.Sequence
}

// reload is the session as another process finds it.
func reload(t testing.TB, secret, state []byte) *Session {
	t.Helper()
	s, err := ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ParseState(state); err != nil {
		t.Fatal(err)
	}
	return s
}

func payloads(contents []Content) (all []string) {
	for _, c := range contents {
		all = append(all, string(c.Payload))
	}
	return all
}

func TestBothEndsUnderstandEachOther(t *testing.T) {
	for _, suite := range suites {
		for _, peer := range [][]byte{nil, {7}, []byte("a CID of twenty byte")} {
			for _, hasLocal := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v/%v/%d", suite, hasLocal, len(peer)), func(t *testing.T) {
					d, s := start(t, established(suite, hasLocal, peer))
					for i := range 3 * Block {
						said := fmt.Sprintf("message %d", i)
						contents, err := s.Open(d.say(said))
						if err != nil || len(contents) != 1 || string(contents[0].Payload) != said || !contents[0].Newest {
							t.Fatalf("%d: %q, %v", i, payloads(contents), err)
						}
						got, typ, seq := d.hear(s.Seal(nil, []byte(said)))
						if got != said || typ != dtlsrec.TypeApplicationData || seq != uint64(i+1) {
							t.Fatalf("%d: %q of %v in record %d", i, got, typ, seq)
						}
						if i%70 == 69 {
							s.Sleep()
						}
					}
				})
			}
		}
	}
}

func TestSeveralRecordsInADatagram(t *testing.T) {
	d, s := start(t, established(dtlsrec.CCM8, true, nil))
	first, second, third := d.say("one"), d.say("two"), d.say("three")
	datagram := bytes.Join([][]byte{second, first, second, third[:len(third)-1]}, nil)
	contents, err := s.Open(datagram)
	if got := fmt.Sprint(payloads(contents)); got != "[two one]" || err != ErrReplay {
		t.Errorf("%s, %v", got, err)
	}
	if !contents[0].Newest || contents[1].Newest {
		t.Errorf("newest: %v, %v", contents[0].Newest, contents[1].Newest)
	}
	spoilt := bytes.Clone(third)
	spoilt[len(spoilt)-1] ^= 1
	contents, err = s.Open(append(spoilt, third...))
	if got := fmt.Sprint(payloads(contents)); got != "[three]" || err != dtlsrec.ErrForged {
		t.Errorf("%s, %v", got, err)
	}
}

// TestDropped: what is no record of this session changes nothing.
func TestDropped(t *testing.T) {
	for name, tc := range map[string]struct {
		hasLocal bool
		datagram func(d *device) []byte
		want     error
	}{
		"empty record":       {true, func(d *device) []byte { return d.say("")[:22] }, dtlsrec.ErrMalformed},
		"noise":              {true, func(*device) []byte { return []byte("noise is no record") }, dtlsrec.ErrMalformed},
		"without its CID":    {true, func(d *device) []byte { d.local = nil; return d.say("x") }, ErrForeign},
		"with a foreign CID": {true, func(d *device) []byte { d.local = []byte("12345678"); return d.say("x") }, ErrForeign},
		"with a CID":         {false, func(d *device) []byte { d.local = localCID[:]; return d.say("x") }, dtlsrec.ErrMalformed},
		"the next epoch": {false, func(d *device) []byte {
			return d.cipher.Seal(nil, dtlsrec.TypeApplicationData, 2, 9, nil, []byte("x"))
		}, ErrForeign},
		"a handshake in the clear": {false, func(*device) []byte {
			return append(dtlsrec.Header{Type: dtlsrec.TypeHandshake, Length: 1}.Append(nil), 1)
		}, ErrForeign},
		"our own record": {false, func(d *device) []byte {
			s, err := New(established(dtlsrec.CCM8, false, nil))
			if err != nil {
				d.t.Fatal(err)
			}
			return s.Seal(nil, []byte("x"))
		}, dtlsrec.ErrForged},
	} {
		d, s := start(t, established(dtlsrec.CCM8, tc.hasLocal, nil))
		before := *s
		contents, err := s.Open(tc.datagram(d))
		if len(contents) != 0 || err != tc.want {
			t.Errorf("%s: %q, %v", name, payloads(contents), err)
		}
		if s.Dirty() || s.Ended() || s.Window() != before.Window() {
			t.Errorf("%s: changed the session", name)
		}
	}
}

func TestAChangeCipherSpecUnderTheKeysIsNoContent(t *testing.T) {
	d, s := start(t, established(dtlsrec.GCM, false, nil))
	if contents, err := s.Open(d.send(dtlsrec.TypeChangeCipherSpec, "\x01")); len(contents) != 0 || err != dtlsrec.ErrMalformed {
		t.Errorf("%q, %v", payloads(contents), err)
	}
	if !s.Dirty() {
		t.Error("its number is not remembered")
	}
}

func TestAlertsThatEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		alert string
		ends  bool
		err   error
	}{
		"close_notify":  {"\x01\x00", true, nil},
		"fatal":         {"\x02\x14", true, nil},
		"level unknown": {"\x03\x14", true, nil},
		"warning":       {"\x01\x5a", false, nil},
		"cut":           {"\x02", false, dtlsrec.ErrMalformed},
	} {
		d, s := start(t, established(dtlsrec.CCM8, true, nil))
		secret := s.AppendSecret(nil)
		late := d.say("late")
		contents, err := s.Open(append(d.send(dtlsrec.TypeAlert, tc.alert), late...))
		if want := tc.err; !tc.ends && err != want || tc.ends && err != ErrEnded {
			t.Errorf("%s: %v", name, err)
		}
		if s.Ended() != tc.ends || !s.Dirty() {
			t.Errorf("%s: ended %v, dirty %v", name, s.Ended(), s.Dirty())
		}
		if tc.ends && (len(contents) != 1 || contents[0].Type != dtlsrec.TypeAlert) {
			t.Errorf("%s: %q", name, payloads(contents))
		}
		again := reload(t, secret, s.AppendState(nil))
		if again.Ended() != tc.ends {
			t.Errorf("%s: after a restart ended is %v", name, again.Ended())
		}
		if got := again.Seal([]byte("x"), []byte("more")); tc.ends != (string(got) == "x") {
			t.Errorf("%s: sealed %x", name, got)
		}
		if got := again.Close(nil); tc.ends != (got == nil) {
			t.Errorf("%s: closed with %x", name, got)
		}
	}
}

func TestCloseAndFail(t *testing.T) {
	d, s := start(t, established(dtlsrec.CCM8, false, []byte{1, 2}))
	got, typ, _ := d.hear(s.Close(nil))
	if got != "\x01\x00" || typ != dtlsrec.TypeAlert || !s.Ended() || !s.Dirty() {
		t.Errorf("%x of %v, ended %v", got, typ, s.Ended())
	}
	s.AppendState(nil)
	if got := s.Close(nil); got != nil || s.Dirty() {
		t.Errorf("closed again with %x, dirty %v", got, s.Dirty())
	}
	d, s = start(t, established(dtlsrec.CCM8, false, nil))
	if got, _, _ := d.hear(s.Fail(nil, dtlsrec.Alert{Level: dtlsrec.Fatal, Description: dtlsrec.AccessDenied})); got != "\x02\x31" {
		t.Errorf("failed with %x", got)
	}
	if contents, err := s.Open(d.say("x")); len(contents) != 0 || err != ErrEnded {
		t.Errorf("%q, %v", payloads(contents), err)
	}
}

// TestNumbersEnd: the last one is used, and none after it.
func TestNumbersEnd(t *testing.T) {
	e := established(dtlsrec.CCM8, false, nil)
	e.Sent = dtlsrec.MaxSequence - 2
	d, s := start(t, e)
	secret := s.AppendSecret(nil)
	if !s.Spent() {
		t.Error("not spent")
	}
	for i := range 3 {
		if _, _, seq := d.hear(s.Seal(nil, []byte("x"))); seq != dtlsrec.MaxSequence-2+uint64(i) {
			t.Errorf("record %d", seq)
		}
	}
	if got := s.Seal(nil, []byte("x")); got != nil || !s.Ended() || !s.Dirty() {
		t.Errorf("sealed %x, ended %v", got, s.Ended())
	}
	if !reload(t, secret, s.AppendState(nil)).Ended() {
		t.Error("goes on after a restart")
	}
}

func TestUselessHandshakes(t *testing.T) {
	for name, change := range map[string]func(*Established){
		"suite":    func(e *Established) { e.Secrets.Suite = 0xc02b },
		"master":   func(e *Established) { e.Secrets.Master = e.Secrets.Master[1:] },
		"identity": func(e *Established) { e.Identity = string(make([]byte, MaxIdentity+1)) },
		"CID":      func(e *Established) { e.Peer = make([]byte, dtlsrec.MaxCID+1) },
		"sent":     func(e *Established) { e.Sent = dtlsrec.MaxSequence + 1 },
		"window":   func(e *Established) { e.Window.Edge = dtlsrec.MaxSequence + 1 },
	} {
		e := established(dtlsrec.CCM8, true, nil)
		change(&e)
		if s, err := New(e); s != nil || !errors.Is(err, ErrRecord) && !errors.Is(err, dtlsrec.ErrSuite) {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

// TestTheWholeCaptureAgain: after a restart, not one datagram of a session does
// anything, in whatever order.
func TestTheWholeCaptureAgain(t *testing.T) {
	const seed, messages = 25, 500
	for _, hasLocal := range []bool{false, true} {
		d, s := start(t, established(dtlsrec.CCM8, hasLocal, nil))
		secret := s.AppendSecret(nil)
		var capture [][]byte
		for i := range messages {
			capture = append(capture, d.say(fmt.Sprint(i)))
			if _, err := s.Open(capture[i]); err != nil {
				t.Fatal(err)
			}
		}
		s = reload(t, secret, s.AppendState(nil))
		state := s.AppendState(nil)
		for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(messages) {
			if contents, err := s.Open(capture[i]); len(contents) != 0 || err != ErrReplay {
				t.Fatalf("seed %d: datagram %d again: %q, %v", seed, i, payloads(contents), err)
			}
		}
		if s.Dirty() || !bytes.Equal(s.AppendState(nil), state) {
			t.Error("the session is changed")
		}
	}
}
